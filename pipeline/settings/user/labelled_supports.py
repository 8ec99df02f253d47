"""Support sets of users, of each the one that `evaluate` shows, with labels."""

import pathlib
from collections.abc import Callable, Iterator, Mapping

import numpy as np
from numpy.typing import NDArray

from models.cmml import CMML
from models.episodes.entity_table import EntityTable
from models.evaluation.rating_metrics import mae
from models.recommender import Episode, split_episode
from pipeline.experiment.prepared import read_ids
from pipeline.settings.step_parts import NO_LABEL, TASTE, LabelledSupports, Labels
from pipeline.settings.user.config import UserConfig
from pipeline.settings.user.data import UserData

_MAX_VALUES = 50  # Of a feature that users, or their tastes, are told by.

# From the rows of users to a label of each.
_Labelling = Callable[[NDArray[np.int32]], Labels]

# So many pairs at the mean are added to each value: one good pair must not decide.
_PSEUDO_PAIRS = 3.0


def labelled_users(
    config: UserConfig,
    data: UserData,
    model: CMML,
    split: str,
    errors: Mapping[str, float] | None = None,
) -> Iterator[LabelledSupports]:
    """Yields the support sets of a split; see `StepParts.supports`.

    Labels are the features of users, "support_size", "error" and "taste" in items.
    """
    taste = taste_of(data.items, data.directory)
    features = _feature_labels(data)
    options = config.evaluation
    for batch in data.episodes(split, options.support_size, options.batch_size):
        episode = dict(batch)
        ids = [task_id.decode() for task_id in episode.pop("task_id").numpy()]
        arrays = {name: value.numpy() for name, value in episode.items()}
        mask = arrays["support_mask"]
        users = arrays["query_user"].max(axis=1)
        labels = {kind: of_users(users) for kind, of_users in features.items()}
        labels |= {
            "support_size": mask.sum(axis=1).astype(float).tolist(),
            "error": _errors(model, episode)
            if errors is None
            else [errors[task_id] for task_id in ids],
        }
        if taste is not None:
            items, ratings = arrays["support_item"], arrays["support_label"]
            labels[TASTE] = taste.of(items, ratings, mask)
        support, _ = split_episode(arrays)
        yield LabelledSupports(ids, support, labels)


def _errors(model: CMML, episode: Episode) -> list[float]:
    scores = model(episode).numpy()  # So few calls take less time than to compile.
    return mae(episode["query_label"], scores, episode["query_mask"]).tolist()


def _feature_labels(dataset: UserData) -> dict[str, _Labelling]:
    """Returns what labels users by each feature that is a number or has few values."""
    labelling: dict[str, _Labelling] = {}
    for feature in dataset.users.features:
        encoded = dataset.users.encoded[feature.name]
        if feature.kind == "numeric":
            labelling[feature.name] = _of_numbers(encoded)
        elif feature.kind == "categorical" and feature.vocabulary_size <= _MAX_VALUES:
            names = read_ids(dataset.directory, feature.name)
            labelling[feature.name] = _of_values(encoded[:, 0], names)
    return labelling


def _of_numbers(encoded: NDArray[np.float32]) -> _Labelling:
    return lambda users: encoded[users].astype(float).tolist()


def _of_values(encoded: NDArray[np.int32], names: NDArray) -> _Labelling:
    return lambda users: [str(name) or NO_LABEL for name in names[encoded[users]]]


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
