"""Context embeddings of many tasks, and what is known of each task to read them by."""

from __future__ import annotations

import dataclasses
import pathlib
from collections.abc import Mapping, Sequence
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from pipeline.experiment.config_section import Experiment
from pipeline.experiment.run_dir import RunDir
from pipeline.settings.scenario.config import ScenarioConfig
from pipeline.settings.user.config import Config

# What tasks are told apart by: a text, or a number that orders them.
Labels: TypeAlias = Sequence[str | float]

# The name of a task. All its contexts have it, and those of no other task.
TAG = "tag"

# What users like; the label is called so whatever feature of items it is told by.
TASTE = "taste"

# Kinds of labels in the order they are looked at, those first that say what a task is
# about. A data set has some of them; features of users come behind.
KINDS = ("group", "domain", TAG, TASTE, "error", "support_size")

# In place of a split: the tasks of all of them.
ALL_SPLITS = "all"

# Orders that a context is the mean over; users are many and their support sets short.
SCENARIO_ORDERS, USER_ORDERS = 32, 4

# The label of a task that has none of a kind.
NO_LABEL = ""


@dataclasses.dataclass(frozen=True, eq=False)
class TaskContexts:
    """Context embeddings of N support sets.

    Attributes:
        task_ids: As they came in. With scenarios several support sets are drawn of a
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
    config: Experiment,
    dataset_dir: pathlib.Path,
    run: RunDir,
    *,
    split: str,
    max_tasks: int = 6000,
    num_orders: int | None = None,
    seed: int = 0,
) -> TaskContexts:
    """Encodes support sets with the best weights of a finished training.

    With users as tasks that is the support set that `evaluate` shows of each. With
    scenarios it is several of each, which share no click: see `scenario_contexts`.

    Args:
        config: The experiment.
        dataset_dir: The prepared data set.
        run: The run of a finished training.
        split: "meta_train", "meta_validation", "meta_test", or "all" of them.
        max_tasks: Support sets, at most; more are thinned out at random.
        num_orders: Orders of each support set that a context is the mean over, if the
            encoder is recurrent: see `pipeline.insight.orders`. By default 32 with
            scenarios, 4 with users.
        seed: Of the choice, of the orders, and of the support sets of scenarios.

    Returns:
        The contexts. Kinds of labels are "split" and "support_size"; with users their
        features, "error" and "taste" in items (`pipeline.insight.taste`); with
        scenarios "tag", and "domain" if there are several.

    Raises:
        DataError: If that split has no tasks, or no scenario with 2 clicks.
    """
    if isinstance(config, ScenarioConfig):
        from pipeline.insight.scenario_contexts import scenario_contexts

        found = scenario_contexts(
            config,
            dataset_dir,
            run,
            split=split,
            num_orders=num_orders or SCENARIO_ORDERS,
            seed=seed,
        )
    else:
        assert isinstance(config, Config)
        from pipeline.insight.user_contexts import user_contexts

        found = user_contexts(
            config,
            dataset_dir,
            run,
            split=split,
            num_orders=num_orders or USER_ORDERS,
            seed=seed,
        )
    return thinned(found, max_tasks, seed)


def thinned(found: TaskContexts, most: int, seed: int) -> TaskContexts:
    """Chooses some of the contexts at random, in the order they have.

    Args:
        found: The contexts.
        most: How many are left, at most.
        seed: Of the choice.
    """
    num_found = len(found.task_ids)
    if num_found <= most:
        return found
    places = np.random.default_rng(seed).choice(num_found, most, replace=False)
    return found.select(np.sort(places))


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
