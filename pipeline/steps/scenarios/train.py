"""The step `train` with scenarios: episodes to weights, by fit."""

import pathlib
from typing import Any

import numpy as np

from models.episodes.click_episodes import EpisodeSizes, training_episodes
from models.evaluation.errors import NotFiniteError
from models.evaluation.ranking_metrics import CHOSEN_BY
from models.legacy_keras import tf
from models.objectives.ranking_losses import ranking_loss
from models.resumable_training import (
    ResumableTraining,
    TrainingDivergedError,
    check_finite,
    restore_best,
)
from models.scenario_cmml import ScenarioCMML, build_scenario_cmml
from pipeline.experiment.progress import progress_bar, say
from pipeline.experiment.run_dir import (
    RunDir,
    finished_run,
    open_run,
    training_fingerprint,
)
from pipeline.insight.scenario_probe import ScenarioProbe
from pipeline.insight.training_log import tensorboard
from pipeline.settings.scenario.config import ScenarioConfig, ScenarioTrainingConfig
from pipeline.settings.scenario.loaded_scenarios import LoadedScenarios, load_scenarios
from pipeline.settings.scenario.ranking import Ranker
from pipeline.steps.train import STEP, check_splits, num_parameters
from transforms import schema
from transforms.clicks.schema import load_scenario_info

MONITOR = f"val_{CHOSEN_BY}"


def train(config: ScenarioConfig, dataset_dir: pathlib.Path) -> RunDir:
    """Fits CMML, or goes on where a killed training was, or skips a finished one.

    Args:
        config: The experiment.
        dataset_dir: The prepared data set, its vectors fitted.

    Returns:
        The run, with the best weights by meta-validation.

    Raises:
        DataError: If the data set is incomplete, has no vectors, or no
            meta-validation tasks.
    """
    info = load_scenario_info(dataset_dir)
    run = open_run(config, info.fingerprint)
    fingerprint = training_fingerprint(config, info.fingerprint)
    if run.is_done(STEP, fingerprint):
        say(f"train: {run.path} is up to date")
        return run
    check_splits(info, dataset_dir)
    dataset = load_scenarios(config, dataset_dir)
    model = new_model(config, dataset)
    facts = fit_scenarios(model, dataset, config, run)
    run.record(STEP, fingerprint, dataset=info.fingerprint, **facts)
    return run


def new_model(config: ScenarioConfig, dataset: LoadedScenarios) -> ScenarioCMML:
    """Builds a CMML with fresh weights."""
    options = config.training
    return build_scenario_cmml(
        dataset.vectors,
        config.model,
        loss=ranking_loss(options.loss, options.margin),
        query_negatives=options.query_negatives,
        seed=options.seed,
    )


def open_trained(config: ScenarioConfig, dataset_dir: pathlib.Path) -> RunDir:
    """Finds the run of a finished training.

    Raises:
        DataError: If the training is not finished.
    """
    return finished_run(config, load_scenario_info(dataset_dir).fingerprint, STEP)


def trained_model(
    config: ScenarioConfig, dataset: LoadedScenarios, run: RunDir
) -> ScenarioCMML:
    """Builds the model of a finished training, with its best weights."""
    model = build_scenario_cmml(dataset.vectors, config.model)
    restore_best(model, run.path)
    return model


class RankMetaValidation(tf.keras.callbacks.Callback):
    """Ranks the pools of meta-validation after every epoch, for others to choose by.

    Args:
        dataset: The data set.
        config: Sizes of support sets, and the users looked at.
        ranker: Ranks with the model that is trained.
    """

    def __init__(
        self, dataset: LoadedScenarios, config: ScenarioConfig, ranker: Ranker
    ) -> None:
        super().__init__()
        self._tasks = dataset.tasks(schema.META_VALIDATION)
        self._config = config
        self._ranker = ranker

    def on_epoch_end(self, epoch: int, logs: dict[str, float] | None = None) -> None:
        """Adds the figures to the logs, for the callbacks after this one.

        Raises:
            TrainingDivergedError: If a weight or score is not a finite number.
        """
        assert logs is not None
        check_finite(self.model, epoch)
        options = self._config.evaluation
        try:
            ranked = self._ranker.rank(
                self._tasks,
                support_size=options.support_size,
                support_negatives=options.support_negatives,
                max_users=self._config.training.validation_users,
            )
        except NotFiniteError as error:
            raise TrainingDivergedError(f"after epoch {epoch + 1}: {error}") from None
        for name, values in ranked.metrics().by_scenario().items():
            logs[f"val_{name}"] = float(np.nanmean(values))


def fit_scenarios(
    model: tf.keras.Model,
    dataset: LoadedScenarios,
    config: ScenarioConfig,
    run: RunDir,
) -> dict[str, Any]:
    """Trains a model on meta-train, or goes on where a killed training was.

    Args:
        model: CMML or a learned baseline, its weights fresh.
        dataset: The data set.
        config: How to train, and how to look at meta-validation.
        run: Where weights and metrics are kept.

    Returns:
        Facts about the training.
    """
    options = config.training
    model.compile(
        optimizer=tf.keras.optimizers.Adam(
            tf.keras.optimizers.schedules.CosineDecay(
                options.learning_rate, options.steps_per_epoch * options.max_epochs
            ),
            jit_compile=True,
        ),
        steps_per_execution=min(options.steps_per_execution, options.steps_per_epoch),
    )
    num_tasks = options.steps_per_epoch * options.batch_size
    training = ResumableTraining(
        run.path,
        monitor=MONITOR,
        maximise=True,
        patience=options.patience,
        num_tasks=num_tasks,
    )
    first_epoch = training.restore(model)
    if first_epoch:
        say(f"train: resuming {run.path} after epoch {first_epoch}")
    episodes = training_episodes(
        dataset.tasks(schema.META_TRAIN),
        episode_sizes(options),
        batch_size=options.batch_size,
        seed=options.seed,
        first_step=first_epoch * options.steps_per_epoch,
    )
    ranker = Ranker(model, config.evaluation.seed)
    probe = None
    if isinstance(model, ScenarioCMML):
        probe = ScenarioProbe(dataset, config, episode_sizes(options), ranker)
    with progress_bar("train: epoch", options.max_epochs, first_epoch) as advance:
        training.on_epoch = lambda line: advance(
            f"{MONITOR} {line[MONITOR]:.4f}, best {line[f'best_{MONITOR}']:.4f} at "
            f"epoch {line['best_epoch']}, {line['tasks_per_s']:.0f} scenarios/s"
        )
        if not training.has_converged:
            model.fit(
                episodes,
                steps_per_epoch=options.steps_per_epoch,
                initial_epoch=first_epoch,
                epochs=options.max_epochs,
                callbacks=[
                    RankMetaValidation(dataset, config, ranker),
                    training,
                    *tensorboard(run, config.tensorboard, probe, num_tasks),
                ],
                verbose=0,
            )
    say(
        f"train: ended after epoch {int(training.epoch)}, best {MONITOR} "
        f"{float(training.best):.4f} at epoch {int(training.best_epoch)}"
    )
    return {
        "epochs": int(training.epoch),
        "best_epoch": int(training.best_epoch),
        f"best_{MONITOR}": round(float(training.best), 6),
        "num_parameters": num_parameters(model),
    }


def episode_sizes(options: ScenarioTrainingConfig) -> EpisodeSizes:
    """Returns the sizes of training episodes."""
    return EpisodeSizes(
        support_size=options.support_size,
        support_negatives=options.support_negatives,
        query_size=options.query_size,
        query_negatives=options.query_negatives,
        full_support_fraction=options.full_support_fraction,
    )
