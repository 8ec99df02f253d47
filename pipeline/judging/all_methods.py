"""Every method that a comparison can have: its kinds, and all by name."""

import pathlib
import time
import types
from collections.abc import Callable, Mapping, Sequence
from typing import Any, ClassVar

from models.options import MODEL_VERSION
from models.recommender import Recommender
from pipeline.experiment.config_file import hash_of, with_changes
from pipeline.experiment.config_section import Experiment
from pipeline.experiment.run_dir import EVALUATION_VERSION, RunDir
from pipeline.judging.compared_learned import ComparedLearned, method_options
from pipeline.judging.compared_method import ComparedMethod, method_run
from pipeline.judging.results import CMML, Changes
from pipeline.judging.simple_methods import FittedMethod, fit_simple
from pipeline.settings.registry import setting_of
from pipeline.settings.setting import Data
from pipeline.training.trained import trained_model
from transforms.schema import META_VALIDATION


class ComparedSimple(ComparedMethod):
    """A method that is fitted in one call; its grid is searched then.

    Args:
        name: Its name.
        config: The experiment.
        data: The data set.
    """

    KIND: ClassVar[str] = "simple"
    candidates: Sequence[Changes] = ({},)

    def __init__(self, name: str, config: Any, data: Data) -> None:
        self.name = name
        self._config = config
        self._data = data
        self._methods = setting_of(config).methods(config)
        self._home = pathlib.Path(config.runs_dir, config.name)
        self._fingerprint = hash_of(
            *(MODEL_VERSION, EVALUATION_VERSION, self._methods.simple[name].GRID),
            *(data.info.fingerprint, config.factor_sections, config.evaluation),
        )
        self._fitted: FittedMethod | None = None

    @property
    def has_seeds(self) -> bool:
        """Whether it is fitted with other seeds: no, they hardly matter to it."""
        return False

    def train(self, changes: Changes, seed: int) -> RunDir:
        """Fits the method, unless its results are there already."""
        del changes, seed
        run = method_run(self._home, self.name, self._fingerprint)
        if not run.is_done("train", self._fingerprint):
            started = time.monotonic()
            chosen = self._fit_once().hyperparameters
            seconds = round(time.monotonic() - started, 3)
            run.record("train", self._fingerprint, fit_s=seconds, chosen=chosen)
        return run

    def load(self, run: RunDir, changes: Changes) -> Recommender:
        """Fits it again if another process has."""
        del run, changes
        return self._fit_once().method

    def resolve(self, changes: Changes) -> dict[str, Any]:
        """Returns nothing: what is chosen is known once it is fitted."""
        return dict(changes)

    def chosen(self, run: RunDir, changes: Changes) -> dict[str, Any]:
        """Returns what was chosen from its grid."""
        del changes
        return dict(run.facts("train")["chosen"])

    def build(self, hyperparameters: Changes) -> Recommender:
        """Fits it as it was chosen."""
        return self._methods.fit(self.name, self._data, hyperparameters)

    def _fit_once(self) -> FittedMethod:
        if self._fitted is None:
            groups = setting_of(self._config).groups(
                self._config, self._data, META_VALIDATION
            )
            self._fitted = fit_simple(self.name, self._config, self._data, groups)
        return self._fitted


class ComparedCMML(ComparedMethod):
    """CMML; its candidates are changes of the configuration.

    Args:
        name: Its name.
        config: The experiment.
        data: The data set.
        own: What it has by itself, unless a candidate changes it.
        fixed: What no candidate changes.
        train: Trains it as the step `train` does, in the same place.
    """

    KIND: ClassVar[str] = "cmml"
    candidates: Sequence[Changes] = (
        {},
        {"training.learning_rate": 1e-3},
        {"model.dropout": 0.4},
        {"training.learning_rate": 3e-4},
    )

    def __init__(
        self,
        name: str,
        config: Any,
        data: Data,
        *,
        own: Changes,
        fixed: Changes,
        train: Callable[[Any], RunDir],
    ) -> None:
        self.name = name
        self._config = config
        self._data = data
        self._own = own
        self._fixed = fixed
        self._train = train

    def train(self, changes: Changes, seed: int) -> RunDir:
        """Trains it with a seed."""
        return self._train(self._changed(self.resolve(changes), seed))

    def load(self, run: RunDir, changes: Changes) -> Recommender:
        """Builds it with the best weights of a run."""
        config = self._changed(self.resolve(changes), 0)
        return trained_model(config, self._data, run)

    def resolve(self, changes: Changes) -> dict[str, Any]:
        """Returns the changes of the configuration."""
        return {**self._own, **changes, **self._fixed}

    def build(self, hyperparameters: Changes) -> Recommender:
        """Builds it with fresh weights."""
        config = self._changed(hyperparameters, 0)
        return setting_of(config).build(config, self._data, fit=True)

    def _changed(self, changes: Changes, seed: int) -> Any:
        return with_changes(self._config, {**changes, "training.seed": seed})


def compared_method(
    name: str,
    config: Any,
    data: Data,
    chosen: Mapping[str, Changes] = types.MappingProxyType({}),
    *,
    train: Callable[[Any], RunDir],
) -> ComparedMethod:
    """Returns the method of that name.

    Args:
        name: Of a simple or learned method of the setting, or of CMML.
        config: The experiment.
        data: The data set.
        chosen: Candidates that other methods have chosen already, for those that
            go on from one of them.
        train: Trains CMML as the step `train` does.
    """
    methods = setting_of(config).methods(config)
    if name in methods.simple:
        return ComparedSimple(name, config, data)
    if name == CMML or name in methods.cmml:
        own = methods.cmml.get(name, {})
        fixed = config.comparison.options.get(name, {})
        return ComparedCMML(name, config, data, own=own, fixed=fixed, train=train)
    return ComparedLearned(name, config, data, chosen)


def known_methods(config: Experiment, names: Sequence[str] | None) -> list[str]:
    """Returns the methods to be compared, each once, in the order they are compared.

    A method that goes on from the trainings of another brings that one along.

    Args:
        config: The experiment.
        names: As typed; those of the configuration if None, else all there are.

    Raises:
        ValueError: If a method is unknown, or the configuration gives one an option
            that it does not have.
    """
    methods = setting_of(config).methods(config)
    simple, learned = methods.simple, methods.learned
    known = [*simple, *learned, *methods.cmml, CMML]
    names = names or config.comparison.methods or known
    options = config.comparison.options
    config.check_methods("methods", names, known)
    for name, changes in options.items():
        if name in learned:
            method_options(name, learned[name], changes)
        elif name == CMML or name in methods.cmml:
            with_changes(config, changes)
        elif changes:
            raise ValueError(
                f"comparison.options of {name!r} must be empty, since it chooses from "
                f"a grid of its own, got {changes}."
            )
    bases = [learned[name].TRAINS_AS for name in names if name in learned]
    return sorted({*names, *filter(None, bases)}, key=known.index)
