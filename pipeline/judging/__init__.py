"""Scores to metrics, intervals and groups; methods tuned, trained and judged."""
