"""A prepared data set of scenarios as training and evaluation use it."""

import dataclasses
import functools
import pathlib
from collections.abc import Callable, Iterator
from typing import TypeAlias

from models.episodes.click_records import (
    KnownClicks,
    Rows,
    ScenarioTask,
    load_known_clicks,
    of_nobody,
    read_tasks,
)
from models.episodes.entity_table import load_entity_table
from models.factors.entity_design import Floats, entity_design
from models.factors.factorisation import FactorisationOptions
from models.factors.kept_fits import KeptFits
from models.factors.vector_files import load_vectors
from models.factors.vector_fit import fit_vectors
from models.factors.vectors import Vectors
from models.options import VECTORS_VERSION
from pipeline.experiment.config_file import hash_of
from pipeline.experiment.progress import progress_bar
from pipeline.settings.scenario.config import ScenarioConfig
from transforms import schema
from transforms.clicks.schema import (
    VECTORS_DIR,
    ScenarioDatasetInfo,
    load_scenario_info,
)
from transforms.schema import UNKNOWN, DataError, check_files

Fit: TypeAlias = Callable[..., Vectors]


@dataclasses.dataclass(frozen=True)
class ScenarioData:
    """A prepared data set of scenarios and its factors.

    Attributes:
        directory: Where it is.
        info: What `dataset.json` says.
        factors: Of users and items, by the fits that have seen all known clicks.
        is_whole: Whether all clicks are for training, held-out ones included.
        vectors_dir: Where the fits without a fold are; None if `factors` has them.
    """

    directory: pathlib.Path
    info: ScenarioDatasetInfo
    factors: Vectors
    is_whole: bool = False
    vectors_dir: pathlib.Path | None = None
    _tasks: dict[str, list[ScenarioTask]] = dataclasses.field(
        default_factory=dict, init=False, repr=False, compare=False
    )

    @functools.cached_property
    def known(self) -> KnownClicks:
        """All known clicks; of a whole data set all there are."""
        return load_known_clicks(self.directory, self.info, with_held_out=self.is_whole)

    @functools.cached_property
    def training_factors(self) -> Vectors:
        """The factors with those of the fits without a fold, which training needs."""
        if self.vectors_dir is None:
            return self.factors
        return load_factors(self.vectors_dir, self.info)

    def tasks(self, split: str) -> list[ScenarioTask]:
        """Returns the tasks of a split, read once and kept."""
        if split not in self._tasks:
            self._tasks[split] = list(self.read_tasks(split))
        return self._tasks[split]

    def read_tasks(self, split: str) -> Iterator[ScenarioTask]:
        """Yields the tasks of a split, none of which is kept.

        Where users are tasks, they are nobody to the model: a new user is known by
        clicks alone, and so are those that it learns from.
        """
        tasks = read_tasks(self.directory, split, self.info)
        return map(of_nobody, tasks) if self.info.has_user_tasks else tasks


def load_scenario_data(
    config: ScenarioConfig, dataset_dir: pathlib.Path
) -> ScenarioData:
    """Reads a prepared data set and the factors of a configuration.

    Raises:
        DataError: If the data set or the factors are not there or not complete.
    """
    info = load_scenario_info(dataset_dir)
    check_files(dataset_dir, info)
    directory = vectors_dir(config, dataset_dir, info)
    factors = load_factors(directory, info, with_folds=False)
    sizes = tuple(table.shape[1] - 1 for table in (factors.users, factors.items))
    num_users = 0 if info.has_user_tasks else info.num_users
    if sizes != (num_users, info.num_items):
        raise DataError(
            f"{directory} must hold factors of {num_users} users and "
            f"{info.num_items} items, got {sizes[0]} and {sizes[1]}: remove it and run "
            "`cmml pretrain`."
        )
    return ScenarioData(dataset_dir, info, factors, vectors_dir=directory)


def load_factors(
    directory: pathlib.Path, info: ScenarioDatasetInfo, *, with_folds: bool = True
) -> Vectors:
    """Reads the factors of a directory, as a model sees them."""
    return _seen_by_model(load_vectors(directory, with_folds=with_folds), info)


def fit_of(
    known: KnownClicks, dataset_dir: pathlib.Path, info: ScenarioDatasetInfo
) -> Fit:
    """Returns what fits vectors to clicks, given options; see `fit_vectors`."""
    pools, features = _pools(dataset_dir, info), _features(dataset_dir, info)
    return functools.partial(
        fit_vectors,
        *(known, info.domains, pools),
        features=features,
        keep_users=not info.has_user_tasks,
    )


def fit_folds(
    fit: Fit, options: FactorisationOptions, num_folds: int, step: str
) -> Vectors:
    """Fits vectors in and out of fold, and says how far it is.

    Args:
        fit: As of `fit_of`.
        options: The factorisation.
        num_folds: F, folds to be left out in turn.
        step: Name of the step, for people.
    """
    with progress_bar(f"{step}: fit", None) as advance:
        kept = KeptFits(0, on_fit=lambda place: advance(place[0]))
        return fit(options, num_folds, kept=kept)


def _pools(dataset_dir: pathlib.Path, info: ScenarioDatasetInfo) -> list[Rows]:
    """Returns the pools that factors may know: none where users are tasks.

    What is in a pool is known beforehand; of meta-test nothing else is looked at.
    """
    if info.has_user_tasks:
        return []
    splits = schema.SPLITS
    return [task.pool for one in splits for task in read_tasks(dataset_dir, one, info)]


def _features(dataset_dir: pathlib.Path, info: ScenarioDatasetInfo) -> Floats | None:
    """Returns the design of the items, float64 [num_items + 1, P]; None without one."""
    if not info.item_features:
        return None
    table = load_entity_table(dataset_dir, "item", info.item_features)
    return entity_design(table).matrix


def _seen_by_model(factors: Vectors, info: ScenarioDatasetInfo) -> Vectors:
    """Returns factors without those of users where these are tasks."""
    if not info.has_user_tasks:
        return factors
    return dataclasses.replace(factors, users=factors.users[:, : UNKNOWN + 1])


def vectors_dir(
    config: ScenarioConfig, dataset_dir: pathlib.Path, info: ScenarioDatasetInfo
) -> pathlib.Path:
    """Names the directory of the factors, which changes with all they depend on."""
    digest = hash_of(VECTORS_VERSION, info.fingerprint, config.vectors)
    return dataset_dir / VECTORS_DIR / digest
