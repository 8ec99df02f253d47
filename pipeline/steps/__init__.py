"""The work of each command, one file a command, by its name."""
