"""What one key of a grid does to the objective on average."""

import dataclasses
import math
import statistics
from collections.abc import Mapping, Sequence

import numpy as np
import scipy.stats

from tuning.trial_result import TrialResult, value_text

MIN_TRIALS = 8
MIN_SPARE = 3

_NOTHING = 1e-12  # Shares of variance below are those of rounding.


@dataclasses.dataclass(frozen=True)
class MainEffect:
    """What one key does to the objective on average.

    Attributes:
        share: Eta squared, the share in [0, 1] of the variance that goes along with the
            key.
        by_chance: The share to be expected if the values of the key were permuted
            within each block.
        p: Probability of so large a share if the key did nothing, by an F test within
            blocks.
        means: Mean objective of each value, as text.
        num_trials: Trials that it was computed from.
    """

    share: float
    by_chance: float
    p: float
    means: Mapping[str, float]
    num_trials: int


def main_effect(
    trials: Sequence[TrialResult], key: str, keys: Sequence[str]
) -> MainEffect | str:
    """Returns the main effect of a key, by analysis of variance in complete blocks.

    A block is made of the trials in which the key is active and that agree in all other
    keys that are active in each of them; keys that are active in some only are averaged
    over. Blocks in which a value of the key is missing are left out, so that no other
    key is taken for this one.

    Args:
        trials: Completed trials.
        key: The key.
        keys: All keys of the search.

    Returns:
        The main effect. In words why it cannot be known, if fewer than
        `MIN_TRIALS` trials are in complete blocks or fewer than `MIN_SPARE`
        degrees of freedom are left to tell it from chance.
    """
    active = [trial for trial in trials if key in trial.values]
    values = list(dict.fromkeys(value_text(trial.values[key]) for trial in active))
    if len(values) < 2:
        return "fewer than two values were tried"
    others = [
        other
        for other in keys
        if other != key and all(other in trial.values for trial in active)
    ]
    blocks: dict[tuple[str, ...], dict[str, list[float]]] = {}
    for trial in active:
        block = tuple(value_text(trial.values[other]) for other in others)
        cell = blocks.setdefault(block, {}).setdefault(
            value_text(trial.values[key]), []
        )
        assert trial.objective is not None
        cell.append(trial.objective)
    complete = [block for block in blocks.values() if len(block) == len(values)]
    num_trials = sum(len(cell) for block in complete for cell in block.values())
    spare = (len(values) - 1) * (len(complete) - 1)
    if num_trials < MIN_TRIALS or spare < MIN_SPARE:
        return (
            f"too few trials differ in it alone: {num_trials} in {len(complete)} "
            f"complete comparisons of its {len(values)} values"
        )
    table = [[statistics.fmean(block[value]) for value in values] for block in complete]
    return _analyse(np.asarray(table), values, num_trials)


def _analyse(
    table: np.ndarray, values: Sequence[str], num_trials: int
) -> MainEffect | str:
    """Analyses the variance of a table, float64 [blocks, values]."""
    num_blocks, num_values = table.shape
    total = np.sum((table - table.mean()) ** 2)
    if math.isclose(float(table.max()), float(table.min()), rel_tol=1e-12):
        return "all trials have the same objective"
    of_key = num_blocks * np.sum((table.mean(axis=0) - table.mean()) ** 2)
    of_blocks = num_values * np.sum((table.mean(axis=1) - table.mean()) ** 2)
    rest = max(float(total - of_key - of_blocks), 0.0)
    freedom = num_values - 1, (num_values - 1) * (num_blocks - 1)
    if of_key < _NOTHING * total:
        ratio = 0.0
    elif rest < _NOTHING * total:
        ratio = math.inf
    else:
        ratio = (of_key / freedom[0]) / (rest / freedom[1])
    return MainEffect(
        share=float(of_key / total),
        by_chance=float((total - of_blocks) / total / num_blocks),
        p=float(scipy.stats.f.sf(ratio, *freedom)),
        means=dict(zip(values, table.mean(axis=0).tolist(), strict=True)),
        num_trials=num_trials,
    )
