"""Training, judging and timing of `core.dedupe` on real days. Not installed."""
