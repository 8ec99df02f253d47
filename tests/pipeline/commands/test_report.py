import pathlib
import re
import shutil

import pytest
from page_reader import read

from pipeline.cli import USAGE_ERROR
from pipeline.experiment.run_dir import RunDir
from pipeline.judging.scores_file import read_scores
from pipeline.reports.run import more_scores
from pipeline.settings.registry import load_experiment, setting_of
from pipeline.steps.evaluate import evaluated_by

SECTIONS = ["next", "data", "training", "metrics", "groups", "worst", "calibration"]
SECTIONS += ["context", "modulation", "latency", "provenance"]


def copied(experiment, folder):
    """Copies the run, since a report writes to it."""
    run_dir = experiment.run_dir
    return shutil.copytree(run_dir, folder / run_dir.parent.name / run_dir.name)


def written(done):
    assert done.status == 0, done.stderr
    return pathlib.Path(done.stdout.strip())


@pytest.fixture(scope="module")
def user_page(experiment, cmml, tmp_path_factory):
    folder = tmp_path_factory.mktemp("users")
    copied(experiment, folder)
    flags = ("--config", experiment.config_path, "--set", f"runs_dir={folder}")
    return written(cmml("report", *flags, data_dir=folder))  # It needs no raw tables.


@pytest.fixture(scope="module")
def scenario_page(scenario_experiment, scenario_tables, cmml, tmp_path_factory):
    """The page of a run that has not been exported."""
    folder = tmp_path_factory.mktemp("scenarios")
    shutil.rmtree(copied(scenario_experiment, folder) / "export")
    flags = ("--config", scenario_experiment.config_path, "--set", f"runs_dir={folder}")
    return written(cmml("report", *flags, data_dir=scenario_tables))


@pytest.fixture(params=["user_page", "scenario_page"])
def page(request):
    return request.getfixturevalue(request.param)


def test_the_page_lies_in_the_run_and_has_every_section(page):
    assert page.parts[-2:] == ("report", "index.html")
    assert page.stat().st_size < 1_000_000
    text = page.read_text(encoding="utf-8")
    assert re.findall(r'<h2 id="([^"]*)"', text) == SECTIONS
    assert "://" not in text


def test_every_figure_says_what_to_look_for(page):
    text = page.read_text(encoding="utf-8")
    captions = re.findall(r"<figcaption>([^<]*)</figcaption>", text)
    assert len(captions) == text.count("<figure>") >= 7
    assert not [c for c in captions if "Look for" not in c and "Left:" not in c]


def test_users_are_told_what_was_read_and_refused(user_page):
    page = user_page.read_text(encoding="utf-8")
    text = read(page).text
    assert "4 rows were refused." in text
    assert '"source": "ratings.csv", "line": 724' in text
    for size in ("0", "1", "2-3", "4-7"):
        assert f'data-key="{size}">{size}</td>' in page


def test_scenarios_have_names_and_ranks(scenario_page):
    text = read(scenario_page.read_text(encoding="utf-8")).text
    assert "Where held-out clicks are ranked" in text
    assert re.search(
        r"values of pretrain *regularization=1\.0, alpha=\d\.0, pool_weight=", text
    )
    assert "scenario Theme" in text
    assert "chosen for ease without a pool" in text


def test_latency_takes_an_export(user_page, scenario_page):
    assert "run <code>cmml export</code>" in scenario_page.read_text(encoding="utf-8")
    rows = re.findall(
        r"<tr><td[^>]*>(\w+)</td><td[^>]*>here</td>(.*?)<td class=.number. data-key="
        r".[\d.]+.>\d+\.\d\d</td>",
        user_page.read_text(encoding="utf-8"),
    )
    assert {"encode", "rank", "recommend"} <= {signature for signature, _ in rows}
    assert len(rows) == len(set(rows))  # Requests alike are one row.


def test_every_baseline_is_asked_at_every_size(experiment, user_page):
    config = load_experiment(experiment.config_path)
    path = user_page.with_name("scores.parquet")
    scores = read_scores([path], experiment.dataset_dir)
    assert set(scores) == {"cmml", *config.evaluation.baselines}
    assert len({frozenset(groups) for groups in scores.values()}) == 1


def test_scores_are_made_once(experiment, user_page, monkeypatch):
    def fail(*_):
        raise AssertionError("scored again")

    monkeypatch.setattr(more_scores, "fit_simple", fail)
    run = RunDir(user_page.parents[1])
    config = load_experiment(experiment.config_path)
    setting = setting_of(config)
    (path,) = more_scores.more_scores(
        config,
        setting.load(config, experiment.dataset_dir),
        None,  # No model is needed.
        run,
        user_page.parent,
        evaluated=evaluated_by(config, experiment.dataset_dir),
    )
    assert path == user_page.parent / "scores.parquet"


@pytest.mark.parametrize("name", ["experiment", "scenario_experiment"])
def test_a_run_without_an_evaluation_is_refused(
    name, cmml, tmp_path, raw_dir, scenario_tables, request
):
    made = request.getfixturevalue(name)
    (copied(made, tmp_path) / "eval" / "scores.parquet").unlink()
    done = cmml(
        *("report", "--config", made.config_path, "--set", f"runs_dir={tmp_path}"),
        data_dir=raw_dir if name == "experiment" else scenario_tables,
    )
    assert done.status == USAGE_ERROR
    assert re.search("has not been evaluated .* run `cmml evaluate`", done.stderr)


def test_an_output_in_no_folder_is_refused(cmml):
    done = cmml("report", "--config", "any.yaml", "--output", "none/page.html")
    assert done.status == USAGE_ERROR
    assert "--output must be in a folder that exists, got 'none/page.html'" in (
        done.stderr
    )


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [400, 1200])
def test_a_browser_shows_the_page_without_complaint(chromium, page, scheme, width):
    chromium.prefer(prefers_color_scheme=scheme)
    chromium.open(page.as_uri(), width=width)
    assert chromium.evaluate("document.documentElement.scrollWidth") <= width
    assert chromium.complaints == []
    assert chromium.evaluate("performance.getEntriesByType('resource').length") == 0


def test_a_click_sorts_the_worst_tasks(chromium, user_page):
    chromium.open(user_page.as_uri())
    cells = (
        "[...document.querySelectorAll('#worst ~ .wide')[0].querySelectorAll("
        "'tbody tr')].map((row) => Number(row.cells[1].innerText))"
    )
    assert chromium.evaluate(cells) == sorted(chromium.evaluate(cells), reverse=True)
    chromium.click("#worst ~ .wide th:nth-child(2) button")
    assert chromium.evaluate(cells) == sorted(chromium.evaluate(cells))
    assert chromium.complaints == []
