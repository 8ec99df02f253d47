"""Names of the ways to choose what a search tries next; standard library only."""

ALGORITHMS = ("grid", "random", "bayesian", "hyperband")
