import pathlib

import pytest
import yaml

from pipeline.settings.registry import load_experiment
from pipeline.settings.scenario.source import click_source, describe_small_pools
from transforms.clicks.catalogue import TaskSummary, build_statistics
from transforms.entities.entity_table import build_entity_table
from transforms.entities.value_counts import EntityValues
from transforms.writing.statistics import proto_file

CONFIGS = pathlib.Path(__file__).parents[4] / "configs"


@pytest.fixture
def raw(tmp_path, monkeypatch):
    """The folder of raw tables, still without any."""
    monkeypatch.setenv("CMML_DATA_DIR", str(tmp_path))
    return tmp_path


def own_source(folder, *domains):
    shop = {"source": "table", "clicks": {"table": {"path": "c.csv"}}}
    shop["clicks"]["scenario_column"] = "theme"
    content = {
        "setting": "scenario",
        "name": "own",
        "data": {"domains": dict.fromkeys(domains, shop)},
    }
    path = folder / "own.yaml"
    path.write_text(yaml.safe_dump(content, sort_keys=False))
    return click_source(load_experiment(path))


@pytest.mark.parametrize("domains", [("shop",), ("shop", "library")])
def test_a_missing_column_is_named_with_its_key_as_it_stands_in_the_file(raw, domains):
    (raw / "c.csv").write_text("user_id,item_id,tema\n")
    key = r"\(data\.domains\.shop\.clicks\.scenario_column\)"
    with pytest.raises(ValueError, match=rf"no column 'theme' {key}"):
        own_source(raw, *domains).validate()


@pytest.mark.parametrize("domains", [("shop",), ("shop", "library")])
def test_a_missing_table_is_named_with_its_key_as_it_stands_in_the_file(raw, domains):
    key = r"^data\.domains\.shop\.clicks\.table\.path must name a file"
    with pytest.raises(ValueError, match=key):
        own_source(raw, *domains).validate()


def test_no_key_is_made_up_for_a_known_layout(raw):
    config = load_experiment(CONFIGS / "hybrid_scenario.yaml")
    assert {used.prefix for used in click_source(config).tables} == {""}


@pytest.fixture
def describe(tmp_path):
    """Says what the statistics of pools of a split come to."""

    def describe_pools(split, *sizes):
        tasks = [
            TaskSummary(f"s{n}", split, size, 9, 9) for n, size in enumerate(sizes)
        ]
        items = build_entity_table([], 0, EntityValues([], []))  # Without features.
        content = proto_file(build_statistics(tasks, items))
        (tmp_path / "statistics.pbtxt").write_bytes(content)
        return describe_small_pools(tmp_path)

    return describe_pools


def test_a_few_small_pools_are_said_with_the_key_that_leaves_them_out(describe):
    assert describe("meta_test", 40, 20, 30) == [
        "prepare: meta_test: pools have 20 to 40 items; where a user has at most 20 "
        "candidates, recall@20, which decides, does not count, but recall@5, "
        "recall@10, ndcg and mrr do: data.episodes.min_pool_size: 21 leaves such pools "
        "out"
    ]


def test_where_all_pools_are_small_no_key_is_made_up(describe):
    (sentence,) = describe("meta_validation", 9, 6)
    assert "6 to 9 items" in sentence
    assert "but recall@5, ndcg and mrr do: no key changes what decides" in sentence


@pytest.mark.parametrize("split", ["meta_validation", "meta_test"])
def test_nothing_is_said_of_larger_pools(describe, split):
    assert describe(split, 21, 99) == []


def test_nothing_is_said_of_what_is_only_trained_on(describe):
    assert describe("meta_train", 5) == []
