"""What a user likes, by the values of a feature of the items in the support set."""

import pathlib

import numpy as np
from numpy.typing import NDArray

from models.episodes.entity_table import EntityTable
from pipeline.experiment.prepared import read_ids
from pipeline.settings.labelled_supports import NO_LABEL

_MAX_VALUES = 50  # A feature with more distinguishes users, not tastes.

# So many pairs at the mean are added to each value: one good pair must not decide.
_PSEUDO_PAIRS = 3.0


class Taste:
    """Names the value of an item feature that users rate highest, against their mean.

    For each value: the sum, over the support pairs whose item has it, of label less
    the mean label of the support set, divided by the number of these pairs plus 3. The
    taste is the value with the largest of these figures, if any is above 0; the first
    in the vocabulary if there are several.

    Args:
        items: The item table.
        name: The feature, one with a vocabulary.
        dataset_dir: The prepared data set, for the names of values.
    """

    def __init__(
        self, items: EntityTable, name: str, dataset_dir: pathlib.Path
    ) -> None:
        self.name = name
        self._values = read_ids(dataset_dir, name)
        encoded = items.encoded[name]
        has = np.zeros([items.num_rows, len(self._values)], np.float32)
        np.put_along_axis(has, encoded.astype(np.intp), 1.0, axis=1)
        has[:, 0] = 0.0  # Padding and unknown values.
        self._has = has

    def of(
        self, items: NDArray[np.int32], labels: NDArray, mask: NDArray[np.bool_]
    ) -> list[str]:
        """Names the taste of each task.

        Args:
            items: int [B, S], rows of the support items.
            labels: float [B, S].
            mask: bool [B, S], False for padding.

        Returns:
            B names of values; `NO_LABEL` where nothing is liked above the rest.
        """
        num_pairs = np.maximum(mask.sum(axis=1, keepdims=True), 1)
        mean = (labels * mask).sum(axis=1, keepdims=True) / num_pairs
        above = np.where(mask, labels - mean, 0.0)  # [B, S]
        has = self._has[items] * mask[..., np.newaxis]  # [B, S, V]
        sums = np.einsum("bs,bsv->bv", above, has)
        figures = sums / (has.sum(axis=1) + _PSEUDO_PAIRS)
        best = figures.argmax(axis=1)
        liked = figures[np.arange(len(best)), best] > 0.0
        names = self._values[best]
        return [
            str(name) if is_liked else NO_LABEL
            for name, is_liked in zip(names, liked, strict=True)
        ]


def taste_of(items: EntityTable, dataset_dir: pathlib.Path) -> Taste | None:
    """Finds the feature to tell tastes by: the first with several values an item.

    Args:
        items: The item table.
        dataset_dir: The prepared data set.

    Returns:
        The taste by it; None if items have no such feature of at most 50 values.
    """
    for feature in items.features:
        if feature.kind == "multi" and feature.vocabulary_size <= _MAX_VALUES:
            return Taste(items, feature.name, dataset_dir)
    return None
