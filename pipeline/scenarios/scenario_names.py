"""What scenarios are called."""

from __future__ import annotations

from collections.abc import Mapping

from pipeline.parquet_file import read_ids
from pipeline.scenarios.loaded_scenarios import LoadedScenarios
from transforms import schema


def scenario_names(dataset: LoadedScenarios) -> Mapping[str, str]:
    """Returns the names of scenarios by id, behind their domain if there are several.

    Empty where the data set has none.
    """
    if not dataset.info.has_scenario_names:
        return {}
    ids = read_ids(dataset.directory, "scenario_id")[1:]
    path = dataset.directory / schema.NAMES_DIR / "scenario.txt"
    names = path.read_text(encoding="utf-8").split("\n")[:-1]
    if len(dataset.info.domains) > 1:
        prefixes = [task_id.partition(":")[0] for task_id in ids]
        names = [f"{p}: {name}" for p, name in zip(prefixes, names, strict=True)]
    return dict(zip(ids, names, strict=True))
