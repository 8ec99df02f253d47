"""New users, measured on their own pairs and placed among known ones."""

import collections
import dataclasses
import pathlib
from collections.abc import Callable, Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from models.baselines.ratings.means import ItemMean
from models.episodes.rating_episodes import fixed_episodes
from models.recommender import split_episode
from pipeline.experiment.prepared import read_ids
from pipeline.experiment.progress import say
from pipeline.experiment.version_dir import judged_dir, read_manifest
from pipeline.onboarding.findings import Findings, NewTasks
from pipeline.onboarding.new_interactions import NewInteractions
from pipeline.onboarding.own_table import own_ratings
from pipeline.onboarding.placement import (
    MIN_KNOWN,
    SIZES,
    Placement,
    SizeGroup,
    place_tasks,
    size_for,
    why_no_place,
)
from pipeline.onboarding.questions import plan_questions
from pipeline.onboarding.served_model import ServedUsers
from pipeline.onboarding.tasks import Floats, UserEpisode, UserTask
from pipeline.onboarding.user_curve import MAX_USERS, MIN_PAIRS, Baseline, user_curve
from pipeline.settings.user.data import UserData, load_user_data
from pipeline.settings.user.serving import user_requests
from transforms import schema

MAX_KNOWN = 400  # Of each split, the first ones.

ITEM_MEAN = "item mean"
SUPPORT_MEAN = "support mean"

_NUM_PROBES = 16  # Items at which it is looked at what a context changes.
_SUPPORT_PRIOR = 1.0  # Pairs with the mean label that are added to a support set.


def measure_users(
    start: Findings, version: pathlib.Path, dataset_dir: pathlib.Path | None
) -> Findings:
    """Measures how a model learns new users; see `Measure`."""
    model = ServedUsers(version)
    manifest = read_manifest(version)
    middle = (manifest["label_min"] + manifest["label_max"]) / 2.0
    tasks = user_tasks(start.rows, model)
    others = mean_of_others(tasks, default=middle)
    baselines: dict[str, Baseline] = {SUPPORT_MEAN: support_mean(others)}
    findings = start
    if dataset_dir is not None:
        say("onboard: reading known users")
        is_whole = manifest.get("trained_on") == "all"
        known = load_known_users(dataset_dir, is_whole=is_whole)
        mean = known.item_means[""]
        baselines = {
            ITEM_MEAN: known.item_mean,
            SUPPORT_MEAN: support_mean(lambda _: mean),
        }
        tasks = [task for task in tasks if task.task_id not in known.trained_ids]
        judged = ServedUsers(judged_dir(version))  # Has not seen meta-validation.
        findings = _among_known(start, model, judged, known, tasks)
    usable = _usable(tasks)
    if not usable:
        return findings
    say("onboard: scoring the pairs of the new users")
    reference = next(iter(baselines))
    curve = user_curve(model.rank, usable, baselines, reference=reference)
    return dataclasses.replace(findings, curve=curve)


def _usable(tasks: Sequence[UserTask]) -> list[UserTask]:
    """Returns the users with enough pairs, some of them if there are too many."""
    usable = [task for task in tasks if task.labels.size >= MIN_PAIRS]
    if len(usable) <= MAX_USERS:
        return usable
    chosen = np.random.default_rng(0).permutation(len(usable))[:MAX_USERS]
    return [usable[n] for n in sorted(chosen)]


def user_tasks(rows: NewInteractions, model: ServedUsers) -> list[UserTask]:
    """Returns the users of a file, in the order in which they come."""
    pairs = collections.defaultdict(list)
    for user_id, item_id, label in rows.interactions:
        pairs[user_id].append((item_id, label))
    return [
        UserTask(
            user_id,
            np.array([item for item, _ in of_user], object),
            np.array([label for _, label in of_user]),
            model.profile(rows.features[user_id]),
        )
        for user_id, of_user in pairs.items()
    ]


NEW_USERS = NewTasks(
    "user",
    "--users",
    only_whole=False,
    own_table=own_ratings,
    measure=measure_users,
)


@dataclasses.dataclass(frozen=True, eq=False)
class KnownUsers:
    """What the export does not hold.

    Attributes:
        meta_train: Users that the model was trained on.
        meta_validation: Users that it was not trained on, but for a refit.
        item_means: Shrunk mean label by item id; that of an item without a pair under
            "".
        trained_ids: All users that the model was trained on.
    """

    meta_train: Sequence[UserTask]
    meta_validation: Sequence[UserTask]
    item_means: Mapping[str, float]
    trained_ids: frozenset[str]

    def item_mean(self, episode: UserEpisode) -> Floats:
        """Expects of each pair the mean label of its item."""
        default = self.item_means[""]
        items = episode.task.items[episode.query]
        return np.array([self.item_means.get(item, default) for item in items])


def _among_known(
    start: Findings,
    model: ServedUsers,
    judged: ServedUsers,
    known: KnownUsers,
    tasks: Sequence[UserTask],
) -> Findings:
    """Places new users among known ones, and chooses what to ask by these.

    Args:
        start: What the file holds.
        model: The exported model.
        judged: The model that was judged before, which may be the same.
        known: Known users.
        tasks: Users of the file that the model was not trained on.
    """
    say("onboard: placing the new users among known ones")
    placement = place_users(model, known, tasks)
    num_pairs = [task.labels.size for task in tasks]
    of_known = [task.labels.size for task in known.meta_train]
    say("onboard: choosing questions by known users")
    return dataclasses.replace(
        start,
        num_seen=start.num_users - len(tasks),
        num_new_rows=sum(num_pairs),
        placement=placement,
        no_place=why_no_place(
            num_pairs, of_known, "users", is_trained=model.is_trained
        ),
        plan=plan_questions(judged.rank, known.meta_train, known.meta_validation),
    )


def load_known_users(dataset_dir: pathlib.Path, *, is_whole: bool) -> KnownUsers:
    """Reads some users of meta-train and meta-validation, and the means of items.

    Args:
        dataset_dir: The prepared data set.
        is_whole: Whether the model was trained on all of its pairs.

    Raises:
        DataError: If it is not complete.
    """
    dataset = load_user_data(dataset_dir)
    if is_whole:
        dataset = dataset.whole()
    pairs = dataset.training_pairs
    baseline = ItemMean()
    baseline.fit(pairs)
    means = baseline.item_mean.numpy().astype(float).tolist()
    ids = read_ids(dataset_dir, schema.ITEM_ID)
    return KnownUsers(
        _known_users(dataset, schema.META_TRAIN),
        _known_users(dataset, schema.META_VALIDATION),
        dict(zip(ids, means, strict=True)),
        frozenset(read_ids(dataset_dir, schema.USER_ID)[np.unique(pairs.user)]),
    )


def support_mean(label_mean: Callable[[str], float]) -> Baseline:
    """Returns what expects the mean label of the support set of every pair.

    Args:
        label_mean: The mean that a task gets without support, by its id; it is added to
            every support set as one pair more.
    """

    def expect(episode: UserEpisode) -> Floats:
        labels = episode.task.labels[episode.support]
        total = labels.sum() + _SUPPORT_PRIOR * label_mean(episode.task.task_id)
        mean = total / (labels.size + _SUPPORT_PRIOR)
        return np.full(episode.query.size, mean)

    return expect


def mean_of_others(tasks: Sequence[UserTask], default: float) -> Callable[[str], float]:
    """Returns the mean label of all users but one, by id of that one.

    Args:
        tasks: The users.
        default: Of a user without others.
    """
    total = sum(task.labels.sum() for task in tasks)
    num_labels = sum(task.labels.size for task in tasks)
    own = {task.task_id: (task.labels.sum(), task.labels.size) for task in tasks}

    def mean(task_id: str) -> float:
        label_sum, num_own = own[task_id]
        others = num_labels - num_own
        return float((total - label_sum) / others) if others else default

    return mean


def place_users(
    model: ServedUsers, known: KnownUsers, new: Sequence[UserTask]
) -> Placement | None:
    """Places new users among known ones, by what their pairs change of the backbone.

    It is looked at at the items that most known users have rated.

    Returns:
        None if contexts change nothing, or too few users are known.
    """
    if not model.is_trained:
        return None
    chance = np.random.default_rng(0)
    counts = collections.Counter(
        item for task in known.meta_train for item in task.items
    )
    probes = [item for item, _ in counts.most_common(_NUM_PROBES)]
    by_size = collections.defaultdict(list)
    for task in new:
        by_size[size_for(task.labels.size)].append(task)

    def seen(tasks: Sequence[UserTask], size: int) -> NDArray[np.float32]:
        episodes = [
            UserEpisode(t, chance.permutation(t.labels.size)[:size], np.empty(0, int))
            for t in tasks
        ]
        return model.modulations(episodes, np.array(probes, object))

    groups = []
    for size in SIZES:
        train = [task for task in known.meta_train if task.labels.size >= size]
        if by_size[size] and len(train) >= MIN_KNOWN:
            groups.append(
                SizeGroup(
                    size,
                    seen(train, size),
                    [task.task_id for task in train],
                    seen(by_size[size], size),
                    [task.task_id for task in by_size[size]],
                )
            )
    return place_tasks(groups)


def _known_users(dataset: UserData, split: str) -> list[UserTask]:
    """Reads users with the pairs of their record, support and query."""
    if not dataset.info.num_tasks.get(split):
        return []
    tensors = next(iter(fixed_episodes(dataset.directory, split, batch_size=MAX_KNOWN)))
    raw = user_requests(dataset)(*split_episode(tensors))
    request = {name: value.numpy() for name, value in raw.items()}
    episode = {name: value.numpy() for name, value in tensors.items()}
    users = []
    for row, task_id in enumerate(episode["task_id"]):
        items, labels = [], []
        for role in ("support", "query"):
            mask = episode[f"{role}_mask"][row]
            items += [i.decode() for i in request[f"{role}_item_id"][row][mask]]
            labels += episode[f"{role}_label"][row][mask].tolist()
        profile = {k: v[row] for k, v in request.items() if k.startswith("user_")}
        users.append(
            UserTask(
                task_id.decode(), np.array(items, object), np.array(labels), profile
            )
        )
    return users
