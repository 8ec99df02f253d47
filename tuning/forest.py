"""What a random forest, which sees what keys do together, makes of a search."""

import dataclasses
import itertools
import math
from collections.abc import Mapping, Sequence

import numpy as np

from tuning.trial_result import TrialResult, value_text

MIN_TRIALS = 20
MIN_FIT = 0.3

_NUM_FOLDS = 5
_NUM_TREES = 100
_NUM_PERMUTATIONS = 10


@dataclasses.dataclass(frozen=True)
class Forest:
    """What a random forest makes of a search.

    Attributes:
        fit: Share of the variance of unseen trials that it predicts; at most 1, and
            below 0 if it is worse than their mean.
        importance: By key, the share of the variance that it takes part in, alone or
            with others: half of the squared error that is added when its values are
            permuted, since old and new value each count once. Around 0, also
            below, if the key does nothing.
    """

    fit: float
    importance: Mapping[str, float]


def forest(trials: Sequence[TrialResult], keys: Sequence[str]) -> Forest | str:
    """Returns permutation importance by a random forest, on trials it has not seen.

    Args:
        trials: Completed trials.
        keys: Keys of the search.

    Returns:
        The forest. In words why nothing can be known, if there are fewer than
        `MIN_TRIALS` trials or it predicts less than `MIN_FIT` of the
        variance of trials that it has not seen.
    """
    if len(trials) < MIN_TRIALS:
        return (
            f"a forest wants at least {MIN_TRIALS} completed trials, got {len(trials)}"
        )
    targets = np.asarray([trial.objective for trial in trials], np.float64)
    total = float(np.sum((targets - targets.mean()) ** 2))
    if total == 0.0:
        return "all trials have the same objective"
    inputs = np.column_stack([_column(trials, key) for key in keys])  # [trials, keys]
    error, permuted = _errors(inputs, targets)
    fit = 1.0 - error / total
    if fit < MIN_FIT:
        return (
            "a forest cannot predict trials that it has not seen "
            f"(it explains {fit:.0%} of their variance)"
        )
    shares = 0.5 * (permuted - error) / total
    return Forest(fit, dict(zip(keys, shares.tolist(), strict=True)))


def _errors(inputs: np.ndarray, targets: np.ndarray) -> tuple[float, np.ndarray]:
    """Predicts each trial by a forest that has not seen it.

    Args:
        inputs: float64 [trials, keys], NaN where a key is not active.
        targets: float64 [trials].

    Returns:
        The sum of squared errors; and the same, float64 [keys], with the values of each
        key permuted among the trials in which it is active, the mean of several.
    """
    # They take a second to import, and only reports need them.
    from sklearn.ensemble import RandomForestRegressor
    from sklearn.model_selection import KFold

    rng = np.random.default_rng(0)
    num_keys = inputs.shape[1]
    error, permuted = 0.0, np.zeros(num_keys)
    for seen, unseen in KFold(_NUM_FOLDS, shuffle=True, random_state=0).split(inputs):
        model = RandomForestRegressor(_NUM_TREES, random_state=0)
        model.fit(inputs[seen], targets[seen])
        known, actual = inputs[unseen], targets[unseen]
        changed = [
            _permuted(known, n, rng)
            for n, _ in itertools.product(range(num_keys), range(_NUM_PERMUTATIONS))
        ]
        # All at once, since a call of a forest takes longer than its rows.
        predicted = model.predict(np.concatenate([known, *changed]))
        squares = np.sum((predicted.reshape(-1, len(known)) - actual) ** 2, axis=1)
        error += float(squares[0])
        permuted += squares[1:].reshape(num_keys, _NUM_PERMUTATIONS).mean(axis=1)
    return error, permuted


def _permuted(rows: np.ndarray, n: int, rng: np.random.Generator) -> np.ndarray:
    """Returns the rows with key n permuted among those in which it is active."""
    rows = rows.copy()
    is_active = ~np.isnan(rows[:, n])
    rows[is_active, n] = rng.permutation(rows[is_active, n])
    return rows


def _column(trials: Sequence[TrialResult], key: str) -> np.ndarray:
    """Returns values as numbers, names by place, NaN where the key is not active."""
    values = [trial.values.get(key) for trial in trials]
    if all(value is None or isinstance(value, int | float) for value in values):
        return np.asarray(values, np.float64)
    texts = [None if value is None else value_text(value) for value in values]
    places = {text: n for n, text in enumerate(dict.fromkeys(texts))}
    return np.asarray(
        [math.nan if text is None else places[text] for text in texts], np.float64
    )
