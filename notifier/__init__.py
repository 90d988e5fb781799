"""Tells the world: one attempt at one delivery, by webhook or mail, and what came of it. It keeps nothing."""
