import dataclasses
import re

import pytest
from page_reader import read

from pipeline.reports.comparison.figures import all_figures
from pipeline.reports.comparison.report import comparison_page, write_report
from pipeline.reports.comparison.summary import summarise


def test_every_table_and_figure_gets_a_file(tmp_path, setup, results, curves):
    printed = write_report(tmp_path / "new", setup, results, curves, "ridge")
    assert sorted(path.name for path in (tmp_path / "new").iterdir()) == [
        "cost_by_steps.svg",
        "few_shot.csv",
        "few_shot.svg",
        "groups.csv",
        "index.html",
        "main.csv",
        "quality_by_cost.svg",
        "report.md",
        "wins.csv",
    ]
    report = (tmp_path / "new" / "report.md").read_text(encoding="utf-8")
    assert report.startswith(printed.partition("\n| ")[0])
    assert "| peak, MB" in report


def test_what_is_printed_fits_a_terminal_and_says_where_the_rest_is(
    tmp_path, setup, results
):
    results[0] = dataclasses.replace(results[0], name="matrix_factorisation")
    printed = write_report(tmp_path, setup, results, [], "ridge")
    rows = [line for line in printed.splitlines() if line.startswith("| ")]
    assert max(map(len, rows)) <= 100
    titles = [title.strip() for title in rows[0].split("|")[1:-1]]
    assert titles == ["method", "mae", "mae less cmml", "Holm p, cmml"]
    assert printed.endswith(
        f"\nAll columns and tables: {tmp_path / 'report.md'} and index.html.\n"
    )


def test_the_report_starts_with_the_verdict(tmp_path, setup, results):
    write_report(tmp_path, setup, results, [], "ridge")
    report = (tmp_path / "report.md").read_text(encoding="utf-8")
    title, sentences, heading, *_ = report.split("\n\n")
    assert title == "# Comparison tiny on meta_test"
    assert sentences.startswith("- Of 4 methods, cmml has the lowest mae on cold")
    assert heading == "## All methods on cold"
    assert not (tmp_path / "cost_by_steps.svg").exists()


@pytest.fixture(scope="module")
def page(summary, drawn):
    return comparison_page(summary, drawn)


def test_tags_are_balanced_and_ids_are_unique(page):
    reader = read(page)
    assert len(reader.ids) == len(set(reader.ids))
    assert reader.tags.count("svg") == 3
    assert reader.tags.count("table") == 5


def test_the_page_asks_for_nothing(page):
    reader = read(page)
    assert "https://" not in page
    assert "http://" not in page
    assert not {"link", "img", "iframe"} & set(reader.tags)
    assert all(reference.startswith("#") for reference in reader.references)
    assert {reference[1:] for reference in reader.references} <= set(reader.ids)
    clips = re.findall(r"url\(#([^)]*)\)", page)
    assert clips
    assert set(clips) <= set(reader.ids)
    assert "default-src 'none'" in page


def test_the_verdict_comes_first_and_commands_last(page):
    text = read(page).text
    places = [
        text.index(part)
        for part in (
            "cmml has the lowest mae",
            "Look for the lower left corner",
            "All methods on cold",
            "learning_rate=0.001",
            "cmml compare --config 'a & b.yaml'",
        )
    ]
    assert places == sorted(places)


def test_text_is_escaped(results, setup):
    evil = "<script>alert(1)</script>"
    results[0] = dataclasses.replace(
        results[0],
        name=evil,
        flags=(evil,),
        hyperparameters={evil: evil},
        trials=[({}, 0.5), ({evil: evil}, None)],
    )
    changed = dataclasses.replace(
        setup,
        name=evil,
        commands=[evil],
        groups={"cold": evil, "warm": "w"},
        split=evil,
        setting=evil,
    )
    summary = summarise(results, changed, "ridge")
    page = comparison_page(summary, all_figures(summary, []))
    assert evil not in page
    reader = read(page)
    assert reader.tags.count("script") == 1
    assert reader.text.count(evil) > 8


def test_trials_are_told_where_there_was_a_choice(results, setup):
    trials = [({}, -0.5), ({"learning_rate": 0.1}, None)]
    results[3] = dataclasses.replace(results[3], trials=trials)
    results[1] = dataclasses.replace(results[1], trials=[({}, 0.125)])
    page = comparison_page(summarise(results, setup, "ridge"), {})
    assert ">defaults: -0.5000\nlearning_rate=0.1: failed</td>" in page
    assert "0.1250" not in page


def test_without_figures_and_commands_they_are_left_out(results, setup):
    bare = dataclasses.replace(setup, commands=())
    reader = read(comparison_page(summarise(results, bare, "ridge"), {}))
    assert not {"svg", "pre"} & set(reader.tags)
