import dataclasses
import pathlib

import numpy as np
import pytest
from page_reader import read

from models.options import CMMLOptions
from pipeline.insight.contexts import TaskContexts
from pipeline.reports.run.latency import Latency
from pipeline.reports.run.page import RunReport, run_page
from pipeline.reports.run.provenance import Provenance

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


@pytest.fixture(scope="module")
def epochs():
    line = {"best_epoch": 2, "best_val_mae": 0.5, "tasks_per_s": 1234.0}
    return [{"epoch": n, "mae": 1.0 / n, "val_mae": 1.0 / n} | line for n in (1, 2)]


@pytest.fixture
def report(make_rows, make_findings, spread, epochs):
    """The report of a run whose names are all hostile."""
    rows = {
        "cmml": {"cold": make_rows(0.5 + spread, 8)},
        EVIL: {"cold": make_rows(0.6 + spread, 8)},
    }
    return RunReport(
        name=EVIL,
        description=EVIL,
        model=CMMLOptions(),
        findings=make_findings(rows, course=epochs),
        groups={"cold": EVIL},
        metrics=["mae"],
        task_names={"u3": EVIL},
        contexts=CONTEXTS,
        modulations=MODULATIONS,
        latency=[Latency(EVIL, "rank", 1, 3, None, 1.5, 2.5)],
        version=pathlib.Path("export/17"),
        provenance=Provenance({"run": EVIL}, f"a: {EVIL}", [f"cmml {EVIL}"]),
    )


def test_a_page_stands_alone_and_escapes_what_it_shows(report):
    page = run_page(report)
    reader = read(page)
    assert "://" not in page
    assert len(reader.ids) == len(set(reader.ids))
    targets = {one[1:] for one in reader.references if not one.startswith("data:")}
    assert targets <= set(reader.ids)
    assert reader.tags.count("script") == 1
    assert reader.text.count(EVIL) > 20


def test_the_figures_of_the_run_are_there(report):
    text = read(run_page(report)).text
    gap = "-0.1000 [-0.1000, -0.1000]"
    for figure in (gap, "1,234 tasks per second", "Epoch 2 of 2", "Version 17", "1.50"):
        assert figure in text


def test_what_is_not_there_is_said(report):
    few = TaskContexts(["u0"], CONTEXTS.contexts[:1], {"taste": ["a"]})
    bare = dataclasses.replace(
        report, contexts=few, modulations={}, latency=[], version=None
    )
    reader = read(run_page(bare))
    assert "too few contexts for a map: 1." in reader.text
    assert "No task has a query pair" in reader.text
    assert "and there is none: run cmml export" in reader.text
    assert reader.tags.count("figure") < read(run_page(report)).tags.count("figure")
