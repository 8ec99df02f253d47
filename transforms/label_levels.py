"""Which labels distributions are over."""

from collections.abc import Mapping

import numpy as np

from transforms.schema import MAX_LABEL_LEVELS


def label_levels(counts: Mapping[float, int]) -> tuple[float, ...]:
    """Chooses the levels of a label.

    Args:
        counts: How often each label occurs.

    Returns:
        All labels, in ascending order, if they are fewer than `MAX_LABEL_LEVELS`; else
        as many of them, from the lowest to the highest, close to one another where
        labels are frequent.
    """
    values = np.array(sorted(counts), np.float64)
    if len(values) < MAX_LABEL_LEVELS:
        return tuple(values.tolist())
    reached = np.cumsum([counts[value] for value in values])
    # Half by how many labels there are, half by how far apart: no gap is left empty.
    share = reached / reached[-1] + (values - values[0]) / (values[-1] - values[0])
    wanted = np.linspace(share[0], share[-1], MAX_LABEL_LEVELS)
    chosen = np.searchsorted(share, wanted)
    # Of equal places the next free ones.
    for place in range(1, MAX_LABEL_LEVELS):
        chosen[place] = max(chosen[place], chosen[place - 1] + 1)
    for place in range(MAX_LABEL_LEVELS - 1, -1, -1):
        chosen[place] = min(chosen[place], len(values) - MAX_LABEL_LEVELS + place)
    return tuple(values[chosen].tolist())
