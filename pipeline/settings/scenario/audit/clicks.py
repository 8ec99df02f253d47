"""The audit of a prepared data set of clicks, all checks in turn."""

import pathlib

from models.episodes.click_records import load_known_clicks, read_tasks
from models.factors.vector_files import load_vectors
from models.factors.vectors import Vectors
from pipeline.settings.finding import (
    Finding,
    compare_protocols,
    id_joins,
    tasks_overlap,
    time_in_tasks,
    time_of_pairs,
)
from pipeline.settings.scenario.audit.controls import (
    controls,
    incomplete_factors,
    is_complete,
)
from pipeline.settings.scenario.audit.pairs import (
    clicked_negatives,
    clicked_support_negatives,
    known_candidates,
    negatives_held_out,
    query_in_known_clicks,
    query_in_support,
    query_in_two_splits,
)
from pipeline.settings.scenario.audit.tasks import (
    pools_of_one_user,
    repeated_clicks,
    too_small_tasks,
    wrong_pools,
)
from pipeline.settings.scenario.config import ScenarioConfig
from pipeline.settings.scenario.data import vectors_dir
from transforms import schema
from transforms.clicks.schema import (
    VECTORS_DIR,
    ScenarioDatasetInfo,
    load_scenario_info,
)
from transforms.schema import check_files


def audit_clicks(config: ScenarioConfig, dataset_dir: pathlib.Path) -> list[Finding]:
    """Looks for leaks in a data set of the scenario-specific setting.

    Meta-test is looked at for overlaps only; controls are scored on meta-validation.

    Args:
        config: The experiment.
        dataset_dir: The prepared data set.

    Returns:
        A finding a check.
    """
    info = load_scenario_info(dataset_dir)
    check_files(dataset_dir, info)
    known = load_known_clicks(dataset_dir, info)
    splits = {
        split: list(read_tasks(dataset_dir, split, info)) for split in schema.SPLITS
    }
    ids = {split: [t.scenario_id for t in tasks] for split, tasks in splits.items()}
    trained, validation = splits[schema.META_TRAIN], splits[schema.META_VALIDATION]
    queried = [*validation, *splits[schema.META_TEST]]
    pools = wrong_pools([*trained, *queried])
    findings = [
        tasks_overlap(ids),
        pools,
        too_small_tasks(trained, queried, info),
        repeated_clicks([*trained, *queried]),
        query_in_known_clicks(queried, known),
        query_in_support(trained, queried),
        query_in_two_splits(validation, splits[schema.META_TEST]),
        known_candidates(queried, known, _says_scenarios(info)),
        clicked_negatives(queried),
        clicked_support_negatives([*trained, *queried]),
        negatives_held_out([*trained, *queried], queried),
        *id_joins(info),
        time_of_pairs(info.options),
        incomplete_factors(dataset_dir / VECTORS_DIR, info),
    ]
    if info.has_user_tasks:  # What follows asks what is known of users.
        return [*findings, time_in_tasks(info)]
    findings.append(pools_of_one_user(queried, known))
    if pools.verdict == "ok":
        factors = _fitted_factors(config, dataset_dir, info)
        findings += controls(validation, known, factors)
    else:
        findings.append(Finding("controls", "note", "left out: the pools are wrong."))
    findings.append(scenario_protocol(info, config.training.query_size))
    return findings


def scenario_protocol(info: ScenarioDatasetInfo, query_size: int) -> Finding:
    """Says which published protocol the split is like, and where it is not.

    Args:
        info: What `dataset.json` says.
        query_size: Most clicks in the query set of a training episode.
    """
    episodes, split = info.options["episodes"], info.options["split"]
    support, low, high = (
        episodes[key] for key in ("support_size", "min_pool_size", "max_pool_size")
    )
    held_out = f"{split['held_out_fraction']:.0%} of pairs"
    if (test_from := split.get("test_from")) is not None:
        held_out = f"pairs from {test_from} on"
    compared = compare_protocols(
        [
            ("64 support clicks", 64, support),
            ("128 query clicks of a training episode", 128, query_size),
            ("pools of 100 to 1000 items", "100 to 1000", f"{low} to {high}"),
            (
                "a pair may be in meta-train and meta-test at once",
                "0%",
                f"{held_out} are held out",
            ),
            (
                "support clicks of users that have no query",
                "apart",
                "users may be in both",
            ),
        ]
    )
    return Finding(
        "protocol",
        "note",
        f"split by scenario as ScenarioMeta (s2Meta) and CMML do. {compared}",
    )


def _says_scenarios(info: ScenarioDatasetInfo) -> bool:
    clicks = [domain["clicks"] for domain in info.options["domains"]]
    return any(spec["scenario_column"] is not None for spec in clicks)


def _fitted_factors(
    config: ScenarioConfig, dataset_dir: pathlib.Path, info: ScenarioDatasetInfo
) -> Vectors | None:
    directory = vectors_dir(config, dataset_dir, info)
    return load_vectors(directory) if is_complete(directory, info) else None
