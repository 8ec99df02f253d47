"""How far an answer is from the one that was recorded."""

import numpy as np

from pipeline.settings.runtime import Tensors

TOLERANCE = 1e-5  # Of the largest label or score, or of 1 if that is less.

_ITEM_ID, _SCORE = "item_id", "score"


class MismatchError(ValueError):
    """An answer that is another one, not the same with rounding."""


def largest_difference(expected: Tensors, actual: Tensors, label_max: float) -> float:
    """Compares an answer with the recorded one.

    Numbers may differ by rounding. All else must be equal, with one exception: items
    whose scores differ by rounding alone may come in either order.

    Args:
        expected: Recorded outputs by name, at least one.
        actual: Outputs by name; those that were not recorded do not count.
        label_max: The largest label.

    Returns:
        The largest difference of two floats, as a share of the largest of 1,
        `label_max` and the floats of the same output.

    Raises:
        MismatchError: If an output is missing, has another shape, or differs by more
            than rounding; it names the output.
    """
    largest = 0.0
    for name, want in expected.items():
        if name not in actual:
            raise MismatchError(f"output {name!r} is missing, got {sorted(actual)}")
        got = actual[name]
        if got.shape != want.shape:
            raise MismatchError(
                f"output {name!r} must have shape {list(want.shape)}, "
                f"got {list(got.shape)}"
            )
        if np.issubdtype(want.dtype, np.floating):
            scale = max(1.0, label_max, float(np.abs(want).max(initial=0.0)))
            gaps = np.abs(got.astype(np.float64) - want.astype(np.float64)) / scale
            largest = float(np.maximum(largest, gaps.max(initial=0.0)))  # NaN stays.
            continue
        differs = np.asarray(got != want)
        if name == _ITEM_ID and _SCORE in expected:
            differs &= ~_is_tied(expected[_SCORE], label_max)
        if differs.any():
            place = tuple(int(i) for i in np.argwhere(differs)[0])
            raise MismatchError(
                f"output {name!r} must be {want[place]!r} at {list(place)}, "
                f"got {got[place]!r}"
            )
    return largest


def _is_tied(scores: np.ndarray, label_max: float) -> np.ndarray:
    """Marks the scores [B, K], best first, that rounding can put in another place.

    The last one may be tied with the first that is not there.
    """
    tolerance = TOLERANCE * max(1.0, label_max, float(np.abs(scores).max(initial=0.0)))
    is_close = np.abs(np.diff(scores, axis=1)) <= tolerance
    open_end = np.ones((len(scores), 1), bool)
    after = np.concatenate([is_close, open_end], axis=1)
    before = np.concatenate([~open_end, is_close], axis=1)
    tied: np.ndarray = after | before
    return tied
