"""The base directory that servers read: its versions, their labels, its history."""
