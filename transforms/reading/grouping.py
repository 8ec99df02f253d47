"""Elements told apart and brought together, alike on every engine.

`DaskRunner` gives all outputs of a stage to each stage that takes one of them, and
computes a side input anew in every worker that looks at it. So a stage has one output,
of (kind, element) pairs, and what it must know of other stages comes in a group.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any

import apache_beam as beam

# Parts that elements are spread over at most on Dask.
_PLACES = 64


def of_kinds(pairs: beam.PCollection, *kinds: str) -> tuple[beam.PCollection, ...]:
    """Returns the elements of each kind, given (kind, element) pairs."""
    takes = {kind: beam.FlatMap(_of_kind, kind) for kind in kinds}
    return tuple(pairs | f"Take {kind}" >> take for kind, take in takes.items())


@beam.ptransform_fn
def gather(collections: Mapping[str, beam.PCollection]) -> beam.PCollection:
    """Brings all elements of several collections to one worker.

    Input: collections by name.
    Output: once, a list of the elements of each collection by its name.
    """
    parts = [
        collection | f"Name {name}" >> beam.Map(_named, name)
        for name, collection in collections.items()
    ]
    # The group is there even without any element.
    root = next(iter(collections.values())).pipeline
    parts.append(root | "Nothing" >> beam.Create([(0, ("", None))]))
    groups = parts | beam.Flatten() | "Group" >> beam.GroupByKey()
    return groups | "ByName" >> beam.Map(_by_name, tuple(collections))


@beam.ptransform_fn
def group_by_shard(
    inputs: beam.PCollection | tuple[beam.PCollection, beam.PCollection],
    num_shards: int,
    empty: Any,
) -> beam.PCollection:
    """Groups elements by shard; every shard is there, even without elements.

    Input: (shard, element), and perhaps a collection of one element that must be there
        first, such as the sign that a file is written.
    Output: (shard, elements), of which one or more are the empty one.

    Args:
        inputs: The input.
        num_shards: Shards in all.
        empty: An element that says nothing.
    """
    if isinstance(inputs, tuple):
        elements, sign = inputs
    else:
        elements = inputs
        sign = elements.pipeline | "Once" >> beam.Create([None])
    nothing = [(shard, empty) for shard in range(num_shards)]
    every_shard = sign | "EveryShard" >> beam.FlatMap(lambda _: nothing)
    return (
        (elements, every_shard)
        | "WithEveryShard" >> beam.Flatten()
        | "GroupByShard" >> beam.GroupByKey()
    )


@beam.ptransform_fn
def spread(
    elements: beam.PCollection, key: Callable[[Any], tuple[int, ...]]
) -> beam.PCollection:
    """Spreads elements over all workers, which few of them may have made.

    As `Reshuffle`, which `DaskRunner` leaves out. There a collection has as many parts
    after it is grouped as before, hence the elements that are only to make parts.

    Args:
        elements: The elements.
        key: Returns whole numbers that no other element has, none of them negative.
    """
    places = [((-1, place), None) for place in range(_PLACES)]
    made = beam.Create(places, reshuffle=False)  # They are grouped anyway.
    makes_parts = elements.pipeline | "Places" >> made
    keyed = elements | "Key" >> beam.Map(lambda element: (key(element), element))
    return (
        (keyed, makes_parts)
        | "WithPlaces" >> beam.Flatten()
        | "Group" >> beam.GroupByKey()
        | "Elements" >> beam.FlatMap(_elements)
    )


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


def _elements(group: tuple[tuple[int, ...], Iterable[Any]]) -> Iterator[Any]:
    number, elements = group
    if number[0] >= 0:
        yield from elements
