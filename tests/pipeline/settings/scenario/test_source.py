import pathlib

import pytest
import yaml

from pipeline.settings.registry import load_experiment
from pipeline.settings.scenario.source import click_source

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
