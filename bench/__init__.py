"""Speed and quality, measured on real items beside the gold labels. Not installed."""
