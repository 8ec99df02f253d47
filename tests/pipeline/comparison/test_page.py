import dataclasses
import html.parser
import re

import pytest

from pipeline.comparison.figures import all_figures
from pipeline.comparison.page import comparison_page, inline_svg
from pipeline.comparison.summary import summarise

VOID = {"meta", "br"}


class Reader(html.parser.HTMLParser):
    """Collects tags, ids, references and text, and checks that tags are balanced."""

    def __init__(self):
        super().__init__()
        self.open, self.tags, self.ids, self.references = [], [], [], []
        self.text = ""

    def handle_starttag(self, tag, attrs):
        self.tags.append(tag)
        for name, value in attrs:
            if name == "id":
                self.ids.append(value)
            if name in ("href", "src", "xlink:href"):
                self.references.append(value)
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag, attrs):
        self.handle_starttag(tag, attrs)
        if tag not in VOID:
            self.open.pop()

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
        self.text += data


def read(page):
    reader = Reader()
    reader.feed(page)
    reader.close()
    assert not reader.open
    return reader


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
    assert "<code>defaults</code>: -0.5000<br>" in page
    assert "<code>learning_rate=0.1</code>: broke off" in page
    assert "0.1250" not in page


def test_without_figures_and_commands_they_are_left_out(results, setup):
    bare = dataclasses.replace(setup, commands=())
    reader = read(comparison_page(summarise(results, bare, "ridge"), {}))
    assert not {"svg", "pre"} & set(reader.tags)


def test_an_svg_gets_ids_of_its_own():
    svg = (
        '<?xml version="1.0"?><svg xmlns:xlink="http://x" xmlns="http://y">'
        '<g id="a" style="clip-path: url(#a)"/><use xlink:href="#a"/></svg>'
    )
    assert inline_svg(svg, "n") == (
        '<svg role="img" aria-label="n">'
        '<g id="n-a" style="clip-path: url(#n-a)"/><use xlink:href="#n-a"/></svg>'
    )
