"""The arguments of each command, light: a step is imported when it runs."""
