"""What contexts change of the backbone: routes between modules, scales and shifts."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence

import numpy as np

from pipeline.insight.contexts import KINDS, TaskContexts
from pipeline.insight.modulation_values import (
    Values,
    difference,
    has_routes,
    mean_values,
)
from pipeline.reports.insight.clusterings import tells_apart
from pipeline.reports.insight.routes import modulation_figure, route_figure
from pipeline.reports.page.elements import bullet_list, captioned
from pipeline.reports.page.frame import Section
from pipeline.reports.page.svg import styled, to_svg
from pipeline.settings.labelled_supports import NO_LABEL

_NUM_GROUPS = 3
_MAX_TASKS = 20  # Of a group.
_FIRST = "the first tasks"

_ROUTES = (
    "How much of each module goes into the next, in the mean of the tasks of a group. "
    "Look for a few dark lines, and for lines that differ between the groups: these "
    "are what a context changes. Bad would be one shade everywhere, when all modules "
    "do the same."
)
_VALUES = (
    "Values in the mean of the tasks of a group and of their query pairs: of scales "
    "and shifts a row a layer and a column a unit, of routes a row a module that gives "
    "and a column a module that takes. A scale or shift in white leaves a unit as it "
    "is. {difference}Bad "
    "would be figures that are all alike, when the context changes nothing."
)
_DIFFERENCE = (
    "The last row is the first group less the second, on a scale of its own. Look for "
    "units that stand out there. "
)


def largest_groups(found: TaskContexts) -> dict[str, list[str]]:
    """Chooses the tasks of the most frequent labels of the kind that tells the most.

    Args:
        found: Contexts of tasks with their labels.

    Returns:
        Up to 20 tasks each of up to three groups, by what these are called.
    """
    kind = next((kind for kind in _kinds(found) if tells_apart(found, kind)), None)
    if kind is None:
        return {_FIRST: list(dict.fromkeys(found.task_ids))[:_MAX_TASKS]}
    labels = found.labels[kind]
    counts = Counter(str(label) for label in labels if label != NO_LABEL)
    groups = {}
    for name, _ in sorted(counts.items(), key=lambda one: (-one[1], one[0])):
        tasks = [
            task_id
            for task_id, label in zip(found.task_ids, labels, strict=True)
            if label == name
        ]
        groups[f"{kind} {name}"] = list(dict.fromkeys(tasks))[:_MAX_TASKS]
        if len(groups) == _NUM_GROUPS:
            break
    return groups


def modulation_section(
    groups: Mapping[str, Sequence[str]], values: Mapping[str, Values]
) -> Section:
    """Returns pictures of the values of groups of tasks.

    Args:
        groups: Tasks by group.
        values: Values by task; a task without any is left out.
    """
    means = {}
    for name, tasks in groups.items():
        known = [values[task] for task in tasks if task in values]
        if known:
            tasks_told = f"{len(known)} task{'' if len(known) == 1 else 's'}"
            means[f"{name} ({tasks_told})"] = mean_values(known)
    if not means:
        body = "<p>No task has a query pair to be looked at.</p>"
        return Section("Routes and modulation", body, name="modulation")
    return Section(
        "Routes and modulation",
        "\n".join([bullet_list(_told(means)), *_figures(means)]),
        "What the context changes of the backbone, for groups of up to 20 tasks of "
        "meta-test. cmml explain shows it of single tasks.",
        name="modulation",
    )


def _kinds(found: TaskContexts) -> list[str]:
    texts = [
        kind
        for kind, labels in found.labels.items()
        if kind != "split" and all(isinstance(label, str) for label in labels)
    ]
    return sorted(texts, key=lambda kind: [kind != first for first in KINDS])


def _told(means: Mapping[str, Values]) -> list[str]:
    first, *others = means
    spread = _mean([np.std(value) for value in means[first].values()])
    sentences = []
    for other in others:
        gaps = difference(means[first], means[other])
        gap = _mean([np.abs(value).mean() for value in gaps.values()])
        share = f", {gap / spread:.1%} of the spread of these values" if spread else ""
        sentences.append(
            f"{first} and {other} differ by {gap:.2g} on average{share} over units or "
            "modules."
        )
    return sentences


def _mean(values: Sequence[np.floating]) -> float:
    return float(np.mean(values))


def _figures(means: Mapping[str, Values]) -> list[str]:
    first, *others = means.values()
    figures = []
    if has_routes(first):
        with styled("routes"):
            svg = to_svg(route_figure(means))
        figures.append(captioned(svg, "routes", _ROUTES))
    drawn = dict(means)
    if others:
        drawn["first less second"] = difference(first, others[0])
    with styled("modulation"):
        svg = to_svg(modulation_figure(drawn, compared=bool(others)))
    caption = _VALUES.format(difference=_DIFFERENCE if others else "")
    figures.append(captioned(svg, "modulation", caption))
    return figures
