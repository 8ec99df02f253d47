"""What keeps metrics from being taken."""


class NotFiniteError(ValueError):
    """Scores that no metric can be taken of."""
