"""Context embeddings of many tasks, and what is known of each task to read them by."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from models.cmml import CMML
from models.legacy_keras import tf
from pipeline.insight.orders import mean_context, orders_of
from pipeline.settings.compiled import compiled_once
from pipeline.settings.labelled_supports import OF_TASKS, TASTE, Labels
from pipeline.settings.registry import setting_of
from pipeline.settings.setting import Data
from transforms import schema
from transforms.schema import DataError

# Kinds of labels in the order they are looked at, those first that say what a task is
# about. A data set has some of them; features of users come behind.
KINDS = ("group", "domain", *OF_TASKS, TASTE, "error", "support_size")

# In place of a split: the tasks of all of them.
ALL_SPLITS = "all"

_SPLITS = (schema.META_TEST, schema.META_VALIDATION, schema.META_TRAIN)


@dataclasses.dataclass(frozen=True, eq=False)
class TaskContexts:
    """Context embeddings of N support sets.

    Attributes:
        task_ids: As they came in. With clicks several support sets are drawn of a
            task, so that its id is there more than once.
        contexts: float32 [N, D].
        labels: By kind, N labels. A kind is either of texts, `NO_LABEL` where a task
            has none, or of numbers, NaN likewise.
    """

    task_ids: Sequence[str]
    contexts: NDArray[np.float32]
    labels: Mapping[str, Labels]

    def select(self, places: NDArray[np.intp]) -> TaskContexts:
        """Returns some of them, in the order of their places."""
        return TaskContexts(
            [self.task_ids[place] for place in places],
            self.contexts[places],
            {
                kind: [labels[place] for place in places]
                for kind, labels in self.labels.items()
            },
        )


def task_contexts(
    config: Any,
    data: Data,
    model: CMML,
    *,
    split: str,
    max_tasks: int = 6000,
    errors: Mapping[str, float] | None = None,
) -> TaskContexts:
    """Encodes support sets with the weights of a finished training.

    With users as tasks that is the support set that `evaluate` shows of each. With
    scenarios it is several of each, which share no click.

    Args:
        config: The experiment.
        data: The data set.
        model: CMML with its best weights.
        split: "meta_train", "meta_validation", "meta_test", or "all" of them.
        max_tasks: Support sets, at most; more are thinned out at random.
        errors: The error of each task, if it is known; otherwise the model is asked.

    Returns:
        The contexts. Kinds of labels are "split" and those of the setting.

    Raises:
        DataError: If that split has no tasks with a support set, or the setting has no
            labels.
    """
    parts = setting_of(config).parts()
    if parts.supports is None:
        raise DataError(f"contexts of setting {config.setting!r} have no labels.")
    orders = orders_of(config.model, parts.context_orders)

    def adapt(support: dict[str, tf.Tensor]) -> tf.Tensor:
        return model.adapt(support).context

    # The few calls of one order take less time than to compile.
    encode = compiled_once(adapt) if orders > 1 else adapt
    encoded = []
    for name in existing_splits(data.info.num_tasks, split):
        for batch in parts.supports(config, data, model, name, errors):
            contexts = mean_context(encode, batch.support, num_orders=orders)
            labels = {**batch.labels, "split": [name] * len(batch.task_ids)}
            encoded.append(TaskContexts(batch.task_ids, contexts, labels))
    if not encoded:
        raise DataError(f"split must have tasks with support sets, got {split!r}.")
    return thinned(joined(encoded), max_tasks)


def existing_splits(num_tasks: Mapping[str, int], split: str) -> Sequence[str]:
    """Returns the splits that are meant, those without tasks left out.

    Args:
        num_tasks: Tasks by split.
        split: One split, or "all".

    Raises:
        DataError: If there are none.
    """
    splits = _SPLITS if split == ALL_SPLITS else (split,)
    existing = [name for name in splits if num_tasks.get(name)]
    if not existing:
        raise DataError(f"split must have tasks, got {split!r} of {dict(num_tasks)}.")
    return existing


def thinned(contexts: TaskContexts, most: int) -> TaskContexts:
    """Chooses some of the contexts at random, in the order they have.

    Args:
        contexts: The contexts.
        most: How many are left, at most.
    """
    number = len(contexts.task_ids)
    if number <= most:
        return contexts
    places = np.random.default_rng(0).choice(number, most, replace=False)
    return contexts.select(np.sort(places))


def joined(parts: Sequence[TaskContexts]) -> TaskContexts:
    """Puts contexts with the same kinds of labels one after the other."""
    return TaskContexts(
        [task_id for part in parts for task_id in part.task_ids],
        np.concatenate([part.contexts for part in parts]),
        {
            kind: [label for part in parts for label in part.labels[kind]]
            for kind in parts[0].labels
        },
    )
