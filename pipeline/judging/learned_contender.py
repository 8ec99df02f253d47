"""A learned baseline in a comparison, whatever the setting."""

import abc
import dataclasses
import pathlib
from collections.abc import Mapping
from typing import Any, ClassVar

import pydantic

from models.baselines.learned.learned_baseline import (
    LearnedBaseline,
    Objective,
    PairInputs,
)
from models.legacy_keras import tf
from models.options import MODEL_VERSION
from models.recommender import Recommender
from models.resumable_training import restore_best
from pipeline.experiment.config_section import Experiment
from pipeline.experiment.run_dir import RunDir
from pipeline.judging.contender import Changes, Contender, method_run
from pipeline.experiment.config_file import explain, hash_of


class LearnedContender(Contender):
    """A method that is trained by episodes, as CMML is.

    One that `TRAINS_AS` another shares its trainings, in the candidate it has chosen.

    Args:
        name: Its name in the registry.
        registry: The learned baselines of the setting.
        config: The experiment.
        dataset_fingerprint: Of the prepared data set.
        chosen: Candidates that other methods have chosen already.
    """

    KIND: ClassVar[str] = "learned"

    def __init__(
        self,
        name: str,
        registry: Mapping[str, type[LearnedBaseline]],
        config: Experiment,
        dataset_fingerprint: str,
        chosen: Mapping[str, Changes],
    ) -> None:
        self.name = name
        self._class = registry[name]
        self.candidates = self._class.CANDIDATES
        self._trained_name = self._class.TRAINS_AS or name
        self._trained_class = registry[self._trained_name]
        self._home = pathlib.Path(config.runs_dir, config.name)
        self._dataset_fingerprint = dataset_fingerprint
        options = config.comparison.options
        self._base = chosen.get(self._trained_name, {}) if self._class.TRAINS_AS else {}
        self._common: Changes = {
            **options.get(self._trained_name, {}),
            **options.get(name, {}),
        }

    @abc.abstractmethod
    def inputs(self, seed: int) -> PairInputs:
        """Returns fresh inputs."""

    @abc.abstractmethod
    def objective(self) -> Objective:
        """Returns what is learned."""

    @abc.abstractmethod
    def conditions(self, learning_rate: float, seed: int) -> Any:
        """Returns what decides the weights beside the options, for a fingerprint."""

    @abc.abstractmethod
    def fit(
        self, model: LearnedBaseline, learning_rate: float, seed: int, run: RunDir
    ) -> dict[str, Any]:
        """Trains a model in a run and returns facts about it."""

    @abc.abstractmethod
    def empty_episode(self) -> Mapping[str, tf.Tensor]:
        """Returns an episode that makes a model create its weights."""

    def train(self, changes: Changes, seed: int) -> RunDir:
        """Trains the method by episodes."""
        options = _shared(self._options(changes), self._trained_class.OPTIONS)
        fingerprint = hash_of(
            *(MODEL_VERSION, self._trained_class.VERSION),
            self._dataset_fingerprint,
            self._trained_name,
            options,
            self.conditions(options.learning_rate, seed),
        )
        run = method_run(self._home, self._trained_name, fingerprint)
        if not run.is_done("train", fingerprint):
            model = self._build(self._trained_class, options, seed)
            facts = self.fit(model, options.learning_rate, seed, run)
            tried = dataclasses.asdict(options)
            run.record("train", fingerprint, options=tried, **facts)
            tf.keras.backend.clear_session()  # Graphs of all trainings would pile up.
        return run

    def load(self, run: RunDir, changes: Changes) -> Recommender:
        """Builds the method with the best weights of a run."""
        model = self._build(self._class, self._options(changes), seed=0)
        restore_best(model, run.path)
        return model

    def resolve(self, changes: Changes) -> dict[str, Any]:
        """Returns every option."""
        return dataclasses.asdict(self._options(changes))

    def build(self, hyperparameters: Changes) -> LearnedBaseline:
        """Builds the method with fresh weights."""
        options = method_options(self.name, self._class, hyperparameters)
        return self._build(self._class, options, seed=0)

    def _options(self, changes: Changes) -> Any:
        values = {**self._base, **changes, **self._common}
        return method_options(self.name, self._class, values)

    def _build(
        self, method: type[LearnedBaseline], options: Any, seed: int
    ) -> LearnedBaseline:
        tf.keras.utils.set_random_seed(seed)
        model = method(self.inputs(seed), self.objective(), options, seed=seed)
        model(self.empty_episode())
        return model


def method_options(name: str, method: type[LearnedBaseline], changes: Changes) -> Any:
    """Makes the options of a learned baseline.

    Args:
        name: Its name.
        method: Its class.
        changes: What differs from the defaults.

    Raises:
        ValueError: If there is no such option, or its value is of no use.
    """
    try:
        return pydantic.TypeAdapter(method.OPTIONS).validate_python(changes)
    except pydantic.ValidationError as error:
        source = f"comparison.options.{name}"
        raise ValueError(explain(source, error, method.OPTIONS)) from None


def _shared(options: Any, kind: type[Any]) -> Any:
    """Returns those options that another class of options has too."""
    names = [field.name for field in dataclasses.fields(kind)]
    return kind(**{name: getattr(options, name) for name in names})
