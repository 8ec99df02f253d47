"""Prepared episodes turned back into requests of raw ids and features."""

import numpy as np

from models.episodes.rating_episodes import fixed_episodes
from models.legacy_keras import tf
from pipeline.settings.user.loaded_dataset import LoadedDataset
from transforms import schema


def raw_request(
    dataset: LoadedDataset, split: str, *, num_tasks: int
) -> tuple[dict[str, tf.Tensor], dict[str, np.ndarray]]:
    """Reads a batch of episodes, and makes the `rank` request that means the same.

    Args:
        dataset: The prepared data set.
        split: Where the episodes are from.
        num_tasks: Episodes in the batch, at most.

    Returns:
        The batch, and the inputs of the `rank` signature by name.
    """
    episode = next(iter(fixed_episodes(dataset.directory, split, batch_size=num_tasks)))
    users = episode["query_user"].numpy()[:, 0]
    item_ids = _values(dataset, schema.ITEM_ID)
    request = {
        "support_item_id": item_ids[episode["support_item"].numpy()],
        "support_label": episode["support_label"].numpy(),
        "query_item_id": item_ids[episode["query_item"].numpy()],
    }
    for feature in dataset.users.features:
        encoded = dataset.users.encoded[feature.name][users]
        if feature.kind == "categorical":
            encoded = encoded[:, 0]
        if feature.kind != "numeric":
            encoded = _values(dataset, feature.name)[encoded]
        request[f"user_{feature.name}"] = encoded
    return episode, request


def _values(dataset: LoadedDataset, vocabulary: str) -> np.ndarray:
    """Reads a vocabulary as bytes by row; row 0 is empty."""
    path = dataset.directory / schema.VOCABULARY_DIR / f"{vocabulary}.txt"
    return np.array([b"", *path.read_bytes().split(b"\n")[:-1]], dtype=object)
