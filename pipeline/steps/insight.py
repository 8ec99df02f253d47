"""The step `insight`: contexts of tasks as a map, as figures, and for the Projector."""

import pathlib
from collections.abc import Mapping, Sequence

from models.whole_files import write_atomically, write_json
from pipeline.experiment.config_section import Experiment
from pipeline.experiment.progress import say
from pipeline.experiment.run_dir import RunDir
from pipeline.insight.contexts import KINDS, task_contexts
from pipeline.insight.groups import grouped
from pipeline.insight.projector import write_projector
from pipeline.reports.insight.clusterings import as_json, clusterings, context_page
from pipeline.reports.insight.map import context_maps
from pipeline.settings.registry import setting_of
from pipeline.training.trained import STEP as TRAIN
from pipeline.training.trained import trained_model
from transforms.schema import DataError

FOLDER = "insight"
PAGE_FILE, FIGURES_FILE = "index.html", "clustering.json"

_MIN_CONTEXTS = 4


def map_contexts(
    config: Experiment,
    dataset_dir: pathlib.Path,
    run: RunDir,
    *,
    split: str,
    max_tasks: int,
    groups: Mapping[str, Sequence[str]] | None,
    output: pathlib.Path | None,
) -> pathlib.Path:
    """Encodes tasks and shows how their contexts lie.

    Args:
        config: The experiment.
        dataset_dir: The prepared data set.
        run: The run of a finished training; files of the Projector go to its logs.
        split: "meta_train", "meta_validation", "meta_test", or "all" of them.
        max_tasks: Contexts, at most; more are thinned out at random.
        groups: Labels by group, as of `load_groups`; None for none.
        output: Folder of the page; `insight/` of the run if None.

    Returns:
        The page; maps stand beside it as SVG, figures as JSON.

    Raises:
        DataError: If there are fewer than 4 contexts, or none of the groups' labels.
    """
    say(f"insight: encoding tasks of {split}")
    data = setting_of(config).load(config, dataset_dir)
    model = trained_model(config, data, run)
    contexts = task_contexts(config, data, model, split=split, max_tasks=max_tasks)
    if len(contexts.task_ids) < _MIN_CONTEXTS:
        raise DataError(
            f"a map takes at least {_MIN_CONTEXTS} contexts, got "
            f"{len(contexts.task_ids)} of split {split!r}."
        )
    if groups is not None:
        contexts = grouped(contexts, groups)
    projector = write_projector(contexts, run.logs)
    say(f"insight: laying {len(contexts.task_ids):,} contexts out")
    maps = context_maps(contexts, _kinds(contexts.labels))
    say("insight: measuring how they cluster")
    measured = clusterings(contexts)
    number = len(contexts.task_ids)
    figures = {
        "split": split,
        "num_contexts": number,
        "kinds": {kind: as_json(each) for kind, each in measured.items()},
    }
    description = _describe(run, split, number)
    page = context_page(config.name, description, maps, measured, projector)
    folder = output or run.path / FOLDER
    for kind, svg in maps.items():
        write_atomically(folder / f"map_{kind}.svg", svg)
    write_json(folder / FIGURES_FILE, figures)
    write_atomically(folder / PAGE_FILE, page)
    return folder / PAGE_FILE


def _describe(run: RunDir, split: str, number: int) -> str:
    """Says what contexts these are, and if the encoder was left untrained."""
    whose = "all splits" if split == "all" else split
    text = f"{number:,} contexts of {whose}, run {run.path.name}."
    if run.facts(TRAIN)["best_epoch"]:
        return text
    return f"{text} The start was kept: contexts are of an untrained encoder."


def _kinds(labels: Mapping[str, object]) -> list[str]:
    """Returns the kinds of labels, those first that say what a task is about."""
    return sorted(labels, key=lambda kind: (*[kind != one for one in KINDS], kind))
