"""Trials as TensorBoard's HParams shows them: a run for each trial and seed."""

import json
import pathlib
import time
from typing import Any

from tensorboard.compat.proto import event_pb2
from tensorboard.plugins.hparams import api as hp
from tensorboard.plugins.hparams import api_pb2
from tensorboard.plugins.hparams.summary import session_end_pb
from tensorboard.plugins.hparams.summary_v2 import hparams_config_pb, hparams_pb
from tensorboard.plugins.scalar.summary_v2 import scalar_pb

from models.legacy_keras import tf
from models.whole_files import whole_file
from tuning.results import SearchResults
from tuning.space import Domain
from tuning.trial_result import TrialResult

HPARAMS_DIR = "hparams"
OBJECTIVE, BEST_EPOCH, NUM_PARAMETERS = "objective", "best_epoch", "num_parameters"

_EVENTS_FILE = "events.out.tfevents.0.search"


def write_experiment(search_dir: pathlib.Path, search: SearchResults) -> None:
    """Writes the keys with their domains, and the metrics with their units, once."""
    space = search.space
    domains = _domains(search)
    keys = [hp.HParam(key, _domain(domain)) for key, domain in domains.items()]
    unit = f" [{search.unit}]" if search.unit else ""
    sign = "+" if search.minimise else "-"
    joined = f"mean {sign} {space.spread_weight:g} sd over seeds{unit}"
    metrics = [
        hp.Metric(search.metric, display_name=f"{search.metric}{unit}"),
        hp.Metric(OBJECTIVE, display_name=joined),
        hp.Metric(BEST_EPOCH, display_name="best epoch"),
        hp.Metric(NUM_PARAMETERS, display_name="parameters"),
    ]
    _write_once(search_dir / HPARAMS_DIR, hparams_config_pb(keys, metrics))


def write_trial(
    search_dir: pathlib.Path, search: SearchResults, result: TrialResult
) -> None:
    """Writes a trial that has ended, once: a run for each seed, joined as one trial.

    A trial that failed is a run with its values alone, marked as failed.
    """
    folder = search_dir / HPARAMS_DIR / result.trial_id
    domains = _domains(search)
    values = {
        key: _plain(domains.get(key), value) for key, value in result.values.items()
    }
    start = hparams_pb(values, trial_id=result.trial_id)
    if result.status != "completed":
        _write_once(folder / "failed", start, session_end_pb(api_pb2.STATUS_FAILURE))
        return
    per_seed = zip(search.seeds, result.scores, result.best_epochs, strict=True)
    for seed, score, best_epoch in per_seed:
        metrics = {
            search.metric: score,
            OBJECTIVE: result.objective,
            BEST_EPOCH: best_epoch,
            NUM_PARAMETERS: result.num_parameters,
        }
        _write_once(
            folder / f"seed-{seed}",
            start,
            *(scalar_pb(name, value) for name, value in metrics.items()),
            session_end_pb(api_pb2.STATUS_SUCCESS),
        )


def _domains(search: SearchResults) -> dict[str, Domain]:
    """Returns the domains, each with what the experiment has: others are not shown."""
    own = search.own or {}
    return {
        key: domain.including(own[key]) if key in own else domain
        for key, domain in search.space.keys.items()
    }


def _domain(domain: Domain) -> Any:
    if domain.values is not None:
        return hp.Discrete([_plain(domain, value) for value in domain.values])
    if domain.is_whole:
        return hp.IntInterval(domain.min, domain.max)
    return hp.RealInterval(float(domain.min or 0.0), float(domain.max or 0.0))


def _plain(domain: Domain | None, value: Any) -> Any:
    """Returns a value as HParams takes it: of one plain type for a key, or JSON."""
    types = {type(other) for other in (domain and domain.values) or [value]}
    if types in ({int}, {float}, {bool}, {str}):
        return value
    return float(value) if types == {int, float} else json.dumps(value)


def _write_once(folder: pathlib.Path, *summaries: Any) -> None:
    """Writes an events file, whole or not at all, if it is not there.

    Args:
        folder: Its folder.
        *summaries: `Summary` messages.
    """
    path = folder / _EVENTS_FILE
    if path.exists():
        return
    with (
        whole_file(path) as temporary,
        tf.io.TFRecordWriter(str(temporary)) as writer,
    ):
        version = event_pb2.Event(wall_time=time.time(), file_version="brain.Event:2")
        writer.write(version.SerializeToString())
        for summary in summaries:
            event = event_pb2.Event(wall_time=time.time())
            # Some come as the same message of another package.
            event.summary.MergeFromString(summary.SerializeToString())
            writer.write(event.SerializeToString())
