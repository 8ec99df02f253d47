"""Validating, publishing, serving and calling exported models."""
