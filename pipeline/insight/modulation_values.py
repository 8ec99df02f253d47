"""What a context changes of the backbone, as values of one task or several."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from models.cmml import CMML
from models.legacy_keras import tf
from models.recommender import Episode, split_episode

# Values by name, as `value_names` of a modulation network has them, for one task or the
# mean of several: `routes_0` float [R, R], of the last layer [R]; others float [units].
Values: TypeAlias = Mapping[str, NDArray[np.floating]]

ROUTES = "routes_"


def has_routes(values: Values) -> bool:
    """Whether the values are route weights."""
    return any(name.startswith(ROUTES) for name in values)


def named_values(values: object, names: Sequence[str]) -> list[dict[str, NDArray]]:
    """Names what `modulate` returns, the mean over the pairs of each task taken.

    Args:
        values: Nested tensors or arrays, each [B, Q, ...].
        names: Of them, in their order.

    Returns:
        The values of each of the B tasks, without the dimension of pairs.
    """
    flat = [np.asarray(value) for value in tf.nest.flatten(values)]
    means = [value.mean(axis=1) for value in flat]
    return [
        {name: mean[task] for name, mean in zip(names, means, strict=True)}
        for task in range(len(means[0]))
    ]


def mean_values(several: Sequence[Values]) -> dict[str, NDArray]:
    """Returns the mean of the values of several tasks."""
    return {
        name: np.mean([values[name] for values in several], axis=0)
        for name in several[0]
    }


def difference(values: Values, against: Values) -> dict[str, NDArray]:
    """Returns the values less those of another task or group."""
    return {name: np.asarray(values[name] - against[name]) for name in values}


def unpacked_values(
    packed: NDArray[np.float32], widths: Mapping[str, int]
) -> dict[str, NDArray]:
    """Parts what the signature `explain` of a served model calls `modulation`.

    Args:
        packed: float32 [M], the values one after the other.
        widths: Width of each, by name and in their order, as `manifest.json` has them.
    """
    ends = np.cumsum(list(widths.values()))
    parts = np.split(packed, ends[:-1])
    values = dict(zip(widths, parts, strict=True))
    routes = [name for name in values if name.startswith(ROUTES)]
    for name in routes[:-1]:
        num_modules = values[routes[-1]].size
        values[name] = values[name].reshape(num_modules, num_modules)
    return values


def task_modulations(
    model: CMML, batches: Iterable[tuple[list[str], Episode]]
) -> Iterator[tuple[str, Values]]:
    """Yields the values of each task, the mean over its query pairs.

    Nothing is compiled, which would take longer than the few calls.

    Args:
        model: CMML with its weights.
        batches: Ids and frozen episodes, as `StepParts.episodes` yields them; a task
            without a query pair is left out.
    """
    for task_ids, episode in batches:
        num_pairs = episode["query_mask"].numpy().sum(axis=1)
        support, query = split_episode(episode)
        pairs = model.pairs.query_pairs(query)
        leaves = [
            leaf.numpy()
            for leaf in tf.nest.flatten(model.modulate(model.adapt(support), pairs))
        ]
        for place, task_id in enumerate(task_ids):
            if num_pairs[place]:
                # Padding comes last; what is alike for all pairs is there once.
                own = [leaf[place : place + 1, : num_pairs[place]] for leaf in leaves]
                yield task_id, named_values(own, model.modulation.value_names)[0]
