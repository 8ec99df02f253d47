"""Simple methods of the user-specific setting, one file each."""
