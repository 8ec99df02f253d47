"""Steps that the scenario-specific setting still has of its own."""
