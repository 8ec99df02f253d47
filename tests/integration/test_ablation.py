"""Variants of small experiments, trained and compared by the command line."""

import json
import shutil

import pytest
import yaml

from models.resumable_training import TrainingDivergedError

FEW = {"title": "Encoders", "rows": {"PE": {"model.encoder": "mean"}}}
GRID = {
    "name": "tiny",
    "tables": [
        FEW | {"rows": {**FEW["rows"], "SE": {}}, "columns": {"dot": {}}},
        {"title": "Modulations", "rows": {"FiLM": {}}},  # The run of SE with dot.
    ],
}


def write_grid(folder, **grid):
    path = folder / f"{grid['name']}.yaml"
    path.write_text(yaml.safe_dump(grid), encoding="utf-8")
    return path


@pytest.fixture(scope="module")
def runs_dir(experiment, tmp_path_factory):
    """A folder of runs, with the one of the experiment as it is."""
    runs_dir = tmp_path_factory.mktemp("runs")
    name = experiment.run_dir.name
    shutil.copytree(experiment.run_dir, runs_dir / "own" / name)
    return runs_dir


@pytest.fixture(scope="module")
def arguments(experiment, runs_dir):
    """The command line, given its seeds."""
    path = write_grid(runs_dir, **GRID)

    def build(*seeds, split="meta_validation", grid=path):
        return [
            *("ablate", "--config", experiment.config_path, "--grid", grid),
            *("--set", "tensorboard.insight_every=0", "--set", f"runs_dir={runs_dir}"),
            *("--split", split, "--seeds", *seeds),
        ]

    return build


@pytest.fixture(scope="module")
def interrupted(cmml, arguments):
    """One seed of all variants, interrupted when the second was to be trained."""
    from pipeline.steps.train import train

    names = []

    def train_one(config, dataset_dir):
        if names:
            raise KeyboardInterrupt
        run = train(config, dataset_dir)
        names.append(run.path.name)
        return run

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("pipeline.steps.ablate.train", train_one)
        assert cmml(*arguments(0)).stderr.endswith("cmml ablate: interrupted\n")
    return names[0]


@pytest.fixture(scope="module")
def first(interrupted, runs_dir, cmml, arguments):
    """The same again, to its end; and when files were written before."""
    assert not (runs_dir / "own" / "ablations").exists()
    before = modification_times(runs_dir)
    done = cmml(*arguments(0))
    assert done.status == 0, done.stderr
    return done, before


def modification_times(runs_dir):
    paths = runs_dir.glob("own/*/ablate/meta_validation.npz")
    return {path: path.stat().st_mtime_ns for path in paths}


def results_in(runs_dir, split, name="tiny", experiment="own"):
    folder = runs_dir / experiment / "ablations" / name / split
    return json.loads((folder / "results.json").read_text(encoding="utf-8"))


def row_of(text, name):
    (row,) = [line for line in text.splitlines() if line.startswith(f"| {name} ")]
    return [cell.strip() for cell in row.split("|")[2:-1]]


def test_every_variant_is_a_row_beside_the_references(first):
    text = first[0].stdout
    for title in ("# Ablation tiny on meta_validation", "## Encoders", "## Mod"):
        assert title in text
    for name in ("PE, dot", "SE, dot", "FiLM"):
        assert row_of(text, name)
    for name in ("*bias_ridge*", "*item_mean*"):
        assert text.count(f"\n| {name} ") == 2


def test_a_variant_that_stands_in_two_tables_is_one_run(first, runs_dir):
    text = first[0].stdout
    one, other = (row_of(text, name) for name in ("SE, dot", "FiLM"))
    del one[-5], other[-5]  # The difference to the first row of their own table.
    assert one == other
    assert len(modification_times(runs_dir)) == 2


def test_an_interrupted_ablation_goes_on_where_it_was(first, interrupted, runs_dir):
    done, before = first
    assert f"train: {runs_dir / 'own' / interrupted} is up to date" in done.stderr
    (scored,) = before
    assert scored.parents[1].name == interrupted
    assert modification_times(runs_dir)[scored] == before[scored]


def test_a_run_of_the_same_configuration_is_a_variant(first, experiment, runs_dir):
    run_dir = runs_dir / "own" / experiment.run_dir.name
    assert f"train: {run_dir} is up to date" in first[0].stderr


def test_results_are_kept_for_programs_and_people(first, runs_dir):
    folder = runs_dir / "own" / "ablations" / "tiny" / "meta_validation"
    text = first[0].stdout
    assert (folder / "tables.md").read_text(encoding="utf-8") == text[:-1]
    variants = results_in(runs_dir, "meta_validation")["variants"]
    film = variants["Modulations"]["FiLM"]
    assert film["num_parameters"] > 0
    assert (runs_dir / "own" / film["runs"][0] / "checkpoints" / "best").is_dir()


def test_another_seed_or_split_adds_to_what_is_there(first, cmml, arguments, runs_dir):
    before = modification_times(runs_dir)
    few = write_grid(runs_dir, name="few", tables=[FEW])
    done = cmml(*arguments(0, 1, split="meta_test", grid=few))
    assert done.status == 0, done.stderr
    assert "# Ablation few on meta_test" in done.stdout
    changes = f"--set tensorboard.insight_every=0 --set runs_dir={runs_dir}"
    assert f"Seeds: 0, 1. {changes}" in done.stdout
    variants = results_in(runs_dir, "meta_test", "few")["variants"]
    assert len(variants["Encoders"]["PE"]["runs"]) == 2
    # Neither trained nor scored again: the seed of before, on the split of before.
    assert cmml(*arguments(0)).stdout == first[0].stdout
    assert modification_times(runs_dir) == before


def test_scenarios_have_variants_too(
    scenario_experiment, scenario_tables, cmml, tmp_path
):
    run_dir = scenario_experiment.run_dir
    shutil.copytree(run_dir, tmp_path / "shop" / run_dir.name)
    grid = write_grid(
        tmp_path, name="one", tables=[{"title": "All", "rows": {"GRU": {}}}]
    )
    done = cmml(
        *("ablate", "--config", scenario_experiment.config_path, "--grid", grid),
        *("--seeds", 0, "--split", "meta_test", "--set", f"runs_dir={tmp_path}"),
        data_dir=scenario_tables,
    )
    assert done.status == 0, done.stderr
    results = results_in(tmp_path, "meta_test", "one", "shop")
    assert results["variants"]["All"]["GRU"]["runs"] == [run_dir.name]
    recall = results["variants"]["All"]["GRU"]["metrics"]["recall@20"]["mean"]
    path = scenario_experiment.run_dir / "eval" / "metrics.json"
    evaluated = json.loads(path.read_text("utf-8"))["cmml"]["scenario_mean"]
    assert recall == pytest.approx(evaluated["recall@20"]["mean"], abs=1e-5)


def test_a_training_that_breaks_off_is_a_row_that_says_so(
    experiment, cmml, monkeypatch, tmp_path
):
    def train(config, dataset_dir):
        raise TrainingDivergedError("val_mae must be finite, got nan after epoch 1")

    monkeypatch.setattr("pipeline.steps.ablate.train", train)
    path = write_grid(tmp_path, name="few", tables=[FEW])
    done = cmml(
        *("ablate", "--config", experiment.config_path, "--grid", path, "--seeds", 0),
        *("--set", f"runs_dir={tmp_path}"),
    )
    assert row_of(done.stdout, "PE")[0] == "failed"
    assert "\nPE failed: seed 0: val_mae must be finite" in done.stdout
    assert done.stderr.splitlines()[-1].endswith("ablations/few/meta_validation")


def test_a_grid_with_a_variant_that_cannot_be_trains_nothing(
    experiment, cmml, tmp_path
):
    tables = [{"title": "Routes", "rows": {"odd": {"model.route_axis": "source"}}}]
    path = write_grid(tmp_path, name="odd", tables=tables)
    done = cmml("ablate", "--config", experiment.config_path, "--grid", path)
    assert done.status == 2
    (line,) = done.stderr.splitlines()
    assert line.startswith("cmml ablate: variant 'Routes: odd': ")
    assert "route_axis = 'source' goes with modulation 'soft' only" in line
