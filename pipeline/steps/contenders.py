"""The methods that `cmml compare` knows in the user-specific setting."""

import pathlib
import types
from collections.abc import Mapping
from typing import Any

from models.baselines.learned.learned_baseline import LearnedBaseline
from models.baselines.learned.parts.feature_pairs import (
    FeaturePairs,
    build_feature_pairs,
)
from models.baselines.ratings.learned_registry import LEARNED
from models.baselines.ratings.registry import BASELINES
from models.legacy_keras import tf
from models.objectives.rating_objective import RatingObjective
from models.options import MODEL_VERSION
from models.recommender import Recommender, one_empty_episode
from pipeline.experiment.run_dir import RunDir
from pipeline.judging.cmml_contender import CMMLContender
from pipeline.judging.contender import Changes, Contender
from pipeline.judging.fitted_baselines import fit_baselines
from pipeline.judging.learned_contender import LearnedContender
from pipeline.judging.results import CMML, PLAIN
from pipeline.judging.simple_contender import Fitted, SimpleContender
from pipeline.settings.user.config import Config, TrainingConfig
from pipeline.experiment.config_file import hash_of
from pipeline.settings.user.loaded_dataset import LoadedDataset, meta_train_pairs
from pipeline.steps.train import fit_episodes, new_model, train, trained_model

# Nothing of what collaborative filtering knows.
_PLAIN_CHANGES: Changes = {"model.prior": "constant", "model.embeddings": "learned"}


def contender(
    name: str,
    config: Config,
    dataset: LoadedDataset,
    chosen: Mapping[str, Changes] = types.MappingProxyType({}),
) -> Contender:
    """Returns the method of that name.

    Args:
        name: Of a simple or learned method of this setting, or of CMML.
        config: The experiment.
        dataset: The prepared data set.
        chosen: Candidates that other methods have chosen already, for those that
            go on from one of them.
    """
    if name in BASELINES:
        return _simple(name, config, dataset)
    if name in (CMML, PLAIN):
        options = config.comparison.options.get(name, {})
        return CMMLContender(
            name,
            config,
            common={**options, **(_PLAIN_CHANGES if name == PLAIN else {})},
            train=lambda changed: train(changed, dataset.directory),
            load=lambda changed, run: trained_model(changed, dataset, run),
            build=lambda changed: new_model(changed, dataset),
        )
    return UserContender(name, config, dataset, chosen)


def _simple(name: str, config: Config, dataset: LoadedDataset) -> SimpleContender:
    def fit() -> Fitted:
        method = fit_baselines([name], dataset, config.evaluation)[name]
        return method, method.hyperparameters

    def build(hyperparameters: Changes) -> Recommender:
        method = BASELINES[name](**hyperparameters)
        method.fit(meta_train_pairs(dataset))
        return method

    return SimpleContender(
        name,
        fit=fit,
        build=build,
        home=pathlib.Path(config.runs_dir, config.name),
        fingerprint=hash_of(
            *(MODEL_VERSION, BASELINES[name].GRID),
            *(dataset.info.fingerprint, config.evaluation),
        ),
    )


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
