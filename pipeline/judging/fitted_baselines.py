"""Baselines fitted to meta-train, hyperparameters chosen on meta-validation."""

from collections.abc import Sequence

from models.baselines.ratings.baseline import Baseline
from models.baselines.ratings.registry import BASELINES
from models.baselines.ratings.selection import select
from models.episodes.rating_episodes import fixed_episodes
from pipeline.experiment.progress import say
from pipeline.settings.user.config import EvaluationConfig
from pipeline.settings.user.loaded_dataset import LoadedDataset, meta_train_pairs
from transforms import schema

REFERENCE = "bias_ridge"  # The method that paired differences are taken to.


def fit_baselines(
    names: Sequence[str], dataset: LoadedDataset, options: EvaluationConfig
) -> dict[str, Baseline]:
    """Fits baselines.

    Args:
        names: Which ones.
        dataset: The prepared data set.
        options: Support and batch size of the meta-validation episodes.

    Returns:
        The fitted baselines by name.
    """
    pairs = meta_train_pairs(dataset)
    validation = fixed_episodes(
        dataset.directory,
        schema.META_VALIDATION,
        max_support_size=options.support_size,
        batch_size=options.batch_size,
    )
    batches = list(validation)
    fitted: dict[str, Baseline] = {}
    for name in names:
        say(f"baselines: fitting {name}")
        fitted[name] = select(BASELINES[name], pairs, batches)
    return fitted
