"""Whether a model is good enough for new users or a new scenario, and what to ask."""
