"""Metrics of tasks, and their means with intervals; NumPy only."""
