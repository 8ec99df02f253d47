"""What a model has learned of tasks: contexts, routes, modulation and attribution."""
