"""What belongs together: to one shard, or to nobody yet."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import Any

import apache_beam as beam


# Parts that elements are spread over at most on Dask.
_PLACES = 64


class GroupByShard(beam.PTransform):
    """Groups elements by shard; every shard is there, even without elements.

    Input: (shard, element), and perhaps a collection of one element that must be there
        first, such as the sign that a file is written.
    Output: (shard, elements), of which one or more are the empty one.

    Args:
        num_shards: Shards in all.
        empty: An element that says nothing.
    """

    def __init__(self, num_shards: int, empty: Any) -> None:
        super().__init__()
        self._nothing = [(shard, empty) for shard in range(num_shards)]

    def expand(
        self, inputs: beam.PCollection | tuple[beam.PCollection, beam.PCollection]
    ) -> beam.PCollection:
        """Adds the empty elements and groups."""
        if isinstance(inputs, tuple):
            elements, sign = inputs
        else:
            elements = inputs
            sign = elements.pipeline | "Once" >> beam.Create([None])
        nothing = self._nothing
        every_shard = sign | "EveryShard" >> beam.FlatMap(lambda _: nothing)
        return (
            (elements, every_shard)
            | "WithEveryShard" >> beam.Flatten()
            | "GroupByShard" >> beam.GroupByKey()
        )


class Spread(beam.PTransform):
    """Spreads elements over all workers, which few of them may have made.

    As `Reshuffle`, which `DaskRunner` leaves out. There a collection has as many parts
    after it is grouped as before, hence the elements that are only to make parts.

    Input: elements.
    Output: the same elements.

    Args:
        key: Returns whole numbers that no other element has, none of them negative.
    """

    def __init__(self, key: Callable[[Any], tuple[int, ...]]) -> None:
        super().__init__()
        self._key = key

    def expand(self, elements: beam.PCollection) -> beam.PCollection:
        """Groups each element alone."""
        key = self._key
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


def _elements(group: tuple[tuple[int, ...], Iterable[Any]]) -> Iterator[Any]:
    number, elements = group
    if number[0] >= 0:
        yield from elements
