"""Keras layers and models: CMML, its parts, and the baselines beside it."""
