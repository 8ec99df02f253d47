"""What a prepared data set of scenarios holds, and the groups its pairs fall into."""

import pathlib
from collections.abc import Sequence

import numpy as np

from models.episodes.click_records import ScenarioTask
from models.factors.vector_files import VECTORS_JSON
from models.whole_files import read_json
from pipeline.settings.data_facts import (
    Counts,
    DataFacts,
    PairGroup,
    SplitFacts,
    rejected_examples,
)
from pipeline.settings.scenario.data import ScenarioData
from pipeline.settings.scenario.groups import domain_of
from transforms import schema
from transforms.clicks.schema import ScenarioDatasetInfo


def scenario_facts(dataset: ScenarioData) -> DataFacts:
    """Returns what a data set with scenarios as tasks holds.

    Users and items count with their known clicks, in scenarios or not.
    """
    info, known = dataset.info, dataset.known
    item_counts = np.bincount(known.item, minlength=info.num_items + 1)
    waiting = "held-out clicks"
    if info.has_user_tasks:  # Of other users than those of meta-train all there are.
        waiting = "clicks that wait for the training on all clicks"
    splits = [
        _scenario_split(name, dataset.tasks(name), item_counts, info)
        for name in schema.SPLITS
        if info.num_tasks.get(name)
    ]
    return DataFacts(
        info=info,
        sizes={
            "users": info.num_users,
            "items": info.num_items,
            "known clicks": info.num_known,
            waiting: info.num_held_out,
            "tasks" if info.has_user_tasks else "scenarios": sum(
                info.num_tasks.values()
            ),
        },
        examples=list(rejected_examples(dataset.directory)),
        user_counts=np.bincount(known.user, minlength=info.num_users + 1),
        item_counts=item_counts,
        splits=splits,
        chosen=chosen_values(dataset.vectors_dir) if dataset.vectors_dir else {},
    )


def chosen_values(directory: pathlib.Path) -> dict[str, object]:
    """Returns what was chosen of the values that factors can be searched for by."""
    facts = read_json(directory / VECTORS_JSON)
    chosen = facts["chosen"]
    return {key: chosen[key] for key in facts["trials"][0] if key in chosen}


def _scenario_split(
    name: str,
    tasks: Sequence[ScenarioTask],
    item_counts: Counts,
    info: ScenarioDatasetInfo,
) -> SplitFacts:
    pools = [] if info.has_user_tasks else [task.pool.size for task in tasks]
    query_item = np.concatenate([task.query_item for task in tasks])
    return SplitFacts(
        split=name,
        support_sizes=np.array([task.support_item.size for task in tasks]),
        query_sizes=np.array([task.query_item.size for task in tasks]),
        num_query_pairs=int(query_item.size),
        num_new_item_pairs=int((item_counts[query_item] == 0).sum()),
        labels={},
        pool_sizes=np.array(pools, np.int64),
    )


def domain_groups(data: ScenarioData, task_ids: Sequence[str]) -> list[PairGroup]:
    """Returns a group for each domain of a hybrid data set.

    Args:
        data: The data set; a single domain makes no group.
        task_ids: With the domain before a colon.
    """
    domains = [domain.name for domain in data.info.domains]
    if len(domains) < 2:
        return []
    own = np.array([domain_of(task_id) for task_id in task_ids])
    return [PairGroup("domain", domain, "task", own == domain) for domain in domains]
