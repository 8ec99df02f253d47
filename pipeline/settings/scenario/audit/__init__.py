"""Leaks in a prepared data set of clicks."""
