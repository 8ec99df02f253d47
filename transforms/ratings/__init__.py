"""Ratings to episodes of users, by Beam."""
