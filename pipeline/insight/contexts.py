"""Context embeddings of many tasks, and what is known of each task to read them by."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from models.cmml import CMML
from models.legacy_keras import tf
from models.options import MemberOptions
from pipeline.settings.compiled import compiled_once
from pipeline.settings.registry import setting_of
from pipeline.settings.setting import Data
from pipeline.settings.step_parts import OF_TASKS, TASTE, Labels
from transforms import schema
from transforms.schema import DataError

# Kinds of labels in the order they are looked at, those first that say what a task is
# about. A data set has some of them; features of users come behind.
KINDS = ("group", "domain", *OF_TASKS, TASTE, "error", "support_size")

# In place of a split: the tasks of all of them.
ALL_SPLITS = "all"

_SPLITS = (schema.META_TEST, schema.META_VALIDATION, schema.META_TRAIN)

Support = Mapping[str, NDArray]

_MASK = "support_mask"


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
    parts = setting_of(config).parts
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


def orders_of(options: MemberOptions, num_orders: int) -> int:
    """Returns how many orders are needed: one, if the encoder heeds no order."""
    return num_orders if options.encoder == "gru" else 1


def mean_context(
    adapt: Callable[[dict[str, tf.Tensor]], tf.Tensor],
    support: Support,
    *,
    num_orders: int,
) -> NDArray[np.float32]:
    """Encodes each support set in several orders.

    A recurrent encoder remembers the last pairs best, so that one order places a task
    half by chance; the mean over orders places it by its pairs.

    Args:
        adapt: From the `support_*` tensors of a batch to contexts float32 [B, D].
        support: The `support_*` tensors, [B, S], padding last.
        num_orders: Orders; the first is that of `support`.

    Returns:
        float32 [B, D].
    """
    rng = np.random.default_rng(0)
    ordered, total = support, np.float32(0.0)
    for number in range(num_orders):
        if number:
            ordered = shuffled(support, rng)
        tensors = {name: tf.constant(value) for name, value in ordered.items()}
        total = total + adapt(tensors).numpy()
    return np.asarray(total / num_orders, np.float32)


def shuffled(support: Support, rng: np.random.Generator) -> dict[str, NDArray]:
    """Shuffles the pairs of each support set, the padding staying last.

    Args:
        support: The `support_*` tensors, [B, S].
        rng: Of the shuffle.
    """
    keys = np.where(support[_MASK], rng.random(support[_MASK].shape), 1.0)
    order = np.argsort(keys, axis=1, kind="stable")
    return {
        # The user of a task is in no order.
        name: value
        if value.shape != order.shape
        else np.take_along_axis(value, order, axis=1)
        for name, value in support.items()
    }
