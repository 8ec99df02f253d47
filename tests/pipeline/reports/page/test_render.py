import pathlib
import re

import jinja2
import pytest
from page_reader import read

import pipeline.reports
from pipeline.reports.page.render import environment
from pipeline.reports.page.result_table import Column, ResultTable

EVIL = "<script>alert(1)</script>"
FOLDER = pathlib.Path(pipeline.reports.__file__).parent


def page(body="", **values):
    """A page that has `body` as its block, with the macros at hand."""
    template = environment().from_string(
        '{% extends "base.html" %}{% import "elements.html" as elements %}'
        "{% set heading = title %}{% block body %}" + body + "{% endblock %}"
    )
    return template.render({"title": "Title", "description": "d"} | values)


def test_a_page_stands_in_one_file_that_asks_for_nothing():
    text = page()
    assert text.startswith("<!DOCTYPE html>")
    assert "default-src 'none'" in text
    assert "://" not in text
    assert not {"link", "img", "iframe", "nav"} & set(read(text).tags)


def test_sections_are_listed_before_the_first_part():
    text = page("<p>first</p>", contents={"a": "A"})
    reader = read(text)
    assert reader.references == ["#a"]
    assert text.index("<nav") < text.index("<p>first")


@pytest.mark.parametrize(
    "body",
    [
        "{{ text }}",
        "{{ elements.verdict_box([text]) }}",
        "{{ elements.bullets([text]) }}",
        "{{ elements.code([text]) }}",
        "{% call elements.folded(text) %}{% endcall %}",
        "{% call elements.figure('n', '<svg/>') %}{{ text }}{% endcall %}",
        "{{ elements.result_table(table) }}",
    ],
)
def test_text_is_escaped(body):
    table = ResultTable("t", "", "", [Column("a", "a")], [{"a": EVIL}])
    reader = read(page(body, text=EVIL, table=table, title=EVIL, contents={"a": EVIL}))
    assert reader.tags.count("script") == 1
    assert reader.text.count(EVIL) == 4  # Twice the title, once in the list.


def test_nothing_is_escaped_twice():
    reader = read(page("{% call elements.folded('a & b') %}c & d{% endcall %}"))
    assert "&amp;" not in reader.text


def test_a_list_of_nothing_is_left_out():
    assert "<ul>" not in page("{{ elements.bullets([]) }}")


def test_a_figure_has_its_ids_and_stands_above_its_caption():
    svg = '<?xml version="1.0"?><svg><g id="a"/><use href="#a"/></svg>'
    text = page(
        "{% call elements.figure(name, svg) %} b {% endcall %}", name='"', svg=svg
    )
    assert '<svg role="img" aria-label="&#34;"><g id="--a"/><use href="#--a"/>' in text
    assert text.index("</svg>") < text.index("<figcaption>b</figcaption>")


def test_a_name_that_is_not_there_is_an_error():
    with pytest.raises(jinja2.UndefinedError, match="'nobody' is undefined"):
        page("{{ nobody }}")


def test_markup_is_made_in_templates_alone_and_escapes_everything():
    for path in FOLDER.rglob("*.py"):
        text = path.read_text(encoding="utf-8")
        assert not re.search(r"</\w|<(p|li|td|div)>", text), path.name
        assert "Markup(" not in text or path.name == "svg.py", path.name
    for path in (FOLDER / "templates").iterdir():
        assert not re.search(r"\|\s*safe|autoescape", path.read_text()), path.name
