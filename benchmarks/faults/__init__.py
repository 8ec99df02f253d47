"""Kills steps at random, and checks that what they leave is whole."""
