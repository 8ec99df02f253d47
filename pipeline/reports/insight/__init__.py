"""Pages on what is inside a model: contexts, modulation, explanations."""
