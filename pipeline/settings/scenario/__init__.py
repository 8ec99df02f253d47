"""The scenario-specific setting: a task is a scenario, its pairs are clicks."""
