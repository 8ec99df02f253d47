import csv
import dataclasses
import pathlib
import runpy

import pytest

from pipeline.reports.search.tuning_report import write_report
from pipeline.settings.registry import load_experiment
from transforms.schema import DataError
from tuning.results import write_search
from tuning.trial_result import write_result

HERE = pathlib.Path(__file__).parent
CONFIG = HERE.parents[3] / "configs" / "movielens_small.yaml"
SEARCH = runpy.run_path(str(HERE / "conftest.py"))


@pytest.fixture(scope="module")
def search_dir(tmp_path_factory):
    """A search of 18 trials and one that failed, as `cmml tune` leaves it."""
    folder = tmp_path_factory.mktemp("search")
    results = SEARCH["results"].__wrapped__()
    write_search(folder, results)
    for trial in results.trials:
        if trial.status != "invalid":
            write_result(folder / "trials" / trial.trial_id, trial)
    return folder


@pytest.fixture(scope="module")
def page(search_dir):
    return write_report(search_dir, CONFIG, ["training.max_epochs=9"])


def test_the_files_lie_in_the_folder_of_the_search(search_dir, page):
    assert page == search_dir / "report.html"
    files = {path.name for path in search_dir.iterdir() if path.is_file()}
    assert files == {
        "best.yaml",
        "report.html",
        "search.json",
        "trials.csv",
        "trials.md",
    }
    assert page.stat().st_size < 1_000_000


def test_the_best_trial_is_an_experiment(search_dir, page):
    best = load_experiment(search_dir / "best.yaml")
    assert best == load_experiment(
        CONFIG,
        ["training.max_epochs=9"],
        {
            "model.dropout": 0.25,
            "model.encoder": "gru",
            "model.modulation": "soft",
            "model.num_modules": 4,
            "training.learning_rate": 0.01,
            "training.seed": 3,
        },
    )
    assert f"cmml run --config {search_dir / 'best.yaml'}" in page.read_text()


def test_every_trial_is_in_the_tables(search_dir, page):
    with (search_dir / "trials.csv").open() as file:
        rows = list(csv.DictReader(file))
    assert len(rows) == 19
    assert rows[0]["trial"] == "0008"
    assert (search_dir / "trials.md").read_text().count("completed") == 18


def test_the_page_says_what_comes_next(page):
    text = page.read_text()
    assert "at its best in its last epoch (9) with 1 of 2 seeds" in text
    assert "training.learning_rate: the best value, 0.01, is the highest" in text


def test_a_search_without_a_completed_trial_has_no_report(tmp_path, search_dir, page):
    with pytest.raises(DataError, match="holds no search"):
        write_report(tmp_path, CONFIG, [])


def test_the_same_search_makes_the_same_page(search_dir, page):
    before = page.read_bytes()
    write_report(search_dir, CONFIG, ["training.max_epochs=9"])
    assert page.read_bytes() == before


def first_cells(chromium, column):
    return chromium.evaluate(
        "[...document.querySelectorAll('#trials ~ .wide tbody tr')].map("
        f"(row) => row.cells[{column}].innerText)"
    )


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [400, 1200])
def test_a_browser_shows_the_page_without_complaint(chromium, page, scheme, width):
    chromium.prefer(prefers_color_scheme=scheme)
    chromium.open(page.as_uri(), width=width)
    content = chromium.evaluate("document.documentElement.scrollWidth")
    assert content <= width
    assert chromium.complaints == []
    assert chromium.evaluate("performance.getEntriesByType('resource').length") == 0


def test_a_click_sorts_the_trials(chromium, page):
    chromium.open(page.as_uri())
    assert first_cells(chromium, 0)[:2] == ["0008", "0005"]
    head = "#trials ~ .wide th:nth-child({}) button"
    chromium.click(head.format(1))
    assert first_cells(chromium, 0)[:3] == ["0000", "0001", "0002"]
    chromium.click(head.format(1))
    assert first_cells(chromium, 0)[0] == "0018"
    chromium.click(head.format(3))
    numbers = first_cells(chromium, 2)
    assert numbers[-1] == "-"  # What is missing stays last.
    assert [float(n) for n in numbers[:-1]] == sorted(float(n) for n in numbers[:-1])
    chromium.click(head.format(3))
    assert first_cells(chromium, 2)[-1] == "-"
    assert chromium.complaints == []


def test_what_hyperband_shortened_is_trained_as_long_as_the_experiment(
    search_dir, tmp_path
):
    results = SEARCH["results"].__wrapped__()
    write_search(tmp_path, dataclasses.replace(results, algorithm="hyperband"))
    for number, trial in enumerate(results.best_first()):
        values = {**trial.values, "training.max_epochs": 3 if number % 2 else 9}
        trial = dataclasses.replace(trial, values=values)
        write_result(tmp_path / "trials" / trial.trial_id, trial)
    write_report(tmp_path, CONFIG, [])
    best, own = load_experiment(tmp_path / "best.yaml"), load_experiment(CONFIG)
    assert best.training.max_epochs == own.training.max_epochs
    assert "training.max_epochs" in (tmp_path / "trials.csv").read_text()
