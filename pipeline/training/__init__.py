"""Trainings: fit that resumes, and a training in a process of its own."""
