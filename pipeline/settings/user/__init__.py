"""The user-specific setting: a task is a user, its labels are ratings."""
