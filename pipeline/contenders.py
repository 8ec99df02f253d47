"""The methods that `cmml compare` knows in the user-specific setting."""

import pathlib
import time
import types
from collections.abc import Mapping, Sequence
from typing import Any, ClassVar

from models.baselines.baseline import Baseline
from models.baselines.feature_pairs import FeaturePairs, build_feature_pairs
from models.baselines.learned_baseline import LearnedBaseline
from models.baselines.learned_registry import LEARNED
from models.baselines.rating_objective import RatingObjective
from models.baselines.registry import BASELINES
from models.cmml import CMML
from models.legacy_keras import tf
from models.recommender import Recommender, one_empty_episode
from pipeline.comparison.contender import METHODS_VERSION, Changes, Contender
from pipeline.comparison.learned_contender import LearnedContender, method_run
from pipeline.config import Config, TrainingConfig, hash_of, with_changes
from pipeline.evaluate import CMML_NAME
from pipeline.fitted_baselines import fit_baselines
from pipeline.loaded_dataset import LoadedDataset, meta_train_pairs
from pipeline.run_dir import RunDir
from pipeline.train import fit_episodes, new_model, train, trained_model

# CMML as in the paper: without what collaborative filtering expects of a pair.
PLAIN = "cmml_plain"
_PLAIN: Changes = {"model.prior": "constant"}

METHODS = (*BASELINES, *LEARNED, PLAIN, CMML_NAME)

CMML_CANDIDATES: Sequence[Changes] = (
    {},
    {"training.learning_rate": 3e-4},
    {"training.learning_rate": 2e-3},
    {"model.dropout": 0.4},
)


def contender(
    name: str,
    config: Config,
    dataset: LoadedDataset,
    chosen: Mapping[str, Changes] = types.MappingProxyType({}),
) -> Contender:
    """Returns the method of that name.

    Args:
        name: One of `METHODS`.
        config: The experiment.
        dataset: The prepared data set.
        chosen: Candidates that other methods have chosen already, for those that
            go on from one of them.

    Raises:
        ValueError: If there is none, or the configuration gives it an option that it
            does not have.
    """
    options = config.comparison.options.get(name, {})
    if name in BASELINES:
        if options:
            raise ValueError(
                f"comparison.options of {name!r} must be empty, since it chooses from "
                f"a grid of its own, got {options}."
            )
        return SimpleContender(name, config, dataset)
    if name in (CMML_NAME, PLAIN):
        common = {**(_PLAIN if name == PLAIN else {}), **options}
        return CMMLContender(name, with_changes(config, common), dataset)
    if name not in LEARNED:
        raise ValueError(f"methods must be among {METHODS}, got {name!r}.")
    return UserContender(name, config, dataset, chosen)


class SimpleContender(Contender):
    """A method that is fitted in one call; its grid is searched then."""

    KIND: ClassVar[str] = "simple"
    candidates: Sequence[Changes] = ({},)

    def __init__(self, name: str, config: Config, dataset: LoadedDataset) -> None:
        self.name = name
        self._config = config
        self._dataset = dataset
        self._fitted: Baseline | None = None

    @property
    def has_seeds(self) -> bool:
        """Whether another seed makes another model: no."""
        return False

    def train(self, changes: Changes, seed: int) -> RunDir:
        """Fits the method, unless its results are kept."""
        del changes, seed
        fingerprint = hash_of(
            METHODS_VERSION, self._dataset.info.fingerprint, self._config.evaluation
        )
        home = pathlib.Path(self._config.runs_dir, self._config.name)
        run = method_run(home, self.name, fingerprint)
        if not run.is_done("train", fingerprint):
            started = time.monotonic()
            fitted = self._fit()
            seconds = time.monotonic() - started
            run.record(
                "train",
                fingerprint,
                fit_s=round(seconds, 3),
                chosen=fitted.hyperparameters,
            )
        return run

    def load(self, run: RunDir, changes: Changes) -> Recommender:
        """Fits it again if another process has."""
        del run, changes
        return self._fit()

    def untrained(self, changes: Changes) -> Recommender:
        """Fits it with its defaults."""
        del changes
        method = BASELINES[self.name]()
        method.fit(meta_train_pairs(self._dataset))
        return method

    def chosen(self, run: RunDir, changes: Changes) -> dict[str, Any]:
        """Returns what was chosen from its grid."""
        del changes
        return dict(run.facts("train")["chosen"])

    def _fit(self) -> Baseline:
        if self._fitted is None:
            fitted = fit_baselines([self.name], self._dataset, self._config.evaluation)
            self._fitted = fitted[self.name]
        return self._fitted


class UserContender(LearnedContender):
    """A learned baseline of ratings."""

    def __init__(
        self,
        name: str,
        config: Config,
        dataset: LoadedDataset,
        chosen: Mapping[str, Changes],
    ) -> None:
        super().__init__(name, LEARNED, config, dataset.info.fingerprint, chosen)
        self._config = config
        self._dataset = dataset

    def inputs(self, seed: int) -> FeaturePairs:
        """Returns embeddings as wide as those of CMML."""
        options = self._config.model
        return build_feature_pairs(
            *(self._dataset.info, self._dataset.users, self._dataset.items),
            embedding_dim=options.embedding_dim,
            item_id=options.item_id,
            dropout=options.dropout,
            seed=seed,
        )

    def objective(self) -> RatingObjective:
        """Returns ratings, by the loss of CMML."""
        info = self._dataset.info
        return RatingObjective(
            info.label_mean, info.label_std, loss=self._config.training.loss
        )

    def conditions(self, learning_rate: float, seed: int) -> Any:
        """Returns how the method is trained, and what it sees."""
        options = self._config.model
        seen = options.embedding_dim, options.item_id, options.dropout
        return self._training(learning_rate, seed), seen

    def fit(
        self, model: LearnedBaseline, learning_rate: float, seed: int, run: RunDir
    ) -> dict[str, Any]:
        """Trains the method as CMML is trained, but for the learning rate."""
        training = self._training(learning_rate, seed)
        return fit_episodes(model, self._dataset, training, run)

    def empty_episode(self) -> Mapping[str, tf.Tensor]:
        """Returns one pair of padding."""
        return one_empty_episode()

    def _training(self, learning_rate: float, seed: int) -> TrainingConfig:
        return self._config.training.model_copy(
            update={"learning_rate": learning_rate, "seed": seed}
        )


class CMMLContender(Contender):
    """CMML; its candidates are changes of the configuration."""

    KIND: ClassVar[str] = "cmml"
    candidates = CMML_CANDIDATES

    def __init__(self, name: str, config: Config, dataset: LoadedDataset) -> None:
        self.name = name
        self._config = config
        self._dataset = dataset

    def train(self, changes: Changes, seed: int) -> RunDir:
        """Trains it as the step `train` does, in the same place."""
        return train(self._changed(changes, seed), self._dataset.directory)

    def load(self, run: RunDir, changes: Changes) -> Recommender:
        """Builds it with the best weights of a run."""
        return trained_model(self._changed(changes, 0), self._dataset, run)

    def untrained(self, changes: Changes) -> CMML:
        """Builds it with fresh weights."""
        return new_model(self._changed(changes, 0), self._dataset)

    def _changed(self, changes: Changes, seed: int) -> Config:
        return with_changes(self._config, {**changes, "training.seed": seed})
