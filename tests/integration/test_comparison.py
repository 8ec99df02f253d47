"""Methods tuned, trained and compared by the command line, with what they cost.

That scenarios are compared too is among the golden values.
"""

import csv
import pathlib
import re

import pytest

ALL_FILES = {"report.md", "index.html", "main.csv"}


@pytest.fixture(autouse=True, scope="module")
def _measure_quickly():
    """Costs are measured here too, but not for seconds in processes of their own."""
    from pipeline.judging import cost

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(cost, "_MIN_SECONDS", 0.0)
        patch.setattr(cost, "_MIN_REPEATS", 1)
        patch.setattr("pipeline.steps.compare.CURVE_STEPS", (1,))
        patch.setattr("pipeline.steps.compare.in_own_process", _here)
        yield


def _here(measure, *arguments):
    return measure(*arguments)


@pytest.fixture(scope="module")
def arguments(experiment, tmp_path_factory):
    runs_dir = tmp_path_factory.mktemp("runs")
    return [
        *("compare", "--config", experiment.config_path, "--seeds", 1),
        *("--set", f"runs_dir={runs_dir}", "--set", "comparison.num_trials=1"),
        *("--set", "training.max_epochs=1"),
        *("--set", "comparison.options={dcn_f: {inner_steps: 2}}"),
        *("--set", "comparison.num_resamples=200"),
        *("--methods", "bias_ridge", "dcn", "dcn_f", "support_mean"),
    ]


@pytest.fixture(scope="module")
def first(cmml, arguments):
    done = cmml(*arguments)
    assert done.status == 0, done.stderr
    return done


@pytest.fixture(scope="module")
def folder(arguments):
    (runs_dir,) = [str(a) for a in arguments if str(a).startswith("runs_dir=")]
    return runs_dir.removeprefix("runs_dir=") + "/own"


def rows_of(path):
    with open(path, encoding="utf-8", newline="") as file:
        return {row["method"]: row for row in csv.DictReader(file)}


def test_every_method_is_a_row_with_its_quality_and_its_cost(first, folder):
    rows = rows_of(f"{folder}/compare/meta_test/main.csv")
    assert set(rows) == {"bias_ridge", "dcn", "dcn_f", "support_mean"}
    for row in rows.values():
        assert 0.0 < float(row["mae_mean"]) < 3.0
        assert float(row["adapt_ms"]) > 0.0
    assert rows["support_mean"]["flags"] == "constant within tasks"
    assert int(rows["dcn"]["num_parameters"]) > 0
    assert "support_mean" in first.stdout


def test_the_page_and_figures_are_there(first, folder, tmp_path):
    files = {p.name for p in pathlib.Path(folder, "compare", "meta_test").iterdir()}
    assert files >= ALL_FILES
    assert any(name.endswith(".svg") for name in files)


def test_a_method_that_shares_trainings_trains_nothing(first, folder):
    names = {path.name for path in pathlib.Path(folder, "methods").iterdir()}
    assert names == {"bias_ridge", "dcn", "support_mean"}


def test_the_same_again_trains_and_scores_nothing(first, cmml, arguments):
    again = cmml(*arguments)
    assert again.stdout == first.stdout
    assert "train: epoch" not in again.stderr
    assert "timing" not in again.stderr


@pytest.mark.parametrize(
    ("flags", "message"),
    [
        (["--methods", "melo"], "methods must be among .* got 'melo'"),
        (["--seeds", "0"], "--seeds must be at least 1, got 0"),
        (
            ["--set", "comparison.options={dcn: {num_cros: 3}}", "--methods", "dcn"],
            r"comparison.options.dcn: unknown key 'num_cros' .* mean 'num_cross'\?",
        ),
    ],
)
def test_what_cannot_be_compared_is_one_line(experiment, cmml, flags, message):
    done = cmml("compare", "--config", experiment.config_path, *flags)
    assert done.status == 2
    assert re.search(message, done.stderr.splitlines()[-1])
