"""Hyperparameter search: spaces, oracles that resume, and what trials come to."""
