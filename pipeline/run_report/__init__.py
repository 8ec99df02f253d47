"""A finished run as one page for people: whether it is good, for whom, and why."""
