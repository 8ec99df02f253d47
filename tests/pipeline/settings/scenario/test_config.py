import pathlib

import pytest

from pipeline.experiment.config_file import ConfigError
from pipeline.experiment.config_section import ExportConfig
from pipeline.settings.registry import load_experiment
from pipeline.settings.scenario.data_config import DomainConfig, ScenarioDataConfig
from pipeline.settings.scenario.experiment import ScenarioExperiment
from pipeline.settings.scenario.source import dataset_spec
from transforms.clicks.schema import ClickSpec
from transforms.table_spec import TableSpec

CONFIGS = pathlib.Path(__file__).parents[4] / "configs"


def test_the_template_for_own_clicks_shows_the_defaults():
    config = load_experiment(CONFIGS / "own_clicks.yaml")
    clicks = ClickSpec(TableSpec("clicks.csv"), scenario_column="theme")
    shop = DomainConfig(source="table", clicks=clicks)
    data = ScenarioDataConfig(domains={"shop": shop})
    plain = ScenarioExperiment(
        setting="scenario",
        name="own_clicks",
        data=data.model_copy(update={"domains": config.data.domains}),
        export=ExportConfig(model_name="own_clicks"),
    )
    assert config == plain


@pytest.mark.parametrize(
    ("path", "names"),
    [
        ("lastfm_scenario", [""]),
        ("citeulike_scenario", [""]),
        ("taobao_scenario", [""]),
        ("own_clicks", [""]),
        ("hybrid_scenario", ["lastfm", "citeulike"]),
    ],
)
def test_a_domain_has_its_name_before_ids_only_where_there_are_several(path, names):
    config = load_experiment(CONFIGS / f"{path}.yaml")
    domains = dataset_spec(config.data, ".").domains
    assert [domain.name for domain in domains] == names


def test_a_key_of_a_domain_that_is_mistyped_is_named():
    path = CONFIGS / "own_clicks.yaml"
    message = r"unknown key 'data.domains.shop.clicks.usr_column' .* 'user_column'\?"
    with pytest.raises(ConfigError, match=message):
        load_experiment(path, ["data.domains.shop.clicks.usr_column=buyer"])
    with pytest.raises(ConfigError, match=r"'data.domains.shop.pool' .* 'pools'\?"):
        load_experiment(path, ["data.domains.shop.pool=1"])


def test_more_negatives_than_are_stored_are_refused():
    message = "training.query_negatives must be at most data.episodes.num_negatives, 4"
    with pytest.raises(ConfigError, match=message):
        load_experiment(CONFIGS / "own_clicks.yaml", ["training.query_negatives=9"])


@pytest.mark.parametrize(
    ("override", "message"),
    [
        (
            "vectors.alpha=10",
            r"'vectors.alpha' must be a list of numbers, .*: write \[10",
        ),
        ("vectors.alpha=[]", r"'vectors.alpha' must have at least 1 element, got \[\]"),
        ("vectors.count_weight=[0, .inf]", r"count_weight\.1' must be a finite number"),
        ("vectors.item_l2=[.inf]", r"'vectors\.item_l2\.0' must be a finite .*inf"),
        ("vectors.alpha=[0]", r"yaml: key 'vectors.alpha.0' must be above 0, got 0\.$"),
        (
            "evaluation.baselines=[popularty]",
            r"'evaluation.baselines.0' must be .*; did you mean 'popularity'\?",
        ),
        (
            "push.baselines=[bias_ridge]",
            r"yaml: push.baselines must be among item_pop, .*, got 'bias_ridge'\.$",
        ),
        (
            "comparison.methods=[cmml,cmml_paper]",
            r"\.methods must be .*, got 'cmml_paper'; did you mean 'cmml_plain'\?$",
        ),
        ("data.domains.shop=c.csv", r"a section with the keys source, .* 'c.csv'\.$"),
        ("data.domains={}", r"'data.domains' must have at least 1 element, got \{\}"),
    ],
)
def test_an_illegal_value_is_named_with_its_key(override, message):
    with pytest.raises(ConfigError, match=message):
        load_experiment(CONFIGS / "own_clicks.yaml", [override])


@pytest.mark.parametrize(
    ("key", "message"),
    [
        (
            "data.domains.shop.clicks.time_column=day",
            r"clicks.time_column 'day' of domain 'shop' goes with split.test_from, got "
            r"none: leave the column out, or give data.split.test_from\.",
        ),
        (
            "data.split.test_from=2001-02-03",
            r"needs clicks.time_column, got none",
        ),
    ],
)
def test_a_column_of_the_time_and_a_split_by_it_go_together(key, message):
    with pytest.raises(ConfigError, match=message):
        load_experiment(CONFIGS / "own_clicks.yaml", [key])


def test_a_known_layout_without_times_is_not_split_by_them():
    message = "test_from 9.0 needs times: domain 'lastfm' is of source 'lastfm'"
    with pytest.raises(ConfigError, match=message):
        load_experiment(CONFIGS / "lastfm_scenario.yaml", ["data.split.test_from=9"])


@pytest.mark.parametrize(
    ("override", "message"),
    [
        ("evaluation.baselines=[ease]", "evaluation.baselines must .*, got 'ease'"),
        ("push.baselines=[dot_product]", "push.baselines must .*, got 'dot_product'"),
        ("comparison.methods=[cmml,ease]", "comparison.methods must .*, got 'ease'"),
        ("comparison.max_seeds={item_knn: 1}", "max_seeds must .*, got 'item_knn'"),
    ],
)
def test_methods_that_know_no_new_user_are_refused_where_users_are_tasks(
    override, message
):
    load_experiment(CONFIGS / "lastfm_scenario.yaml", [override])
    with pytest.raises(ConfigError, match=message) as raised:
        load_experiment(CONFIGS / "lastfm_users.yaml", [override])
    assert "where data.task is 'user'" in str(raised.value)
    assert "\n" not in str(raised.value)


def test_an_unknown_baseline_is_told_of_those_that_may_be_named():
    override = "evaluation.baselines=[item_knm]"
    with pytest.raises(ConfigError) as raised:
        load_experiment(CONFIGS / "lastfm_users.yaml", [override])
    assert "item_knn" not in str(raised.value)
    assert "among popularity, ease_click, click_knn, click_mean where" in str(
        raised.value
    )


def test_those_that_do_are_the_baselines_where_users_are_tasks():
    config = load_experiment(CONFIGS / "lastfm_scenario.yaml", ["data.task=user"])
    assert config.evaluation.baselines == config.baseline_names
    assert "ease" not in config.baseline_names


@pytest.mark.parametrize(
    ("key", "message"),
    [
        ("data.domains.shop.clicks.time_column=day", r"episodes.order 'time', got no"),
        ("data.episodes.order=time", r"order 'time' needs clicks.time_column, got no"),
        ("data.split.test_from=9", r"test_from 9.0 needs clicks.time_column, got none"),
    ],
)
def test_an_order_of_users_clicks_and_a_column_of_the_time_go_together(key, message):
    with pytest.raises(ConfigError, match=message):
        load_experiment(CONFIGS / "own_user_clicks.yaml", [key])


@pytest.mark.parametrize(("open_fraction", "decides"), [(0.5, False), (1.0, True)])
def test_users_of_the_catalogue_decide_the_weights_if_epochs_are_judged_by_them(
    open_fraction, decides
):
    first, second = (
        load_experiment(
            CONFIGS / "own_clicks.yaml",
            [
                f"training.open_fraction={open_fraction}",
                f"evaluation.catalogue_users={number}",
            ],
        )
        for number in (20, "null")
    )
    assert (first.weight_sections != second.weight_sections) == decides


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (
            {"items": {"table": {"path": "a.csv"}}, "item_names": {"table": {}}},
            "path",
        ),
        ({"items": {"id_column": "a"}}, "`items` needs a `table`"),
        (
            {"item_names": {"table": {"path": "a.csv"}}},
            "`items` goes in place of `item_names`",
        ),
        ({"items": {"table": {"path": "a"}, "featres": []}}, "unknown key .*featres"),
    ],
)
def test_one_table_tells_of_items(change, message):
    path = CONFIGS / "own_user_clicks.yaml"
    changes = {f"data.domains.shop.{key}": value for key, value in change.items()}
    with pytest.raises(ConfigError, match=message):
        load_experiment(path, changes=changes)


def test_items_go_with_tables_of_ones_own():
    items = {"table": {"path": "a.csv"}}
    with pytest.raises(ConfigError, match="items go with source 'table' only"):
        load_experiment(
            CONFIGS / "lastfm_users.yaml", changes={"data.domains.lastfm.items": items}
        )
