"""The step `train`: episodes to weights, by fit."""

import math
import pathlib
from typing import Any

from models.cmml import CMML, build_cmml
from models.episodes.rating_episodes import fixed_episodes, training_episodes
from models.legacy_keras import tf
from models.resumable_training import ResumableTraining, restore_best
from pipeline.experiment.config_section import TensorBoardConfig
from pipeline.experiment.progress import progress_bar, say
from pipeline.experiment.run_dir import (
    RunDir,
    finished_run,
    open_run,
    training_fingerprint,
)
from pipeline.insight.training_log import Probe, tensorboard
from pipeline.insight.user_probe import UserProbe
from pipeline.settings.user.config import Config, TrainingConfig
from pipeline.settings.user.loaded_dataset import (
    LoadedDataset,
    load_dataset,
    meta_train_pairs,
)
from transforms import schema
from transforms.clicks.schema import ScenarioDatasetInfo
from transforms.schema import DataError, load_dataset_info

STEP = "train"
_MONITOR = "val_mae"
_LOGGED = TensorBoardConfig()


def train(config: Config, dataset_dir: pathlib.Path) -> RunDir:
    """Fits CMML, or goes on where a killed training was, or skips a finished one.

    Args:
        config: The experiment.
        dataset_dir: The prepared data set.

    Returns:
        The run, with the best weights by meta-validation.

    Raises:
        DataError: If the data set is incomplete or has no meta-validation tasks.
    """
    info = load_dataset_info(dataset_dir)
    run = open_run(config, info.fingerprint)
    fingerprint = training_fingerprint(config, info.fingerprint)
    if run.is_done(STEP, fingerprint):
        say(f"train: {run.path} is up to date")
        return run
    check_splits(info, dataset_dir)
    dataset = load_dataset(dataset_dir)
    model = new_model(config, dataset)
    facts = fit_episodes(
        model,
        dataset,
        config.training,
        run,
        logged=config.tensorboard,
        probe=UserProbe(dataset, config.evaluation),
    )
    run.record(STEP, fingerprint, dataset=info.fingerprint, **facts)
    return run


def check_splits(
    info: schema.DatasetInfo | ScenarioDatasetInfo,
    dataset_dir: pathlib.Path,
    *,
    judged: str | None = None,
) -> None:
    """Refuses a data set that is too small to train with.

    Args:
        info: What `dataset.json` says.
        dataset_dir: Where it is.
        judged: A split that must have tasks too.

    Raises:
        DataError: If it has no meta-validation task or fewer than 2 meta-train tasks,
            or none of that split.
    """
    if judged and not info.num_tasks.get(judged):
        raise DataError(f"{dataset_dir} holds no {judged} tasks to judge methods on.")
    for split, needed in ((schema.META_TRAIN, 2), (schema.META_VALIDATION, 1)):
        found = info.num_tasks.get(split, 0)
        if found < needed:
            raise DataError(
                f"{dataset_dir} must hold at least {needed} {split} tasks to train "
                f"with, got {found}."
            )


def new_model(config: Config, dataset: LoadedDataset) -> CMML:
    """Builds a CMML with fresh weights and fitted factors."""
    model = build_cmml(
        dataset.info,
        dataset.users,
        dataset.items,
        config.model,
        loss=config.training.loss,
        seed=config.training.seed,
    )
    model.factors.fit(meta_train_pairs(dataset), seed=config.training.seed)
    return model


def open_trained(config: Config, dataset_dir: pathlib.Path) -> RunDir:
    """Finds the run of a finished training.

    Raises:
        DataError: If the training is not finished.
    """
    return finished_run(config, load_dataset_info(dataset_dir).fingerprint, STEP)


def trained_model(config: Config, dataset: LoadedDataset, run: RunDir) -> CMML:
    """Builds the model of a finished training, with its best weights."""
    model = build_cmml(dataset.info, dataset.users, dataset.items, config.model)
    restore_best(model, run.path)
    return model


def fit_episodes(
    model: tf.keras.Model,
    dataset: LoadedDataset,
    options: TrainingConfig,
    run: RunDir,
    *,
    logged: TensorBoardConfig = _LOGGED,
    probe: Probe | None = None,
) -> dict[str, Any]:
    """Trains a model on meta-train, or goes on where a killed training was.

    Args:
        model: CMML or a learned baseline, its weights fresh.
        dataset: The data set.
        options: How to train.
        run: Where weights and metrics are kept.
        logged: What can be watched.
        probe: What a CMML is looked at with; None for no look inside.

    Returns:
        Facts about the training.
    """
    num_tasks = dataset.info.num_tasks[schema.META_TRAIN]
    steps_per_epoch = math.ceil(num_tasks / options.batch_size)
    total_steps = steps_per_epoch * options.max_epochs
    model.compile(
        optimizer=tf.keras.optimizers.Adam(
            tf.keras.optimizers.schedules.CosineDecay(
                options.learning_rate, total_steps
            ),
            jit_compile=True,  # Else updating the embeddings costs a tenth of a step.
        ),
        steps_per_execution=min(options.steps_per_execution, steps_per_epoch),
    )
    training = ResumableTraining(
        run.path, monitor=_MONITOR, patience=options.patience, num_tasks=num_tasks
    )
    first_epoch = training.restore(model)
    if first_epoch:
        say(f"train: resuming {run.path} after epoch {first_epoch}")
    validation = fixed_episodes(
        dataset.directory,
        schema.META_VALIDATION,
        max_support_size=options.support_size,
        batch_size=options.batch_size,
    )
    num_validation = dataset.info.num_tasks[schema.META_VALIDATION]
    with progress_bar("train: epoch", options.max_epochs, first_epoch) as advance:
        training.on_epoch = lambda line: advance(
            f"val_mae {line['val_mae']:.4f}, best {line['best_val_mae']:.4f} at epoch "
            f"{line['best_epoch']}, {line['tasks_per_s']:.0f} tasks/s"
        )
        if not training.has_converged:
            model.fit(
                training_episodes(
                    dataset.directory,
                    support_size=options.support_size,
                    query_size=options.query_size,
                    batch_size=options.batch_size,
                    seed=options.seed,
                    full_support_fraction=options.full_support_fraction,
                    first_step=first_epoch * steps_per_epoch,
                ),
                steps_per_epoch=steps_per_epoch,
                initial_epoch=first_epoch,
                epochs=options.max_epochs,
                validation_data=validation.map(_without_task_id),
                validation_steps=math.ceil(num_validation / options.batch_size),
                callbacks=[training, *tensorboard(run, logged, probe, num_tasks)],
                verbose=0,
            )
    say(
        f"train: ended after epoch {int(training.epoch)}, best val_mae "
        f"{float(training.best):.4f} at epoch {int(training.best_epoch)}"
    )
    return {
        "epochs": int(training.epoch),
        "best_epoch": int(training.best_epoch),
        "best_val_mae": round(float(training.best), 6),
        "num_parameters": num_parameters(model),
    }


def num_parameters(model: tf.keras.Model) -> int:
    """Counts the weights that are trained."""
    return sum(v.shape.num_elements() for v in model.trainable_weights)


def _without_task_id(episode: dict[str, tf.Tensor]) -> dict[str, tf.Tensor]:
    return {name: value for name, value in episode.items() if name != "task_id"}
