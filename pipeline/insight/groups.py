"""Labels joined to broader groups, such as genres to moods."""

import dataclasses
import pathlib
from collections.abc import Mapping, Sequence

from pipeline.experiment.config_file import read_yaml
from pipeline.insight.contexts import TaskContexts
from pipeline.settings.step_parts import NO_LABEL
from transforms.schema import DataError

GROUP = "group"  # The kind of label that groups are.


def load_groups(path: pathlib.Path) -> Mapping[str, Sequence[str]]:
    """Reads a YAML file of labels by group.

    Raises:
        DataError: If it cannot be read, is no such file, or has a label twice.
    """
    try:
        groups = read_yaml(path)
    except ValueError as error:
        raise DataError(str(error)) from None
    if not isinstance(groups, dict) or not groups:
        raise DataError(f"{path} must hold labels by group, got {groups!r}.")
    seen: dict[str, str] = {}
    for group, labels in groups.items():
        if not isinstance(labels, list) or not labels:
            raise DataError(
                f"{path}: {group!r} must be a list of labels, got {labels!r}."
            )
        for label in labels:
            other = seen.setdefault(str(label).casefold(), str(group))
            if other != group or labels.count(label) > 1:
                raise DataError(f"{path}: label {label!r} of {group!r} stands twice.")
    return {str(group): [str(x) for x in labels] for group, labels in groups.items()}


def grouped(
    contexts: TaskContexts, groups: Mapping[str, Sequence[str]]
) -> TaskContexts:
    """Adds the kind of label "group", by the kind that has the most of the labels.

    Upper and lower case are alike. A context whose label is in no group has none.

    Args:
        contexts: Contexts and their labels.
        groups: Labels by group.

    Raises:
        DataError: If no kind has any of the labels.
    """
    group_of = {
        label.casefold(): group for group, labels in groups.items() for label in labels
    }
    texts = {
        kind: [str(label).casefold() for label in labels]
        for kind, labels in contexts.labels.items()
    }
    kind = max(texts, key=lambda kind: len(group_of.keys() & set(texts[kind])))
    named = [group_of.get(text, NO_LABEL) for text in texts[kind]]
    if not any(named):
        raise DataError(
            f"groups must name labels that tasks have, got {sorted(group_of)}, none of "
            f"which is a label of a kind in {sorted(contexts.labels)}."
        )
    return dataclasses.replace(contexts, labels={**contexts.labels, GROUP: named})
