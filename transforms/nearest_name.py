"""The name that somebody may have meant."""

import difflib
from collections.abc import Sequence


def nearest(name: object, known: Sequence[str], cutoff: float = 0.6) -> str:
    """Returns "; did you mean 'x'?" for the known name nearest to a wrong one.

    Case does not count. Returns a full stop if nothing is near.

    Args:
        name: What was given; other values than texts are taken as they are written.
        known: The names that there are.
        cutoff: How alike the two must be, from 0 to 1 for the same.
    """
    by_lower = {candidate.lower(): candidate for candidate in known}
    wrong = str(name).lower()
    matches = difflib.get_close_matches(wrong, list(by_lower), n=1, cutoff=cutoff)
    return f"; did you mean {by_lower[matches[0]]!r}?" if matches else "."
