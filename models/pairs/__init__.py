"""Pairs of a user and an item as embeddings."""
