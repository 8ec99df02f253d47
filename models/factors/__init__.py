"""Factors of users and items, fitted beforehand by collaborative filtering."""
