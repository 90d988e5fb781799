"""Values and judgement: pure functions of their arguments. No I/O, clock, randomness, environment, logging."""
