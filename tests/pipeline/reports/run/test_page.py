import dataclasses
import pathlib

import numpy as np
import pytest
from matplotlib.figure import Figure
from page_reader import read

from models.options import CMMLOptions
from pipeline.insight.contexts import TaskContexts
from pipeline.reports.page import svg
from pipeline.reports.run.latency import Latency
from pipeline.reports.run.page import RunReport, run_page
from pipeline.reports.run.provenance import Provenance
from pipeline.settings.scenario.setting import SCENARIO
from pipeline.settings.user.setting import USER

EVIL = "<script>alert(1)</script>$a$"
RNG = np.random.default_rng(0)
CONTEXTS = TaskContexts(
    [f"u{n}" for n in range(40)],
    RNG.normal(size=(40, 6)).astype(np.float32),
    {"taste": [f"{EVIL} {n % 2}" for n in range(40)]},
)
MODULATIONS = {
    f"u{n}": {"scale_0": RNG.normal(1.0, 0.1, 8), "shift_0": RNG.normal(0.0, 0.1, 8)}
    for n in range(40)
}


def epochs_of(metric):
    line = {"best_epoch": 2, f"best_val_{metric}": 0.5, "tasks_per_s": 1234.0}
    return [
        {"epoch": n, metric: 1.0 / n, f"val_{metric}": 1.0 / n} | line for n in (1, 2)
    ]


@pytest.fixture(scope="module")
def make_report(make_findings):
    """Makes the report of a run whose names are all hostile."""

    def make(scores):
        (main,) = scores["cmml"]
        metric = (USER if main == "cold" else SCENARIO).metrics[0]
        return RunReport(
            name=EVIL,
            description=EVIL,
            model=CMMLOptions(),
            findings=make_findings(scores, course=epochs_of(metric.name)),
            groups={main: EVIL},
            metrics=[metric],
            task_names={"u3": EVIL},
            contexts=CONTEXTS,
            modulations=MODULATIONS,
            latency=[Latency(EVIL, "rank", 1, 3, None, 1.5, 2.5)],
            version=pathlib.Path("export/17"),
            provenance=Provenance({"run": EVIL}, f"a: {EVIL}", [f"cmml {EVIL}"]),
        )

    return make


@pytest.fixture(scope="module")
def report(rated, make_report, spread):
    """Of ratings."""
    return make_report(
        {
            "cmml": {"cold": rated(0.5 + spread, 8)},
            EVIL: {"cold": rated(0.6 + spread, 8)},
        }
    )


@pytest.fixture(scope="module")
def report_of_clicks(clicked, make_report):
    return make_report(
        {
            "cmml": {"scenario_mean": clicked(4, 8)},
            EVIL: {"scenario_mean": clicked(3, 8)},
        }
    )


@pytest.fixture(scope="module")
def page(report):
    return run_page(report)


@pytest.fixture(scope="module")
def page_of_clicks(report_of_clicks):
    return run_page(report_of_clicks)


@pytest.fixture
def text_of(page, monkeypatch):
    """Returns what a report says outside of figures, which take long to be drawn."""
    monkeypatch.setattr(svg, "lay_out", lambda figure: None)
    monkeypatch.setattr(Figure, "savefig", lambda _, file, **look: file.write("<svg/>"))
    return lambda report: read(run_page(report)).text


@pytest.mark.parametrize("fixture", ["page", "page_of_clicks"])
def test_a_page_stands_alone_and_escapes_what_it_shows(request, fixture):
    page = request.getfixturevalue(fixture)
    reader = read(page)
    assert "://" not in page
    assert len(reader.ids) == len(set(reader.ids))
    targets = {one[1:] for one in reader.references if not one.startswith("data:")}
    assert targets <= set(reader.ids)
    assert reader.tags.count("script") == 1
    assert reader.text.count(EVIL) > 20


def test_more_clicks_found_are_a_gain_on_the_page(page_of_clicks):
    text = read(page_of_clicks).text
    # 4 of 5 clicks are among the first 20, of the baseline 3.
    assert "cmml has 0.8000 [0.800, 0.800]" in text
    assert "By recall@20 cmml is better beyond chance (Holm p < 0.001): " in text
    assert "difference +0.2000" in text
    assert "Is it good? Overall better: beside the best baseline" in text


def test_the_figures_of_the_run_are_there(page):
    text = read(page).text
    gap = "-0.1000 [-0.1000, -0.1000]"
    for figure in (gap, "1,234 tasks per second", "Epoch 2 of 2", "Version 17", "1.50"):
        assert figure in text


def test_errors_have_one_sign(page):
    text = read(page).text
    assert text.count("prediction less label") == 2  # Axes of two figures.
    assert "label less prediction" not in text


def test_the_training_says_what_can_be_compared(report, page, text_of):
    text = read(page).text
    assert "which mae of both tells" in text
    assert "with dropout" not in text  # Fixed embeddings: nothing is dropped.
    learned = dataclasses.replace(report, model=CMMLOptions(embeddings="learned"))
    assert "with dropout and with fewer" in text_of(learned)


def test_a_training_without_a_metric_of_both_splits_says_so(report_of_clicks, text_of):
    found = report_of_clicks.findings
    course = [
        {name: value for name, value in line.items() if name != "recall@20"}
        for line in found.training.course
    ]
    training = dataclasses.replace(found.training, course=course)
    findings = dataclasses.replace(found, training=training)
    text = text_of(dataclasses.replace(report_of_clicks, findings=findings))
    assert "No metric is measured on meta-train and meta-validation both" in text


def labelled(report, labels):
    contexts = dataclasses.replace(CONTEXTS, labels=labels)
    return dataclasses.replace(report, contexts=contexts)


def test_contexts_without_labels_have_no_table(report, page, text_of):
    table = "times chance"
    assert table in read(page).text
    text = text_of(labelled(report, {"support_size": [8.0] * 40}))
    assert "nothing to cluster by" in text
    assert table not in text


def test_neighbours_are_of_the_same_task_by_scenario_alone(report, text_of):
    halves = [f"{n % 2}" for n in range(40)]
    by_taste = text_of(labelled(report, {"taste": halves}))
    assert "Neighbours are of other tasks. Silhouette" in by_taste
    by_scenario = text_of(labelled(report, {"scenario": halves}))
    assert "other tasks, but by scenario: its contexts are of one task." in by_scenario


def test_what_is_not_there_is_said(report, page):
    few = TaskContexts(["u0"], CONTEXTS.contexts[:1], {"taste": ["a"]})
    bare = dataclasses.replace(
        report, contexts=few, modulations={}, latency=[], version=None
    )
    reader = read(run_page(bare))
    assert "too few contexts for a map: 1." in reader.text
    assert "No task has a query pair" in reader.text
    assert "and there is none: run cmml export" in reader.text
    assert reader.tags.count("figure") < read(page).tags.count("figure")


def test_inside_views_of_untrained_networks_say_that_they_are(report, page, text_of):
    sentence = "The start was kept: context encoder and modulation have their first"
    assert sentence not in read(page).text
    course = [one | {"best_epoch": 0} for one in report.findings.training.course]
    training = dataclasses.replace(report.findings.training, course=course)
    findings = dataclasses.replace(report.findings, training=training)
    assert sentence in text_of(dataclasses.replace(report, findings=findings))
