"""What contexts change of the backbone, for groups of tasks of a run."""

from collections import Counter
from collections.abc import Mapping, Sequence

import numpy as np

from pipeline.insight.contexts import KINDS, TaskContexts
from pipeline.insight.modulation_values import Values, difference, mean_values
from pipeline.reports.insight.clusterings import tells_apart
from pipeline.reports.insight.routes import ModulationFigures, modulation_figures
from pipeline.settings.step_parts import NO_LABEL
from transforms.plural import counted

_NUM_GROUPS = 3
_MAX_TASKS = 20  # Of a group.
_FIRST = "the first tasks"


def largest_groups(contexts: TaskContexts) -> dict[str, list[str]]:
    """Chooses the tasks of the most frequent labels of the kind that tells the most.

    Returns:
        Up to 20 tasks each of up to three groups, by what these are called.
    """
    kind = next(
        (kind for kind in _kinds(contexts) if tells_apart(contexts, kind)), None
    )
    if kind is None:
        return {_FIRST: list(dict.fromkeys(contexts.task_ids))[:_MAX_TASKS]}
    labels = contexts.labels[kind]
    counts = Counter(str(label) for label in labels if label != NO_LABEL)
    groups = {}
    by_count = sorted(counts, key=lambda name: (-counts[name], name))
    for name in by_count[:_NUM_GROUPS]:
        tasks = [
            task_id
            for task_id, label in zip(contexts.task_ids, labels, strict=True)
            if label == name
        ]
        groups[f"{kind} {name}"] = list(dict.fromkeys(tasks))[:_MAX_TASKS]
    return groups


def group_modulations(
    groups: Mapping[str, Sequence[str]], values: Mapping[str, Values]
) -> tuple[list[str], ModulationFigures] | None:
    """Draws and compares the mean values of groups of tasks.

    Args:
        groups: Tasks by group.
        values: Values by task; a task without any is left out.

    Returns:
        How far the groups are apart, and the values of each; None if no task has any.
    """
    means = {}
    for name, tasks in groups.items():
        known = [values[task] for task in tasks if task in values]
        if known:
            count = counted(len(known), "task")
            means[f"{name} ({count})"] = mean_values(known)
    if not means:
        return None
    return _differences(means), modulation_figures(means)


def _kinds(contexts: TaskContexts) -> list[str]:
    texts = [
        kind
        for kind, labels in contexts.labels.items()
        if kind != "split" and all(isinstance(label, str) for label in labels)
    ]
    return sorted(texts, key=lambda kind: [kind != first for first in KINDS])


def _differences(means: Mapping[str, Values]) -> list[str]:
    first, *others = means
    spread = float(np.mean([np.std(value) for value in means[first].values()]))
    sentences = []
    for other in others:
        gaps = difference(means[first], means[other])
        gap = float(np.mean([np.abs(value).mean() for value in gaps.values()]))
        share = f", {gap / spread:.1%} of the spread of these values" if spread else ""
        sentences.append(
            f"{first} and {other} differ by {gap:.2g} on average{share} over units or "
            "modules."
        )
    return sentences
