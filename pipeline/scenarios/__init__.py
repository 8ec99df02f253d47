"""The steps of the command line in the scenario-specific setting."""
