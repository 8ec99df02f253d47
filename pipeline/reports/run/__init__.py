"""A finished run as one page: whether it is good, for whom, and why."""
