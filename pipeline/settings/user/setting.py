"""The user-specific setting: a task is a user, its labels are ratings."""

from collections.abc import Mapping
from typing import Any

import numpy as np

from models.cmml import CMML
from models.cmml_builders import rated_cmml
from models.factors.fold_fits import NUM_FOLDS
from pipeline.experiment.prepared import read_ids
from pipeline.experiment.progress import progress_bar, say
from pipeline.settings.setting import Setting
from pipeline.settings.step_parts import StepParts
from pipeline.settings.user.audit import audit_ratings
from pipeline.settings.user.config import UserConfig
from pipeline.settings.user.data import UserData, load_user_data
from pipeline.settings.user.facts import pair_groups, user_facts
from pipeline.settings.user.groups import (
    GROUP_WORDS,
    cold_and_warm,
    cold_start_groups,
    user_groups,
)
from pipeline.settings.user.labelled_supports import labelled_users
from pipeline.settings.user.methods import user_methods
from pipeline.settings.user.metrics import METRICS, metric_notes, metrics_by_task
from pipeline.settings.user.scoring import RatingScorer
from pipeline.settings.user.serving import user_serving
from pipeline.settings.user.training import user_episodes, user_training
from transforms import schema
from transforms.plural import counted
from transforms.schema import DataError

_FIRST = 4  # Batches that tell how a distribution is to start.
_SPLITS = (schema.META_TEST, schema.META_VALIDATION, schema.META_TRAIN)


def _build(config: UserConfig, data: UserData, *, fit: bool) -> CMML:
    """Builds a CMML of rated pairs, and fits what is in closed form."""
    model = rated_cmml(
        data.info,
        data.users,
        data.items,
        config.model,
        loss=config.training.loss,
        seed=config.training.seed,
    )
    if fit:
        if model.pairs.factors.width:
            pairs = data.standardised_pairs
            fitted = f"{counted(pairs.num_items, 'item')} to {len(pairs.label)}"
            say(f"train: fitting factors of {fitted} pairs")
            with progress_bar("train: fit", None) as advance:
                model.pairs.factors.fit(
                    pairs,
                    seed=config.training.seed,
                    on_fit=lambda: advance(f"of {NUM_FOLDS + 1}"),
                )
        if model.starts_calibrated:
            model.start_from(user_training(config, data).episodes(0).take(_FIRST))
    return model


def check_ratings(config: UserConfig, data: UserData) -> list[str]:
    """Looks for what would fail, or mean nothing, at the end of a run.

    Returns:
        What will be undefined, in sentences.

    Raises:
        DataError: If no item could be recommended.
    """
    counts = data.items.counts[1:]
    most, needed = int(counts.max(initial=0)), config.export.min_item_count
    if most < needed:
        raise DataError(
            f"some item must have export.min_item_count = {needed} interactions of "
            f"meta-train to be recommended, the most that one has are {most}: lower it."
        )
    splits = (schema.META_VALIDATION, schema.META_TEST)
    return [
        f"ndcg will be undefined on {split}: in none of its tasks do labels of the "
        "query set differ"
        for split in splits
        if data.info.num_tasks.get(split) and not _has_order(config, data, split)
    ]


def _has_order(config: UserConfig, data: UserData, split: str) -> bool:
    """Whether some query set has labels that differ."""
    options = config.evaluation
    for batch in data.episodes(split, options.support_size, options.batch_size):
        labels, mask = batch["query_label"].numpy(), batch["query_mask"].numpy()
        highest = np.where(mask, labels, -np.inf).max(axis=1, initial=-np.inf)
        lowest = np.where(mask, labels, np.inf).min(axis=1, initial=np.inf)
        if (highest > lowest).any():
            return True
    return False


def user_request(
    config: UserConfig, data: UserData, task_id: str
) -> Mapping[str, Any] | None:
    """Makes the request of a user; see `StepParts.request`."""
    options = config.evaluation
    for split in _SPLITS:
        if not data.info.num_tasks.get(split):
            continue
        for episode in data.episodes(split, options.support_size, options.batch_size):
            rows = np.flatnonzero(episode["task_id"].numpy() == task_id.encode())
            if rows.size:
                row = {name: value[rows[0]].numpy() for name, value in episode.items()}
                return _request_of(data, row, task_id)
    return None


def _request_of(
    data: UserData, row: Mapping[str, np.ndarray], task_id: str
) -> Mapping[str, Any]:
    """Returns ids and raw features of one row of a batch of episodes."""
    items = read_ids(data.directory, schema.ITEM_ID)
    mask = row["support_mask"]
    pairs = zip(row["support_item"][mask], row["support_label"][mask], strict=True)
    user = row["query_user"].max()
    features: dict[str, Any] = {}
    for feature in data.users.features:
        encoded = data.users.encoded[feature.name][user]
        if feature.kind == "numeric":
            features[feature.name] = None if np.isnan(encoded) else float(encoded)
            continue
        names = read_ids(data.directory, feature.name)[encoded]
        values = [str(name) for name in names if name]
        features[feature.name] = values if feature.kind == "multi" else "".join(values)
    return {
        "task_id": task_id,
        "user": features,
        "support": [
            {"item_id": items[item], "label": float(label)} for item, label in pairs
        ],
    }


USER = Setting(
    metrics=METRICS,
    load=lambda config, dataset_dir: load_user_data(dataset_dir),
    build=_build,
    training=user_training,
    groups=user_groups,
    scorer=RatingScorer,
    by_task=metrics_by_task,
    methods=lambda config: user_methods(),
    serving=user_serving,
    parts=StepParts(
        group_words=lambda data: GROUP_WORDS,
        metric_notes=metric_notes,
        check=check_ratings,
        metric_unit=lambda data: data.label_unit.std,
        whole=lambda config, data, folder: data.whole(),
        further_intervals=cold_and_warm,
        further_groups=cold_start_groups,
        episodes=user_episodes,
        supports=labelled_users,
        context_orders=4,  # Users are many, and their support sets short.
        request=user_request,
        description=lambda data: "A task is a user with ratings.",
        facts=user_facts,
        pair_groups=lambda data, task_ids: pair_groups(data),
        audit=audit_ratings,
    ),
)
