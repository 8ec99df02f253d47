"""The baselines of the scenario-specific setting, one file each."""
