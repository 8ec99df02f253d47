import dataclasses
import json

import numpy as np
import pytest
from page_reader import read

from pipeline.onboarding.rules import apply_rules
from pipeline.reports.onboarding.advice_text import as_json, as_text, file_sentences
from pipeline.reports.onboarding.page import onboarding_page
from pipeline.reports.onboarding.report_tables import curve_table


def page_of(findings):
    return onboarding_page(findings, apply_rules(findings))


def test_the_page_says_all_that_was_found(make_findings):
    page = page_of(make_findings())
    reader = read(page)
    assert "Go: mae after 1 pair is better" in reader.text
    assert "0 of 6 tasks are outliers." in reader.text
    assert "Ask first about Heat & <Dust>. 2 questions take" in reader.text
    assert "popular items is +0.2000 [+0.2000, +0.2000], beyond chance" in reader.text
    assert "line 2: not_a_number, what" in reader.text
    assert reader.tags.count("figure") == 3
    assert page == page_of(make_findings())


def test_what_could_not_be_found_out_is_said(make_findings):
    findings = make_findings(curve=None, placement=None, plan=None, has_known=False)
    reader = read(page_of(findings))
    assert "figure" not in reader.tags
    assert "no task has enough new pairs" in reader.text
    assert "Known tasks are missing (--config)" in reader.text


def test_a_gain_over_random_items_within_chance_is_called_so(make_findings):
    findings = make_findings()
    findings.plan.random[:] = findings.plan.chosen
    assert "+0.0000], not beyond chance" in as_text(findings, [*apply_rules(findings)])


def test_means_of_few_users_stand_without_an_interval(make_findings):
    findings = make_findings()
    values = {name: rows.copy() for name, rows in findings.curve.values.items()}
    for rows in values.values():
        rows[1, :4] = np.nan  # Two of six users reach the size.
    curve = dataclasses.replace(findings.curve, values=values)
    findings = dataclasses.replace(findings, curve=curve)
    table = curve_table(curve).markdown_rows().splitlines()
    assert table[2].count("[") == 4  # Three methods and the gain.
    assert "[" not in table[3]
    assert "intervals over users, none of fewer than 6" in curve_table(curve).note
    assert "figure" in read(page_of(findings)).tags


def test_the_text_has_the_tables(make_findings):
    findings = make_findings(num_outliers=1)
    text = as_text(findings, apply_rules(findings))
    assert "- 1 of 6 tasks is an outlier." in text
    titles = [line for line in text.splitlines() if line.startswith("## ")]
    assert titles == [
        "## Go or no-go",
        "## Few-shot curve",
        "## Place among known tasks",
        "## What to ask a new user first",
    ]
    # The farthest comes first.
    rows = [line for line in text.splitlines() if "| 2          |" in line]
    assert "outlier" in rows[0]
    assert "like known ones" in rows[1]


def test_what_is_left_out_of_a_file_is_said(make_findings):
    findings = make_findings()
    assert not any("Left out" in line for line in file_sentences(findings))
    rows = dataclasses.replace(findings.rows, left_out={"repeated_click": 2})
    findings = dataclasses.replace(findings, rows=rows)
    said = "Left out: 2 rows with the click of another."
    assert said in file_sentences(findings)


def test_a_model_that_does_not_go_by_what_is_shown_is_said_not_to(make_findings):
    said = "- The model comes to the same with any number of pairs: here it does not go"
    for gain, is_said in ((0.0, True), (0.2, False)):
        findings = make_findings(gain=gain)
        assert (said in as_text(findings, apply_rules(findings))) == is_said


def test_json_holds_the_same_numbers(make_findings):
    findings = make_findings()
    values = json.loads(json.dumps(as_json(findings, apply_rules(findings))))
    assert values["go"] is True
    assert values["file"]["num_refused"] == {"not_a_number": 1}
    assert values["few_shot"]["judged_size"] == 1
    gain = values["few_shot"]["sizes"][1]["gain"]
    assert gain["low"] == pytest.approx(0.2)
    assert values["places"][0]["is_unlike"] is False
    first, second = values["questions"]["list"]
    assert first["item_name"] == "Heat & <Dust>"
    assert second["expected"]["mean"] == pytest.approx(0.8)
    assert values["not_found_out"] == []


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [400, 1200])
def test_a_browser_shows_the_page_without_complaint(
    chromium, make_findings, tmp_path, scheme, width
):
    path = tmp_path / "onboard.html"
    path.write_text(page_of(make_findings()), encoding="utf-8")
    chromium.prefer(prefers_color_scheme=scheme)
    chromium.open(path.as_uri(), width=width)
    assert chromium.evaluate("document.documentElement.scrollWidth") <= width
    assert chromium.complaints == []
    assert chromium.evaluate("performance.getEntriesByType('resource').length") == 0


HEADER_LINES = """
Math.max(...[...document.querySelectorAll("thead tr")].map(row =>
  row.getBoundingClientRect().height / parseFloat(getComputedStyle(row).lineHeight)))
"""
HINT = 'getComputedStyle(document.querySelector("figure"), "::before").content'


@pytest.mark.parametrize(("width", "has_hint"), [(400, True), (1200, False)])
def test_a_narrow_page_has_low_headings_and_says_that_figures_scroll(
    chromium, make_findings, tmp_path, width, has_hint
):
    path = tmp_path / "onboard.html"
    path.write_text(page_of(make_findings()), encoding="utf-8")
    chromium.open(path.as_uri(), width=width)
    assert chromium.evaluate(HEADER_LINES) < 3.0  # Of two lines, and the room around.
    assert ("sideways" in chromium.evaluate(HINT)) == has_hint
    scrolls = "(f => f.scrollWidth > f.clientWidth)(document.querySelector('figure'))"
    assert chromium.evaluate(scrolls) == has_hint
