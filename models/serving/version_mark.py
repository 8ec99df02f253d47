"""How a context says which version of a model made it."""

# A float32 holds whole numbers below 2 ** 24; a version takes two of them.
MARK_BASE = 2**20


def version_mark(model_version: int) -> list[float]:
    """Returns the first two values of every context of a version.

    Args:
        model_version: At least 0, below `MARK_BASE` squared.
    """
    return [float(part) for part in divmod(model_version, MARK_BASE)]
