"""What the contexts of tasks change of the backbone."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from models.cmml import CMML
from models.legacy_keras import tf
from models.recommender import Episode, split_episode
from pipeline.insight.modulation_values import Values, named_values


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
