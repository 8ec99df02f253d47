"""A learned baseline in a comparison."""

import dataclasses
import pathlib
from collections.abc import Mapping
from typing import Any, ClassVar

import pydantic

from models.baselines.learned.learned_baseline import LearnedBaseline
from models.legacy_keras import tf
from models.options import MODEL_VERSION
from models.recommender import Recommender
from models.resumable_training import restore_best
from pipeline.experiment.config_errors import explain
from pipeline.experiment.config_file import hash_of, with_changes
from pipeline.experiment.run_dir import RunDir
from pipeline.judging.compared_method import ComparedMethod, method_run
from pipeline.judging.results import Changes
from pipeline.settings.registry import setting_of
from pipeline.settings.setting import Data
from pipeline.training.fit import fit


class ComparedLearned(ComparedMethod):
    """A method that is trained by episodes, as CMML is.

    One that `TRAINS_AS` another shares its trainings, in the candidate it has chosen.

    Args:
        name: Its name.
        config: The experiment.
        data: The data set.
        chosen: Candidates that other methods have chosen already.
    """

    KIND: ClassVar[str] = "learned"

    def __init__(
        self, name: str, config: Any, data: Data, chosen: Mapping[str, Changes]
    ) -> None:
        self.name = name
        self._config = config
        self._data = data
        learning = setting_of(config).methods(config).learning
        assert learning is not None  # Its name is of one of them.
        self._learning = learning
        self._class = learning.classes[name]
        self.candidates = self._class.CANDIDATES
        self._trained_name = self._class.TRAINS_AS or name
        self._trained_class = learning.classes[self._trained_name]
        self._home = pathlib.Path(config.runs_dir, config.name)
        options = config.comparison.options
        self._base = chosen.get(self._trained_name, {}) if self._class.TRAINS_AS else {}
        self._common: Changes = {
            **options.get(self._trained_name, {}),
            **options.get(name, {}),
        }

    def train(self, changes: Changes, seed: int) -> RunDir:
        """Trains the method by episodes."""
        options = _shared(self._options(changes), self._trained_class.OPTIONS)
        fingerprint = hash_of(
            *(MODEL_VERSION, self._trained_class.VERSION),
            self._data.info.fingerprint,
            self._trained_name,
            options,
            self._conditions(options.learning_rate, seed),
        )
        run = method_run(self._home, self._trained_name, fingerprint)
        if not run.is_done("train", fingerprint):
            model = self._build(self._trained_class, options, seed)
            changed = self._changed(options.learning_rate, seed)
            facts = fit(model, changed, self._data, run)
            tried = dataclasses.asdict(options)
            run.record("train", fingerprint, options=tried, **facts)
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
        inputs = self._learning.inputs(self._config, self._data, seed)
        objective = self._learning.objective(self._config, self._data)
        model = method(inputs, objective, options, seed=seed)
        model(self._learning.empty_episode(self._config))
        return model

    def _conditions(self, learning_rate: float, seed: int) -> Any:
        """Returns what decides the weights beside the options, for a fingerprint."""
        changed = self._changed(learning_rate, seed)
        # The members of CMML are not this method's.
        sections = [s for s in changed.weight_sections if s is not changed.model]
        return sections, self._learning.input_options(changed)

    def _changed(self, learning_rate: float, seed: int) -> Any:
        """Returns the experiment: trained as CMML is, but for the learning rate."""
        changes = {"training.learning_rate": learning_rate, "training.seed": seed}
        return with_changes(self._config, changes)


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
