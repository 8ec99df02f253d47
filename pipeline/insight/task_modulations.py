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

    Args:
        model: CMML with its weights.
        batches: Ids and frozen episodes, as `StepParts.episodes` yields them; a task
            without a query pair is left out.
    """

    @tf.function(reduce_retracing=True)
    def modulate(support: Episode, query: Episode) -> object:
        return model.modulate(model.adapt(support), model.pairs.query_pairs(query))

    for task_ids, episode in batches:
        num_pairs = episode["query_mask"].numpy().sum(axis=1)
        leaves = tf.nest.flatten(modulate(*split_episode(episode)))
        for place, task_id in enumerate(task_ids):
            if num_pairs[place]:
                # Padding comes last; what is alike for all pairs is there once.
                own = [leaf[place : place + 1, : num_pairs[place]] for leaf in leaves]
                yield task_id, named_values(own, model.modulation.value_names)[0]
