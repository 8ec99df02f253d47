"""Variants of the small experiment, trained and compared by the command line."""

import json

import pytest
import yaml

GRID = {
    "name": "tiny",
    "set": {"training.max_epochs": 2},
    "tables": [
        {
            "title": "Encoders",
            "rows": {"PE": {"model.encoder": "mean"}, "SE": {}},
            "columns": {"dot": {}},
        },
        {"title": "Modulations", "rows": {"FiLM": {}}},  # The run of SE with dot.
    ],
}


@pytest.fixture(scope="module")
def grid_path(tmp_path_factory):
    path = tmp_path_factory.mktemp("grid") / "grid.yaml"
    path.write_text(yaml.safe_dump(GRID), encoding="utf-8")
    return path


@pytest.fixture(scope="module")
def arguments(experiment, grid_path):
    """The command line, given where its runs are to be."""

    def build(runs_dir, *seeds, split="meta_validation"):
        return [
            *("ablate", "--config", experiment.config_path, "--grid", grid_path),
            *("--set", "tensorboard.insight_every=0", "--set", f"runs_dir={runs_dir}"),
            *("--split", split, "--seeds", *seeds),
        ]

    return build


@pytest.fixture(scope="module")
def runs_dir(tmp_path_factory):
    return tmp_path_factory.mktemp("runs")


@pytest.fixture(scope="module")
def first(cmml, arguments, runs_dir):
    """One seed of all variants."""
    done = cmml(*arguments(runs_dir, 0))
    assert done.status == 0, done.stderr
    return done


def results_in(runs_dir, split="meta_validation"):
    path = runs_dir / "own" / "ablations" / "tiny" / split / "results.json"
    return json.loads(path.read_text(encoding="utf-8"))


def row_of(text, name):
    (row,) = [line for line in text.splitlines() if line.startswith(f"| {name} ")]
    return [cell.strip() for cell in row.split("|")[2:-1]]


def test_every_variant_is_a_row_beside_the_references(first):
    for title in ("# Ablation tiny on meta_validation", "## Encoders", "## Mod"):
        assert title in first.stdout
    for name in ("PE, dot", "SE, dot", "FiLM"):
        assert row_of(first.stdout, name)
    for name in ("*bias_ridge*", "*item_mean*"):
        assert first.stdout.count(f"\n| {name} ") == 2


def test_a_variant_that_stands_in_two_tables_is_one_run(first, runs_dir):
    one, other = (row_of(first.stdout, name) for name in ("SE, dot", "FiLM"))
    del one[4], other[4]  # The difference to the first row of their own table.
    assert one == other
    assert len(list(runs_dir.glob("own/*/ablate/meta_validation.npz"))) == 2


def test_results_are_kept_for_programs_and_people(first, runs_dir):
    folder = runs_dir / "own" / "ablations" / "tiny" / "meta_validation"
    assert (folder / "tables.md").read_text(encoding="utf-8") == first.stdout[:-1]
    film = results_in(runs_dir)["variants"]["Modulations"]["FiLM"]
    assert film["num_parameters"] > 0
    assert (runs_dir / "own" / film["runs"][0] / "checkpoints" / "best").is_dir()


def test_another_seed_or_split_adds_to_what_is_there(first, cmml, arguments, runs_dir):
    def modification_times():
        paths = runs_dir.glob("own/*/ablate/meta_validation.npz")
        return {path: path.stat().st_mtime_ns for path in paths}

    before = modification_times()
    done = cmml(*arguments(runs_dir, 0, 1, split="meta_test"))
    assert "# Ablation tiny on meta_test" in done.stdout
    assert done.status == 0
    assert "Seeds: 0, 1. --set tensorboard.insight_every=0 --set " in done.stdout
    assert len(results_in(runs_dir, "meta_test")["variants"]["Encoders"]) == 2
    # Neither trained nor scored again: the seed of before, on the split of before.
    assert cmml(*arguments(runs_dir, 0)).stdout == first.stdout
    assert modification_times() == before


def test_a_killed_ablation_goes_on_where_it_was(
    first, cmml, arguments, kill_when, runs_dir, tmp_path
):
    def is_one_scored():
        lineages = tmp_path.glob("own/*/lineage.json")
        return any("ablate" in path.read_text("utf-8") for path in lineages)

    def scored():
        paths = tmp_path.glob("own/*/ablate/meta_validation.npz")
        return {path: path.stat().st_mtime_ns for path in paths}

    kill_when(is_one_scored, *arguments(tmp_path, 0))
    (done,) = before = scored()
    assert not list(tmp_path.glob("own/ablations"))
    again = cmml(*arguments(tmp_path, 0))
    assert f"train: {done.parents[1]} is up to date" in again.stderr
    assert scored()[done] == before[done]
    assert len(scored()) == 2

    def figures(folder):
        return {
            name: {k: v for k, v in one.items() if k not in ("tasks_per_s", "runs")}
            for name, one in results_in(folder)["variants"]["Encoders"].items()
        }

    for name, expected in figures(runs_dir).items():
        found = figures(tmp_path)[name]
        assert found["mae"] == pytest.approx(expected["mae"], abs=1e-5)
        assert found["num_parameters"] == expected["num_parameters"]


def test_a_training_that_breaks_off_is_a_row_that_says_so(experiment, cmml, tmp_path):
    tables = [{"title": "Rates", "rows": {"fast": {"training.learning_rate": 1.0e30}}}]
    path = tmp_path / "grid.yaml"
    path.write_text(yaml.safe_dump({"name": "fast", "tables": tables}))
    done = cmml(
        *("ablate", "--config", experiment.config_path, "--grid", path, "--seeds", 0),
        *("--set", f"runs_dir={tmp_path}"),
    )
    failure = "failed: seed 0: val_mae must be finite"
    assert failure in row_of(done.stdout, "fast")[0]


def test_a_grid_with_a_variant_that_cannot_be_trains_nothing(
    experiment, cmml, tmp_path
):
    tables = [{"title": "Routes", "rows": {"odd": {"model.route_axis": "source"}}}]
    path = tmp_path / "grid.yaml"
    path.write_text(yaml.safe_dump({"name": "odd", "tables": tables}))
    done = cmml("ablate", "--config", experiment.config_path, "--grid", path)
    assert done.status == 2
    (line,) = done.stderr.splitlines()
    assert line.startswith("cmml ablate: variant 'Routes: odd': ")
    assert "route_axis = 'source' goes with modulation 'soft' only" in line
