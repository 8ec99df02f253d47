"""What baselines are made of: networks, memories, objectives, inputs, and fits."""
