"""A prepared data set as training and evaluation use it."""

import dataclasses
import pathlib

import numpy as np

from models.episodes.entity_table import EntityTable, load_entity_table
from models.episodes.rating_episodes import fixed_episodes
from models.factors.labelled_pairs import LabelledPairs
from transforms import schema
from transforms.schema import DatasetInfo, load_dataset_info


@dataclasses.dataclass(frozen=True)
class LoadedDataset:
    """A prepared data set, its small parts in memory.

    Attributes:
        directory: Where it is.
        info: What `dataset.json` says.
        users: The user table.
        items: The item table.
    """

    directory: pathlib.Path
    info: DatasetInfo
    users: EntityTable
    items: EntityTable


def load_dataset(directory: pathlib.Path) -> LoadedDataset:
    """Reads a prepared data set.

    Raises:
        ValueError: If it is missing or incomplete.
    """
    info = load_dataset_info(directory)
    return LoadedDataset(
        directory=directory,
        info=info,
        users=load_entity_table(directory, "user", info.user_features),
        items=load_entity_table(directory, "item", info.item_features),
    )


def meta_train_pairs(dataset: LoadedDataset) -> LabelledPairs:
    """Reads all support pairs of the meta-train tasks into memory."""
    columns: dict[str, list[np.ndarray]] = {"user": [], "item": [], "label": []}
    for episode in fixed_episodes(dataset.directory, schema.META_TRAIN):
        mask = episode["support_mask"].numpy()
        for name, parts in columns.items():
            parts.append(episode[f"support_{name}"].numpy()[mask])
    return LabelledPairs(
        **{name: np.concatenate(parts) for name, parts in columns.items()},
        num_users=dataset.info.num_users,
        num_items=dataset.info.num_items,
    )
