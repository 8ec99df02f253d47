"""The user-specific setting: a task is a user, its labels are ratings."""

from __future__ import annotations

import pathlib
from collections.abc import Sequence
from typing import TYPE_CHECKING

from models.evaluation.intervals import Floats
from models.evaluation.metric import Metric
from models.evaluation.scored_pairs import ScoredPairs
from models.evaluation.shown import Shown
from pipeline.experiment.config_section import Experiment
from pipeline.settings.serving import Serving
from pipeline.settings.setting import Methods, Scorer, Source, TrainingPlan
from pipeline.settings.step_parts import StepParts
from pipeline.settings.user.config import UserConfig
from pipeline.settings.user.metrics import METRICS
from transforms.plural import counted

if TYPE_CHECKING:
    from models.cmml import CMML
    from models.recommender import Recommender
    from pipeline.settings.exported_model import ExportedModel
    from pipeline.settings.user.data import UserData


_FIRST = 4  # Batches that tell how a distribution is to start.


class UserSetting:
    """Users with ratings; see `Setting`. TensorFlow is imported when it is used."""

    config: type[Experiment] = UserConfig
    metrics: Sequence[Metric] = METRICS

    def source(self, config: UserConfig) -> Source:
        """Returns tables of ratings, users and items."""
        from pipeline.settings.user.source import rating_source

        return rating_source(config)

    def load(self, config: UserConfig, dataset_dir: pathlib.Path) -> UserData:
        """Reads the tables of users and items."""
        from pipeline.settings.user.data import load_user_data

        return load_user_data(dataset_dir)

    def build(self, config: UserConfig, data: UserData, *, fit: bool) -> CMML:
        """Builds a CMML of rated pairs, and fits what is in closed form."""
        from models.cmml_builders import rated_cmml
        from models.factors.fold_fits import NUM_FOLDS
        from pipeline.experiment.progress import progress_bar, say

        model = rated_cmml(
            data.info,
            data.users,
            data.items,
            config.model,
            loss=config.training.loss,
            seed=config.training.seed,
        )
        if fit:
            pairs = data.standardised_pairs
            if model.pairs.num_factors:
                fitted = f"{counted(pairs.num_items, 'item')} to {len(pairs.label)}"
                say(f"train: fitting factors of {fitted} pairs")
            with progress_bar("train: fit", None) as advance:
                model.pairs.factors.fit(
                    pairs,
                    seed=config.training.seed,
                    on_fit=lambda: advance(f"of {NUM_FOLDS + 1}"),
                )
            if model.starts_calibrated:
                model.start_from(self.training(config, data).episodes(0).take(_FIRST))
        return model

    def training(self, config: UserConfig, data: UserData) -> TrainingPlan:
        """Returns episodes drawn afresh from the support of meta-train."""
        from pipeline.settings.user.training import user_training

        return user_training(config, data)

    def groups(self, config: UserConfig, data: UserData, split: str) -> list[Shown]:
        """Returns cold users, warm ones, and the cold ones with other support sets."""
        from pipeline.settings.user.groups import user_groups

        return user_groups(config, data, split)

    def scorer(self, method: Recommender, config: UserConfig, data: UserData) -> Scorer:
        """Returns what scores frozen episodes."""
        from pipeline.settings.user.scoring import RatingScorer

        return RatingScorer(method, config, data)

    def by_task(
        self, pairs: ScoredPairs, *, names: Sequence[str] | None = None
    ) -> dict[str, Floats]:
        """Returns errors and the order of the query pairs of each user."""
        from pipeline.settings.user.metrics import metrics_by_task

        return metrics_by_task(pairs, names=names)

    def methods(self, config: UserConfig) -> Methods:
        """Returns the methods of ratings, whatever the experiment."""
        from pipeline.settings.user.methods import user_methods

        del config
        return user_methods()

    def serving(self, config: UserConfig, data: UserData) -> Serving:
        """Returns the served form with ids and raw features of users."""
        from pipeline.settings.user.serving import user_serving

        return user_serving(config, data)

    def exported(self) -> type[ExportedModel]:
        """Returns what asks an exported model."""
        from pipeline.settings.user.exported_model import ExportedUserModel

        return ExportedUserModel

    def parts(self) -> StepParts:
        """Returns what one step alone needs."""
        from pipeline.settings.user.parts import user_parts

        return user_parts()
