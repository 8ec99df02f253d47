"""A toy setting: a task is a shopping basket, of made-up rows; what else goes in?"""

import json
from types import SimpleNamespace
from typing import Literal

import numpy as np

from models.baselines.clicks.popularity import Popularity
from models.cmml_builders import clicked_cmml
from models.episodes.click_draws import EpisodeSizes
from models.episodes.click_episodes import support_episode, training_episodes
from models.episodes.click_records import KnownClicks, ScenarioTask
from models.evaluation.metric import Metric
from models.evaluation.scored_pairs import ScoredPairs
from models.evaluation.shown import Shown
from models.factors.vectors import Vectors
from models.legacy_keras import tf
from models.options import ScenarioOptions
from models.serving.served_scenario_model import ServedScenarioModel
from models.serving.task_request import RecordedRequest, TaskRequest, starting_with
from pipeline.experiment.config_section import Experiment, Section
from pipeline.settings.compiled import compiled_once
from pipeline.settings.scenario import config as clicks
from pipeline.settings.scenario.serving import scenario_requests
from pipeline.settings.setting import (
    Methods,
    ServedWords,
    Serving,
    Setting,
    TrainingPlan,
)
from transforms import schema

NUM_AISLES, PER_AISLE, WIDTH, NUM_NEGATIVES, SHOPPER = 4, 10, 4, 2, 1
NUM_ITEMS = NUM_AISLES * PER_AISLE
METRICS = (Metric("recall@5"), Metric("mrr"))
FACTS = {"label_min": 0, "label_max": 1, "num_items": NUM_ITEMS, "user_features": []}


class BasketData(Section):
    num_baskets: int = 120


class BasketConfig(Experiment):
    setting: Literal["basket"]
    data: BasketData = BasketData()
    model: ScenarioOptions = ScenarioOptions(encoder="mean", prior="dot")
    training: clicks.ScenarioTrainingConfig = clicks.ScenarioTrainingConfig(
        support_size=4, query_size=4, steps_per_epoch=100, max_epochs=2, batch_size=32
    )
    evaluation: clicks.ScenarioEvaluationConfig = clicks.ScenarioEvaluationConfig(
        support_size=4, baselines=("popularity",)
    )

    @property
    def weight_sections(self):
        return self.model, self.training

    def source(self):
        return BasketSource(self.data)

    def functions(self):
        return BASKET


class BasketSource:
    """Made-up baskets: six items of one aisle, and two of any."""

    def __init__(self, data):
        self._data = data
        self.validate = lambda: None  # Nothing can be wrong with rows that are made up.
        self.fingerprint = lambda: repr(data)

    def prepare(self, directory, options):
        chance = np.random.default_rng(0)
        baskets = []
        for _ in range(self._data.num_baskets):
            aisle = chance.integers(NUM_AISLES) * PER_AISLE
            own = 1 + aisle + chance.choice(PER_AISLE, 6, replace=False)
            others = np.setdiff1d(np.arange(1, NUM_ITEMS + 1), own)
            baskets.append([*own, *chance.choice(others, 2, replace=False)])
        vocabulary = directory / schema.VOCABULARY_DIR
        vocabulary.mkdir(parents=True)
        (vocabulary / f"{schema.USER_ID}.txt").write_text("shopper\n")
        items = [f"item-{row}\n" for row in range(1, NUM_ITEMS + 1)]
        (vocabulary / f"{schema.ITEM_ID}.txt").write_text("".join(items))
        np.save(directory / "baskets.npy", np.array(baskets))
        num_tasks = dict.fromkeys(schema.SPLITS, len(baskets) // 3)
        info = {"fingerprint": self.fingerprint(), "num_tasks": num_tasks}
        (directory / schema.DATASET_JSON).write_text(json.dumps(info))
        (directory / schema.SUCCESS).touch()
        return f"prepare: {len(baskets)} baskets"


def to_task(number, items):
    """Shows the first half of a basket, and asks for the second."""
    half = len(items) // 2
    pool = np.arange(1, NUM_ITEMS + 1, dtype=np.int32)
    others = np.random.default_rng(number).permutation(np.setdiff1d(pool, items))
    negatives = others[: half * NUM_NEGATIVES].reshape(half, NUM_NEGATIVES)
    shown, asked = np.array(items, np.int32).reshape(2, half)
    shopper = np.full(half, SHOPPER, np.int32)
    return ScenarioTask(
        *(f"basket-{number}", pool),
        *(shopper, shown, np.arange(half, dtype=np.int32) % 2, negatives),
        *(shopper, asked, negatives, shopper, shown),
    )


def as_query(items):
    rows = tf.constant(items[np.newaxis])
    return {"query_user": tf.fill(tf.shape(rows), SHOPPER), "query_item": rows}


def rank_of(scores, item, shown):
    others = np.setdiff1d(np.arange(1, NUM_ITEMS + 1), shown)
    return 1 + int((scores[others - 1] > scores[item - 1]).sum()), len(others)


def load(config, dataset_dir):
    baskets = np.load(dataset_dir / "baskets.npy")
    tasks = [to_task(number, items) for number, items in enumerate(baskets)]
    third = len(tasks) // 3
    by_split = {s: tasks[n * third :][:third] for n, s in enumerate(schema.SPLITS)}
    # Items that are bought together lie close together.
    trained = baskets[:third]
    bought = (trained[:, :, None] == np.arange(NUM_ITEMS + 1)).any(1).astype(np.float32)
    _, strength, of_items = np.linalg.svd(bought, full_matrices=False)
    items = (of_items[:WIDTH].T * np.sqrt(strength[:WIDTH])).astype(np.float32)
    users = np.tile(items.mean(axis=0), [2, 1])
    vectors = Vectors(np.stack([users] * 3), np.stack([items] * 3))
    rows, clicked = np.ones(trained.size, np.int32), trained.ravel().astype(np.int32)
    return SimpleNamespace(
        directory=dataset_dir,
        info=SimpleNamespace(**json.loads(schema.read_dataset_json(dataset_dir))),
        tasks=by_split,
        vectors=vectors,
        known=KnownClicks(rows, clicked, 0 * rows, 1, NUM_ITEMS),
    )


def scorer(method, config, data):
    call = compiled_once(lambda shown, asked: method.score(method.adapt(shown), asked))

    def ask(shown):
        tasks = data.tasks[shown.split][: shown.max_tasks]
        ids, rows = [task.scenario_id for task in tasks], []
        for place, task in enumerate(tasks):
            other = tasks[place - 1] if shown.support == "other" else task
            support = support_episode(other, max_clicks=shown.size, num_negatives=1)
            scores = call(support, as_query(task.pool))[0].numpy()
            for item in task.query_item:
                rank = rank_of(scores, item, task.support_item)
                rows.append((place, SHOPPER, item, shown.size, scores[item - 1], *rank))
        *columns, rank, num = map(np.array, zip(*rows, strict=True))
        ties = np.ones_like(rank)
        return ScoredPairs(ids, *columns, rank=rank, num_tied=ties, num_candidates=num)

    ask.score_groups = lambda groups: {one.group: ask(one) for one in groups}
    return ask


def build(config, data, *, fit):
    return clicked_cmml(data.vectors, config.model, seed=config.training.seed)


def training(config, data):
    options = config.training
    sizes = EpisodeSizes(options.support_size, 1, options.query_size, 1)

    def episodes(split, step=0):
        batch = {"batch_size": options.batch_size, "seed": options.seed}
        return training_episodes(data.tasks[split], sizes, **batch, first_step=step)

    return TrainingPlan(
        episodes=lambda step: episodes(schema.META_TRAIN, step),
        steps_per_epoch=options.steps_per_epoch,
        num_tasks=options.steps_per_epoch * options.batch_size,
        validation=Shown("validation", schema.META_VALIDATION, 4, 4),
        chosen_by=METRICS[0],
        probe=lambda: next(iter(episodes(schema.META_VALIDATION))),
        timed=lambda: next(iter(episodes(schema.META_TRAIN))),
    )


def groups(config, data, split):
    main = Shown("baskets", split, 4, 4)
    return [main, main.few(0), main.few(1), main.with_other_support()]


def by_task(pairs, *, names=None):
    (ranks,), mask = pairs.padded("rank")
    values = {
        "recall@5": ((ranks <= 5) & mask).sum(axis=1) / mask.sum(axis=1),
        "mrr": 1.0 / np.where(mask, ranks, np.inf).min(axis=1),
    }
    return {k: v for k, v in values.items() if names is None or k in names}


def methods(config):
    return Methods(
        simple={"popularity": Popularity},
        reference="popularity",
        fit=lambda name, data, options: Popularity(data.known, data.vectors),
        beside_ablation=("popularity",),
        cmml={"cmml_plain": {"model.prior": "constant"}},
    )


def serving(config, data):
    counts = np.bincount(data.known.item, minlength=NUM_ITEMS + 1)

    def export(model, version):
        options = config.export.serving_options(version)
        return ServedScenarioModel(model, data.vectors, counts, data.directory, options)

    return Serving(
        export=export,
        recorded=lambda model: recorded(model, data),
        task_request=to_requests,
        to_request=scenario_requests(data.directory),
        facts=FACTS,
        words=ServedWords("what else goes into a basket", "popularity"),
        tolerance=lambda requests: 1e-5,
        num_recorded=4,
    )


def recorded(model, data):
    for task in data.tasks[schema.META_VALIDATION][:4]:
        support = support_episode(task, max_clicks=4, num_negatives=1)
        query = as_query(task.query_item)
        scores = model.score(model.adapt(support), query).numpy()
        inputs = scenario_requests(data.directory)(support, query)
        inputs = {name: value.numpy() for name, value in inputs.items()}
        yield RecordedRequest("rank", inputs, {"score": scores})


def to_requests(request):
    query = starting_with("query_", request.inputs)
    user, item = query["query_user_id"][:, 0], query["query_item_id"]
    wanted = {"query_user_id": user, "candidate_item_id": item}
    wanted["exclude_item_id"] = item[:, :1]
    return TaskRequest(starting_with("support_", request.inputs), {}, query, wanted)


BASKET = Setting(
    *(METRICS, load, build, training, groups, scorer, by_task, methods, serving)
)
