"""Known clicks to factors of users and items."""

import dataclasses
import functools
import pathlib
import shutil
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Literal, TypeAlias

import numpy as np

from models.baselines.clicks.dot_product import ClickMean, DotProduct
from models.closed_form import ClosedForm
from models.cmml_builders import clicked_cmml
from models.episodes.click_records import load_known_clicks, read_tasks
from models.evaluation.shown import Shown
from models.factors.factorisation import (
    FactorisationDivergedError,
    FactorisationOptions,
)
from models.factors.kept_fits import KeptFits
from models.factors.vector_files import save_vectors
from models.options import ScenarioOptions
from models.recommender import Recommender
from pipeline.experiment.config_file import hash_of
from pipeline.experiment.one_at_a_time import one_at_a_time
from pipeline.experiment.prepared import way_to_more_tasks
from pipeline.experiment.progress import say
from pipeline.experiment.run_dir import RunDir
from pipeline.settings.grid_search import choice_text, search_grid
from pipeline.settings.scenario.config import ScenarioConfig, VectorsConfig
from pipeline.settings.scenario.data import (
    Fit,
    ScenarioData,
    fit_folds,
    fit_of,
    vectors_dir,
)
from pipeline.settings.scenario.metrics import METRICS, metrics_by_task
from pipeline.settings.scenario.readiness import (
    check_catalogue,
    check_pools,
    most_candidates,
)
from pipeline.settings.scenario.scoring import ClickScorer
from transforms import schema
from transforms.clicks.schema import ScenarioDatasetInfo, load_scenario_info
from transforms.plural import counted
from transforms.schema import SUCCESS, DataError, check_files

CHOSEN_BY = METRICS[0].name

# Widths of the linear model, and how many numbers of items they may come to; the least
# is always tried.
_WIDTHS = (512, 1024, 2048)
_MOST_NUMBERS = 1 << 26

_OPEN_USERS = 20  # Of a scenario, that the whole catalogue is ranked for.
_FEW_CLICKS = (1, 4, 16)  # Of a user, that the prior is judged with too.

# What ranks the held-out clicks by which values are judged; values to try, by name.
Measure: TypeAlias = Literal[
    "dot product",
    "prior",
    "prior without a pool",
    "prior of few clicks",
    "mean click",
]
Values: TypeAlias = Mapping[str, Sequence[float]]
Stage: TypeAlias = tuple[Values, Measure]

_ASKED: Mapping[Measure, str] = {  # Where it is not all clicks, or not in a pool.
    "prior without a pool": " without a pool",
    "prior of few clicks": f" with {', '.join(map(str, _FEW_CLICKS))} and all clicks",
}


@dataclasses.dataclass(frozen=True)
class Trial:
    """Values that were tried.

    Attributes:
        options: The values.
        measure: What they were judged by.
        recall: Recall@20 on meta-validation, in [0, 1].
    """

    options: FactorisationOptions
    measure: Measure
    recall: float

    def __str__(self) -> str:
        """Returns a line for people."""
        text = f"{self.options.method}, regularization {self.options.regularization:g}"
        if self.options.method == "als":
            text += f", alpha {self.options.alpha:g}"
        if self.options.pool_weight:
            text += f", pools weighing {self.options.pool_weight:g}"
        is_open = self.measure == "prior without a pool"
        if is_open:
            text += f", linear model weighing {self.options.open_weight:g}"
            text += f" with a ridge of {self.options.item_l2:g}"
        elif self.options.item_weight:
            text += f", linear model weighing {self.options.item_weight:g}"
            text += f" with a ridge of {self.options.item_l2:g}"
        if self.options.item_power:
            text += f", ridge of items {self.options.item_l2:g}"
            text += f" to the power {self.options.item_power:g} of their clicks"
        if self.options.item_factors > _WIDTHS[0]:
            text += f", linear model of width {self.options.item_factors}"
        if self.options.item_clicks:
            text += f", doubled at {self.options.item_clicks:g} clicks of a user"
        if self.options.mean_weight:
            text += f", mean of factors weighing {self.options.mean_weight:g}"
        if self.options.count_weight:
            text += f", clicks of the item weighing {self.options.count_weight:g}"
        if self.options.feature_weight:
            text += f", a feature weighing {self.options.feature_weight:g} users"
        if self.options.feature_clicks:
            text += f", features weighing {self.options.feature_clicks:g} clicks"
        asked = _ASKED.get(self.measure, "")
        return f"{text}: meta-validation {CHOSEN_BY}{asked} {self.recall:.4f}"


Judge: TypeAlias = Callable[[FactorisationOptions, Measure], Trial | None]


def pretrain(config: ScenarioConfig, dataset_dir: pathlib.Path) -> pathlib.Path:
    """Fits factors, unless that has been done; goes on where a killed search was.

    Of the values of `config.vectors` those are taken with which held-out clicks of
    meta-validation are ranked best; only then the folds are fitted.

    Args:
        config: The experiment.
        dataset_dir: The prepared data set.

    Returns:
        The directory of the factors.

    Raises:
        DataError: If no item can be recommended, there is no meta-validation task to
            choose by, none has a pool large enough, or no value gives finite factors.
    """
    info = load_scenario_info(dataset_dir)
    check_files(dataset_dir, info)
    directory = vectors_dir(config, dataset_dir, info)
    if (directory / SUCCESS).is_file():
        say(f"pretrain: {directory} is up to date")
        return directory
    check_catalogue(config, dataset_dir)
    with one_at_a_time("pretrain", dataset_dir):
        if not (directory / SUCCESS).is_file():
            _fit(config, dataset_dir, info, directory)
    return directory


def _fit(
    config: ScenarioConfig,
    dataset_dir: pathlib.Path,
    info: ScenarioDatasetInfo,
    directory: pathlib.Path,
) -> None:
    """Chooses values, fits factors by them, and writes these."""
    known = load_known_clicks(dataset_dir, info)
    if not info.num_tasks[schema.META_VALIDATION]:
        raise DataError(
            f"{dataset_dir} must hold at least 1 meta_validation task to choose "
            f"factors by, got 0: {way_to_more_tasks(info.options)}."
        )
    tasks = read_tasks(dataset_dir, schema.META_VALIDATION, info)
    check_pools(most_candidates(tasks))
    fit = fit_of(known, dataset_dir, info)

    say(f"pretrain: fitting candidates to {counted(known.user.size, 'known click')}")
    search = RunDir(directory.with_name(f".{directory.name}.search"))
    stages = stages_of(
        config.vectors,
        has_user_tasks=info.has_user_tasks,
        has_features=bool(info.item_features),
        widths=_widths(config.vectors, info),
    )
    judge = _judge_once(_recall_of(config, dataset_dir, info, fit), search)
    best, trials = _best_trial(config.vectors, stages, judge)
    del judge  # It holds the last factors that it has judged.
    say(f"pretrain: taking {best}; fitting without each of {info.num_folds} folds")
    factors = fit_folds(fit, best.options, info.num_folds, "pretrain")
    say(describe_fallbacks(factors.num_fallbacks))
    save_vectors(directory, factors, _facts(best, trials, stages))
    shutil.rmtree(search.path, ignore_errors=True)


def _recall_of(
    config: ScenarioConfig,
    dataset_dir: pathlib.Path,
    info: ScenarioDatasetInfo,
    fit: Fit,
) -> Callable[[FactorisationOptions, Measure], float | None]:
    """Returns what fits factors and judges them; None where they are not finite."""
    kept = KeptFits(2)  # With pools and without.

    def recall_of(options: FactorisationOptions, by: Measure) -> float | None:
        dot_alone = by in ("dot product", "mean click")
        try:
            factors = fit(options, num_folds=0, dot_alone=dot_alone, kept=kept)
        except FactorisationDivergedError as error:
            say(f"pretrain: left out, {error}")
            return None
        return _MEASURES[by](config, ScenarioData(dataset_dir, info, factors))

    return recall_of


def _judge_once(
    recall_of: Callable[[FactorisationOptions, Measure], float | None], search: RunDir
) -> Judge:
    """Returns what judges values, and knows those that a killed search has judged.

    Args:
        recall_of: Judges values anew; None where factors are not finite.
        search: Where what comes of it is noted.
    """

    def judge(options: FactorisationOptions, by: Measure) -> Trial | None:
        step = f"trial {hash_of(options, by)}"
        was_done = search.is_done(step, search.path.name)
        if not was_done:
            search.record(step, search.path.name, recall=recall_of(options, by))
        recall = search.facts(step)["recall"]
        if recall is None:
            return None
        trial = Trial(options, by, recall)
        say(f"pretrain: {trial}" + (", as the killed search found" if was_done else ""))
        return trial

    return judge


def _widths(config: VectorsConfig, info: ScenarioDatasetInfo) -> tuple[int, ...]:
    """Returns the widths of the linear model to try.

    A width is wide enough that is no less than the users, or the items, are.
    """
    if config.item_factors is not None:
        return (config.item_factors,)
    least, *wider = _WIDTHS
    if not info.has_user_tasks:
        return (least,)
    rank = min(info.num_users, info.num_items)
    fit = (w for w in wider if w * info.num_items <= _MOST_NUMBERS and w < 2 * rank)
    return (least, *fit)


def stages_of(
    config: VectorsConfig,
    *,
    has_user_tasks: bool = False,
    has_features: bool = False,
    widths: tuple[int, ...] = _WIDTHS[:1],
) -> list[Stage]:
    """Returns the values to try, stage by stage, and what they are judged by.

    Where scenarios are tasks, the linear model of items is made for the whole
    catalogue, where its ridge matters most; then its weight is chosen where a pool is
    given, and what clicks of the item itself weigh there.

    Where users are tasks there are no pools, and a new user has no factors for a dot
    product: factors are judged by those of the items that are shown, then the linear
    model of items and its width, then how much larger its ridge is for few clicks, and
    what the mean of the factors weighs beside it.

    Where items have features, what these weigh in the linear model is chosen after it,
    and last how far they move the vectors of items with few clicks.
    """
    is_als = config.method == "als"
    factors: Values = {
        "regularization": config.regularization,
        "alpha": config.alpha if is_als else config.alpha[:1],
    }
    feature_weight: Values = {"feature_weight": config.feature_weight}
    feature_clicks: Values = {"feature_clicks": config.feature_clicks}
    stages: list[Stage] = [
        (factors, "dot product"),
        ({"pool_weight": config.pool_weight if is_als else (0.0,)}, "dot product"),
        (
            {"item_l2": config.item_l2, "open_weight": config.open_weight},
            "prior without a pool",
        ),
        (feature_weight, "prior without a pool"),
        ({"item_weight": config.item_weight}, "dot product"),
        ({"count_weight": config.count_weight}, "prior"),
        (feature_clicks, "prior"),
    ]
    if has_user_tasks:
        stages = [
            (factors, "mean click"),
            ({"item_l2": config.item_l2, "item_power": config.item_power}, "prior"),
            ({"item_factors": widths}, "prior"),
            ({"item_clicks": config.item_clicks}, "prior of few clicks"),
            ({"mean_weight": config.mean_weight}, "prior of few clicks"),
            (feature_weight, "prior of few clicks"),
            (feature_clicks, "prior of few clicks"),
        ]
    needs_features = (feature_weight, feature_clicks)
    return [one for one in stages if has_features or one[0] not in needs_features]


def _best_trial(
    config: VectorsConfig, stages: Sequence[Stage], judge: Judge
) -> tuple[Trial, list[Trial]]:
    """Returns the best trial by the last measure, and all trials.

    Each stage starts from the best of the one before; one without a choice is not
    judged, but for the last.
    """
    options = _first_options(config)
    trials: dict[tuple[FactorisationOptions, Measure], Trial | None] = {}
    for number, (grid, measure) in enumerate(stages, 1):
        if number < len(stages) and all(len(values) == 1 for values in grid.values()):
            only: Any = {axis: values[0] for axis, values in grid.items()}
            options = dataclasses.replace(options, **only)
            continue

        def worth(
            values: Mapping[str, Any],
            base: FactorisationOptions = options,
            by: Measure = measure,
        ) -> float:
            tried = dataclasses.replace(base, **values)
            if (tried, by) not in trials:
                trials[tried, by] = judge(tried, by)
            trial = trials[tried, by]
            return float("nan") if trial is None else trial.recall

        search = search_grid(grid, worth, bounded=("item_factors",))
        if search.best is None:
            raise DataError(
                "vectors.regularization must hold a value with which factors are "
                f"finite, got {list(config.regularization)} with method "
                f"{config.method!r}."
            )
        say(f"pretrain: chosen {choice_text(search)}")
        options = dataclasses.replace(options, **search.best)
    best = trials[options, measure]
    assert best is not None
    return best, [trial for trial in trials.values() if trial is not None]


def dot_product_recall(config: ScenarioConfig, data: ScenarioData) -> float:
    """Ranks held-out clicks of meta-validation by the dot product of fit 0.

    Args:
        config: The experiment.
        data: The data set, with the factors.

    Returns:
        Recall@20, the mean over users and then over scenarios, in [0, 1].
    """
    return _recall(DotProduct(data.known, data.factors), config, data, _shown(0))


def _first_options(config: VectorsConfig) -> FactorisationOptions:
    """Returns what the search starts from, most of which is replaced."""
    return FactorisationOptions(
        method=config.method,
        factors=config.factors,
        iterations=config.iterations,
        learning_rate=config.learning_rate,
        seed=config.seed,
        item_factors=config.item_factors or _WIDTHS[0],
        item_l2=config.item_l2[0],
    )


def prior_recall(
    config: ScenarioConfig, data: ScenarioData, *, is_open: bool = False
) -> float:
    """Ranks them by the prior that CMML starts with by default.

    Vectors must not change with keys of the model or of the evaluation.

    Args:
        config: The experiment.
        data: The data set, with the factors.
        is_open: Whether the whole catalogue is ranked, for a few users, not the pool.
    """
    shown = _shown(config.data.episodes.support_size)
    if is_open:
        shown = dataclasses.replace(shown, max_users=_OPEN_USERS, is_open=True)
    return _recall(_prior(data), config, data, shown)


def few_click_recall(config: ScenarioConfig, data: ScenarioData) -> float:
    """Ranks them by it, given few clicks and all; returns the mean."""
    prior, most = _prior(data), config.data.episodes.support_size
    groups = map(_shown, [*(size for size in _FEW_CLICKS if size < most), most])
    return float(np.mean([_recall(prior, config, data, shown) for shown in groups]))


def _prior(data: ScenarioData) -> ClosedForm:
    """Returns the prior that CMML starts with by default."""
    users = data.info.has_user_tasks
    return ClosedForm(clicked_cmml(data.factors, ScenarioOptions(), always_open=users))


def mean_click_recall(config: ScenarioConfig, data: ScenarioData) -> float:
    """Ranks them by the mean factors of the clicks of each task."""
    shown = _shown(config.data.episodes.support_size)
    return _recall(ClickMean(data.known, data.factors), config, data, shown)


def _shown(size: int) -> Shown:
    """Returns the tasks of meta-validation, given so many clicks of each."""
    return Shown("validation", schema.META_VALIDATION, size, size)


def _recall(
    method: Recommender, config: ScenarioConfig, data: ScenarioData, shown: Shown
) -> float:
    """Ranks held-out clicks of meta-validation."""
    pairs = ClickScorer(method, config, data)(shown)
    return float(np.nanmean(metrics_by_task(pairs)[CHOSEN_BY]))


_MEASURES: Mapping[Measure, Callable[[ScenarioConfig, ScenarioData], float]] = {
    "dot product": dot_product_recall,
    "prior": prior_recall,
    "prior without a pool": functools.partial(prior_recall, is_open=True),
    "prior of few clicks": few_click_recall,
    "mean click": mean_click_recall,
}


def describe_fallbacks(num_fallbacks: Sequence[tuple[int, int]]) -> str:
    """Says how many users and items lack a vector of their own."""
    (users, items), *folds = num_fallbacks
    text = (
        f"pretrain: {counted(users, 'user')} and {counted(items, 'item')} have no "
        "vector of their own, being in no known click"
    )
    if folds:
        most_users, most_items = np.max(folds, axis=0)
        text += f"; at most {most_users} and {most_items} without a fold"
    return text


def _facts(
    best: Trial, trials: Sequence[Trial], stages: Sequence[Stage]
) -> dict[str, Any]:
    """Returns what `vectors.json` says of the choice."""
    names = [name for grid, _ in stages for name in grid]
    return {
        "chosen": dataclasses.asdict(best.options),
        f"meta_validation_{CHOSEN_BY}": best.recall,
        "trials": [
            {
                **{name: getattr(trial.options, name) for name in names},
                "judged_by": trial.measure,
                f"meta_validation_{CHOSEN_BY}": trial.recall,
            }
            for trial in trials
        ],
    }
