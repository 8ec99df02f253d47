"""Counts in words that people read: "1 task was", "2 tasks were"."""


def plural(number: float, one: str, many: str | None = None) -> str:
    """Returns a word as it stands after a number.

    Args:
        number: How many.
        one: The word of one: "task", or "was".
        many: The word of any other number; None if it is that of one with an "s".
    """
    if number == 1:
        return one
    return f"{one}s" if many is None else many


def counted(number: int, noun: str) -> str:
    """Returns a number with its noun: "1 task", "2 tasks"."""
    return f"{number} {plural(number, noun)}"
