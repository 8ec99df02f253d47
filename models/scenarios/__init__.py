"""CMML and its baselines in the scenario-specific setting."""
