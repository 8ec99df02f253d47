"""What baselines of scenarios are made of."""
