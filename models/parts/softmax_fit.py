"""Fits the few weights of a distribution over levels, by maximum likelihood."""

import numpy as np
import scipy.optimize
import scipy.special
from numpy.typing import NDArray

Floats = NDArray[np.float64]

_PENALTY = 1.0  # Of weights away from where they start: in pairs, about.


def fit_softmax(
    columns: Floats,
    target: Floats,
    start: tuple[Floats, Floats],
    *,
    offset: Floats | float = 0.0,
) -> tuple[Floats, Floats]:
    """Fits logits = offset + bias + columns . weights to what became of pairs.

    Args:
        columns: float64 [N, L, P], what weights are of, of N pairs and L levels.
        target: float64 [N, L], shares of levels, of sum 1.
        start: Bias float64 [L] and weights [P], which few pairs move little.
        offset: float64 [L] or [N, L], what logits hold beside.

    Returns:
        The bias and the weights.
    """
    num_levels = target.shape[1]
    origin = np.concatenate(start)

    def cost(both: Floats) -> tuple[float, Floats]:
        bias, weights = both[:num_levels], both[num_levels:]
        logits = offset + bias + columns @ weights
        logs = logits - scipy.special.logsumexp(logits, axis=1, keepdims=True)
        change = np.exp(logs) - target
        gradient = [change.sum(axis=0), np.tensordot(change, columns, 2)]
        moved = both - origin
        loss = -(target * logs).sum() + _PENALTY * (moved @ moved) / 2.0
        return float(loss), np.concatenate(gradient) + _PENALTY * moved

    if not len(target):
        return start
    best = scipy.optimize.minimize(cost, origin, jac=True, method="L-BFGS-B").x
    return best[:num_levels], best[num_levels:]
