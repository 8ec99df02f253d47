import dataclasses
import re

import numpy as np
import pytest
from page_reader import read

from pipeline.judging.results import MethodResult
from pipeline.reports.comparison.figures import all_figures
from pipeline.reports.comparison.report import comparison_page, verdict, write_report
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


def text_of(results, setup, reference="ridge"):
    return "\n".join(verdict(summarise(results, setup, reference)))


def test_a_clear_winner_is_told_with_its_figures(results, setup, summary):
    text = text_of(results, setup)
    mean = f"{summary.main('cmml').mean:.4f}"
    assert f"Of 4 methods, cmml has the lowest mae on cold: {mean} [" in text
    assert "All others are worse beyond chance (Holm p <= 0.05)" in text
    gap = f"{summary.less_reference['cmml'].interval.mean:+.4f}"
    assert (
        f"best simple method by meta-validation, ridge: mae difference {gap} [" in text
    )
    assert "Holm p 0.030." in text
    assert "The best learned method on these tasks, melu, is worse than cmml" in text


def test_costs_and_doubts_are_told(results, setup):
    text = text_of(results, setup)
    assert "cmml takes 1 ms per task, melu 8 ms." in text
    assert "item_mean has suspicious scores: constant." in text
    assert "s2meta has no result, since its training failed: loss < 0" in text
    assert "one seed" not in text


def test_methods_that_are_not_told_apart_are_named(results, setup):
    rng = np.random.default_rng(0)
    twin = results[3].values["cold"]["mae"][:1] + rng.normal(0.0, 0.2, 40)
    twin += results[3].by_task("cold", "mae")[:-1].mean() - np.nanmean(twin) + 0.001
    results.append(MethodResult("twin", "learned", {}, {"cold": {"mae": twin}}))
    text = text_of(results, setup)
    assert "Not told apart from it (Holm p > 0.05): twin." in text
    assert (
        "The best learned method on these tasks, twin, is not told apart from" in text
    )


def test_methods_that_come_to_the_same_are_named_with_the_cause(results, setup):
    results.append(dataclasses.replace(results[3], name="dot", kind="simple"))
    assert (
        "Equal on every task: cmml, dot. What the networks of cmml add to its prior "
        "changes no figure."
    ) in text_of(results, setup)
    assert "Equal" not in text_of(results[:-1], setup)


def test_a_simple_method_that_is_ahead_of_the_reference_is_told(results, setup):
    text = text_of(results, setup, "item_mean")
    assert "better than the best simple method by meta-validation, item_mean" in text
    assert "The best simple method on these tasks, ridge, is worse than cmml: " in text
    assert "simple method on these tasks" not in text_of(results, setup)


def test_a_simple_winner_is_said_to_be_one(results, setup):
    few = [one for one in results if one.kind == "simple"]
    text = text_of(few, setup)
    assert "No method has a better mean than the best simple method by meta" in text
    assert "cmml" not in text


def test_another_winner_is_compared_with_the_best_simple_method(results, setup):
    few = [one for one in results if one.name in ("ridge", "melu")]
    assert (
        "melu is better than the best simple method by meta-validation, ridge"
        in text_of(few, setup)
    )


def test_a_higher_recall_is_better(results, setup):
    turned = dataclasses.replace(setup, metrics=setup.metrics[::-1])
    text = text_of(results, turned)
    assert "cmml has the highest ndcg@3" in text
    assert "cmml is better than the best simple method" in text


def test_unknown_costs_are_left_out(results, setup):
    unknown = [dataclasses.replace(one, adapt_ms=float("nan")) for one in results]
    assert "ms per task" not in text_of(unknown, setup)


def test_one_seed_is_a_doubt(results, setup):
    text = text_of(results, dataclasses.replace(setup, seeds=(0,)))
    assert "With one seed, nothing is known of other seeds." in text


def test_without_any_result_there_is_no_winner(results, setup):
    text = text_of(results[-1:], setup, None)
    assert text.startswith("No method has a result on the main group.")
