"""How a mean or a difference with its interval stands in a text."""

from models.evaluation.intervals import Interval


def cell(interval: Interval) -> str:
    """Writes a mean and its interval."""
    return f"{interval.mean:.4f} [{interval.low:.3f}, {interval.high:.3f}]"


def signed(interval: Interval) -> str:
    """Writes a difference and its interval."""
    return f"{interval.mean:+.4f} [{interval.low:+.4f}, {interval.high:+.4f}]"
