"""Baselines fitted to meta-train, hyperparameters chosen on meta-validation."""

from collections.abc import Sequence

from models.baselines.baseline import Baseline
from models.baselines.parts.selection import select
from models.baselines.registry import BASELINES
from models.episode_dataset import fixed_episodes
from pipeline.config import EvaluationConfig
from pipeline.loaded_dataset import LoadedDataset, meta_train_pairs
from pipeline.progress import say
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
