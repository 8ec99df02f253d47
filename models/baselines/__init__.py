"""Simple, strong methods that every cold-start model must beat, one file each."""
