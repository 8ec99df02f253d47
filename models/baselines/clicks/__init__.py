"""Simple methods of the scenario-specific setting, one file each."""
