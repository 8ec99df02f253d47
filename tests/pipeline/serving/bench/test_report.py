"""The tables and the verdict, on made-up figures."""

import dataclasses
import json

import pytest

from pipeline.serving.bench.fuzz import Answers, Fuzz
from pipeline.serving.bench.grid import Cell
from pipeline.serving.bench.load import Summary
from pipeline.serving.bench.reload import Phase, Reload
from pipeline.serving.bench.report import Bench, Measured, markdown, write
from pipeline.serving.bench.soak import Minute, Soak

CALLS = Summary(30, 0, 1.234, 2.0, 3.0, 99.6)
SOAK = Soak(50.0, 6000, 0, [Minute(0, CALLS, 512.0)], 0.1, True)
RELOAD = Reload(
    50.0,
    [Phase("before", 10, 0, 1.0, 2.0), Phase("during", 5, 0, 3.0, 4.0)],
    took_s=1.25,
    answers_agree=True,
)
FUZZ = Fuzz(
    3, [Answers("grpc", "label NaN", "INVALID_ARGUMENT", 3)], 2, 0, [512.0, 530.0]
)
BENCH = Bench(
    about={"model": "cmml", "cores": 2},
    grid=[
        Measured("grpc", Cell("rank", 40, 100, 8), CALLS),
        Measured("rest", Cell("encode", 40, None, 1), CALLS),
    ],
    missing=["score"],
    soak=SOAK,
    reload=RELOAD,
    fuzz=FUZZ,
)


def row_of(text, *words):
    """The cells of the one table row that has all of the words."""
    lines = [line for line in text.splitlines() if line.startswith("|")]
    (line,) = [line for line in lines if all(f"| {word} " in line for word in words)]
    return [cell.strip() for cell in line.strip("|").split("|")]


def test_everything_measured_is_in_a_table():
    text = markdown(BENCH)
    assert row_of(text, "grpc", "rank") == [
        *("grpc", "rank", "40", "100", "8", "1.23", "2.00", "3.00", "100", "0")
    ]
    assert row_of(text, "rest", "encode")[3] == "any"
    assert "Not in this export: score." in text
    assert "Memory of the server: flat, +0.10 MB a minute" in text
    assert row_of(text, "512.0") == ["0", "30", "0", "1.23", "3.00", "512.0"]
    assert "served after 1.2 s and gave the same scores" in text
    assert row_of(text, "during") == ["during", "5", "0", "3.00", "4.00"]
    assert "the server is alive and correct" in text
    assert row_of(text, "label NaN")[2:] == ["INVALID_ARGUMENT", "3"]


def test_what_was_not_asked_for_has_no_section():
    text = markdown(Bench(about={}, fuzz=FUZZ))
    assert "## Malformed requests" in text
    assert not [name for name in ("Latency", "Soak", "Reload") if f"## {name}" in text]


def test_files_hold_the_same(tmp_path):
    text = write(BENCH, tmp_path / "new" / "folder")
    folder = tmp_path / "new" / "folder"
    assert (folder / "bench.md").read_text(encoding="utf-8") == text
    values = json.loads((folder / "bench.json").read_text(encoding="utf-8"))
    assert values["grid"][0]["cell"]["signature"] == "rank"
    assert values["grid"][0]["calls"]["p50_ms"] == 1.234
    assert values["reload"]["took_s"] == 1.25


def test_a_figure_that_there_is_not_is_null(tmp_path):
    failed = dataclasses.replace(CALLS, p50_ms=float("nan"))
    cell = Cell("rank", 1, 1, 1)
    write(Bench(about={}, grid=[Measured("grpc", cell, failed)]), tmp_path)
    text = (tmp_path / "bench.json").read_text(encoding="utf-8")
    assert "NaN" not in text
    assert json.loads(text)["grid"][0]["calls"]["p50_ms"] is None


@pytest.mark.parametrize(
    "change",
    [
        {"grid": [Measured("grpc", Cell("rank", 1, 1, 1), Summary(9, 1, 1, 1, 1, 1))]},
        {"soak": dataclasses.replace(SOAK, errors=1)},
        {"soak": dataclasses.replace(SOAK, is_flat=False)},
        {"reload": dataclasses.replace(RELOAD, answers_agree=False)},
        {"reload": dataclasses.replace(RELOAD, phases=[Phase("after", 9, 1, 1, 1)])},
        {"fuzz": dataclasses.replace(FUZZ, wrong_answers=1)},
    ],
    ids=["an error", "soak", "memory", "other scores", "reload", "harm"],
)
def test_one_failure_makes_it_unsound(change):
    assert BENCH.is_sound
    assert not dataclasses.replace(BENCH, **change).is_sound


def test_a_soak_that_cannot_tell_is_sound():
    unknown = dataclasses.replace(SOAK, is_flat=None)
    assert dataclasses.replace(BENCH, soak=unknown).is_sound
    assert "too short to tell" in markdown(dataclasses.replace(BENCH, soak=unknown))
