"""A prepared data set of users as training and evaluation use it."""

import dataclasses
import functools
import pathlib
from collections.abc import Iterable
from typing import Self

import numpy as np

from models.episodes.entity_table import EntityTable, load_entity_table
from models.episodes.rating_episodes import fixed_episodes
from models.evaluation.label_gain import LabelGain
from models.factors.labelled_pairs import LabelledPairs
from models.parts.label_unit import LabelUnit
from models.recommender import Episode
from transforms import schema
from transforms.schema import DatasetInfo, check_files, load_dataset_info


@dataclasses.dataclass(frozen=True)
class UserData:
    """A prepared data set, its small parts in memory.

    Attributes:
        directory: Where it is.
        info: What `dataset.json` says.
        users: The user table.
        items: The item table.
        is_whole: Whether all pairs are for training, whatever the split.
    """

    directory: pathlib.Path
    info: DatasetInfo
    users: EntityTable
    items: EntityTable
    is_whole: bool = False
    _episodes: dict[tuple[str, int, int], Iterable[Episode]] = dataclasses.field(
        default_factory=dict, init=False, repr=False, compare=False
    )

    @property
    def training_splits(self) -> tuple[str, ...]:
        """The splits whose tasks are trained on."""
        return schema.SPLITS if self.is_whole else (schema.META_TRAIN,)

    @functools.cached_property
    def training_pairs(self) -> LabelledPairs:
        """All pairs that are learnt from: support of meta-train, users without task.

        Of a whole data set these are all pairs, later ones too.
        """
        roles = ("support", "query") if self.is_whole else ("support",)
        columns: dict[str, list[np.ndarray]] = {"user": [], "item": [], "label": []}
        parts = [*self.training_splits, schema.NO_TASK]
        if self.is_whole and schema.LATER in self.info.num_interactions:
            parts.append(schema.LATER)
        for part in parts:
            for episode in fixed_episodes(self.directory, part):
                for role in roles:
                    mask = episode[f"{role}_mask"].numpy()
                    for name, arrays in columns.items():
                        arrays.append(episode[f"{role}_{name}"].numpy()[mask])
        return LabelledPairs(
            **{name: np.concatenate(arrays) for name, arrays in columns.items()},
            num_users=self.info.num_users,
            num_items=self.info.num_items,
        )

    @property
    def label_gain(self) -> LabelGain:
        """What labels are worth in NDCG."""
        return LabelGain(self.info.label_min, self.info.label_max)

    @property
    def label_unit(self) -> LabelUnit:
        """What standardises the labels."""
        return LabelUnit(self.info.label_mean, self.info.label_std)

    @functools.cached_property
    def standardised_pairs(self) -> LabelledPairs:
        """The same pairs with standardised labels, as all that is fitted takes them."""
        return self.label_unit.standardised_pairs(self.training_pairs)

    def whole(self) -> Self:
        """Returns the data set with all pairs for training, and items counted anew.

        Vocabularies, label levels and the unit of labels stay as they are.
        """
        pairs = dataclasses.replace(self, is_whole=True).training_pairs
        counts = np.bincount(pairs.item, minlength=self.items.num_rows)
        items = dataclasses.replace(self.items, counts=counts)
        return dataclasses.replace(self, items=items, is_whole=True)

    def episodes(
        self, split: str, support_size: int, batch_size: int
    ) -> Iterable[Episode]:
        """Returns frozen episodes; those of meta-validation are read once.

        What reads the others is made once, which takes longer than a small file.

        Args:
            split: The split.
            support_size: Support pairs of a task, at most.
            batch_size: Tasks in a batch.
        """
        key = split, support_size, batch_size
        if key not in self._episodes:
            read = fixed_episodes(
                self.directory,
                split,
                max_support_size=support_size,
                batch_size=batch_size,
            )
            is_kept = split == schema.META_VALIDATION
            self._episodes[key] = list(read) if is_kept else read
        return self._episodes[key]


def load_user_data(directory: pathlib.Path) -> UserData:
    """Reads a prepared data set.

    Raises:
        DataError: If it is missing or incomplete, or a file is cut or damaged.
    """
    info = load_dataset_info(directory)
    check_files(directory, info)
    return UserData(
        directory=directory,
        info=info,
        users=load_entity_table(directory, "user", info.user_features),
        items=load_entity_table(directory, "item", info.item_features),
    )
