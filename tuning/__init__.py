"""Hyperparameter search. Nothing lives here yet: see the changelog."""
