"""What scenarios are called."""

import pathlib
from collections.abc import Mapping

from pipeline.experiment.prepared import read_ids
from transforms import schema
from transforms.clicks.schema import SCENARIO_ID, load_scenario_info


def scenario_names(dataset_dir: pathlib.Path) -> Mapping[str, str]:
    """Returns the names of scenarios by id, behind their domain if there are several.

    Args:
        dataset_dir: The prepared data set.

    Returns:
        Empty where it has none.
    """
    info = load_scenario_info(dataset_dir)
    if not info.has_scenario_names:
        return {}
    ids = read_ids(dataset_dir, SCENARIO_ID)[1:]
    path = dataset_dir / schema.NAMES_DIR / "scenario.txt"
    names = path.read_text(encoding="utf-8").split("\n")[:-1]
    if len(info.domains) > 1:
        prefixes = [task_id.partition(":")[0] for task_id in ids]
        names = [f"{p}: {name}" for p, name in zip(prefixes, names, strict=True)]
    return dict(zip(ids, names, strict=True))
