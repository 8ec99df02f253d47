"""Vectors fitted to clicks, and to what is known of the items."""

import functools
import pathlib
from collections.abc import Callable
from typing import TypeAlias

from models.episodes.click_records import KnownClicks
from models.factors.factorisation import FactorisationOptions
from models.factors.kept_fits import KeptFits
from models.factors.vector_fit import fit_vectors
from models.factors.vectors import Vectors
from pipeline.experiment.progress import progress_bar
from pipeline.settings.scenario.data import features_of, pools_of
from transforms.clicks.schema import ScenarioDatasetInfo

Fit: TypeAlias = Callable[..., Vectors]


def fit_of(
    known: KnownClicks, dataset_dir: pathlib.Path, info: ScenarioDatasetInfo
) -> Fit:
    """Returns what fits vectors to clicks, given options; see `fit_vectors`."""
    pools, features = pools_of(dataset_dir, info), features_of(dataset_dir, info)
    return functools.partial(fit_vectors, known, info.domains, pools, features=features)


def fit_folds(
    fit: Fit, options: FactorisationOptions, num_folds: int, step: str
) -> Vectors:
    """Fits vectors in and out of fold, and says how far it is.

    Args:
        fit: As of `fit_of`.
        options: The factorisation.
        num_folds: F, folds to be left out in turn.
        step: Name of the step, for people.
    """
    with progress_bar(f"{step}: fit", None) as advance:
        kept = KeptFits(0, on_fit=lambda place: advance(place[0]))
        return fit(options, num_folds, kept=kept)
