"""Outputs of several kinds, and inputs from several places, alike on every engine.

`DaskRunner` gives all outputs of a stage to each stage that takes one of them, and
computes a side input anew in every worker that looks at it. So a stage has one output,
of (kind, element) pairs, and what it must know of other stages comes in a group.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

import apache_beam as beam



class OfKind(beam.PTransform):
    """Takes the elements of one kind.

    Input: (kind, element).
    Output: elements.

    Args:
        kind: The kind.
    """

    def __init__(self, kind: str) -> None:
        super().__init__()
        self._kind = kind

    def expand(self, pairs: beam.PCollection) -> beam.PCollection:
        """Leaves the others out."""
        return pairs | beam.FlatMap(_of_kind, self._kind)


class Gather(beam.PTransform):
    """Brings all elements of several collections to one worker.

    Input: collections by name.
    Output: once, a list of the elements of each collection by its name.
    """

    def expand(self, collections: Mapping[str, beam.PCollection]) -> beam.PCollection:
        """Puts the elements into one group, which is there even without any."""
        parts = [
            collection | f"Name {name}" >> beam.Map(_named, name)
            for name, collection in collections.items()
        ]
        root = next(iter(collections.values())).pipeline
        parts.append(root | "Nothing" >> beam.Create([(0, ("", None))]))
        groups = parts | beam.Flatten() | "Group" >> beam.GroupByKey()
        return groups | "ByName" >> beam.Map(_by_name, tuple(collections))


def _of_kind(pair: tuple[str, Any], kind: str) -> Iterator[Any]:
    if pair[0] == kind:
        yield pair[1]


def _named(element: Any, name: str) -> tuple[int, tuple[str, Any]]:
    return 0, (name, element)


def _by_name(
    group: tuple[int, Iterable[tuple[str, Any]]], names: Iterable[str]
) -> dict[str, list[Any]]:
    lists: dict[str, list[Any]] = {name: [] for name in names}
    for name, element in group[1]:
        if name in lists:
            lists[name].append(element)
    return lists
