"""The files of the page, without a browser."""

import json
import re
import urllib.request

import pytest

from pipeline.serving.server.page import PAGE_DIR

FILES = sorted(path.name for path in PAGE_DIR.iterdir())
KINDS = {
    ".html": {"text/html"},
    ".js": {"text/javascript", "application/javascript"},  # As the system names it.
    ".css": {"text/css"},
}


def get(server, path):
    """Content type, headers and text of what the server has at a path."""
    with urllib.request.urlopen(server.rest_url + path) as response:
        return response.headers, response.read().decode()


def test_the_page_stands_at_the_root(server):
    headers, text = get(server, "/")
    assert headers.get_content_type() == "text/html"
    assert text == (PAGE_DIR / "index.html").read_text()


@pytest.mark.parametrize("name", FILES)
def test_every_file_is_served_for_what_it_is(server, name):
    headers, text = get(server, f"/page/{name}")
    assert headers.get_content_type() in KINDS[PAGE_DIR.joinpath(name).suffix]
    assert text == (PAGE_DIR / name).read_text()


@pytest.mark.parametrize("name", FILES)
def test_nothing_is_loaded_from_elsewhere(name):
    text = (PAGE_DIR / name).read_text()
    assert not re.findall(r"\w+://|url\(|@import|src=\"//|href=\"//", text)


def test_what_a_file_names_is_there():
    page = (PAGE_DIR / "index.html").read_text()
    named = set(re.findall(r"(?:src|href)=\"page/([^\"]+)\"", page))
    assert named == {"page.css", "page.js"}
    for script in PAGE_DIR.glob("*.js"):
        named |= set(re.findall(r"from \"\./([^\"]+)\"", script.read_text()))
    assert named | {"index.html"} == set(FILES)


def test_names_never_become_html():
    for script in PAGE_DIR.glob("*.js"):
        assert not re.findall(r"(inner|outer)HTML|insertAdjacent", script.read_text())


@pytest.mark.parametrize("path", ["/", "/page/page.js", "/page/page.css"])
def test_the_page_may_load_from_its_own_server_alone(server, path):
    headers, _ = get(server, path)
    rules = dict(
        rule.split(" ", 1) for rule in headers["Content-Security-Policy"].split("; ")
    )
    assert rules["default-src"] == rules["frame-ancestors"] == "'none'"
    assert rules["script-src"] == rules["style-src"] == "'self'"
    assert headers["X-Content-Type-Options"] == "nosniff"


def test_nothing_runs_that_stands_in_the_page_itself():
    page = (PAGE_DIR / "index.html").read_text()
    assert not re.findall(r"\son\w+\s*=|\sstyle\s*=|javascript:", page, re.IGNORECASE)
    assert "<style" not in page
    for script in re.findall(r"<script([^>]*)>", page):
        assert " src=" in script


@pytest.mark.parametrize(
    ("query", "name", "setting"),
    [("", "films", "user"), ("?model=themes", "themes", "scenario")],
)
def test_the_config_has_what_the_page_reads(server, query, name, setting):
    headers, text = get(server, f"/page/config.json{query}")
    config = json.loads(text)
    assert headers.get_content_type() == "application/json"
    assert set(config) == {"model_name", "manifest", "item_names"}
    assert config["model_name"] == name
    assert config["manifest"]["setting"] == setting
    assert config["item_names"]["f4"] == "Amélie"
    inputs = config["manifest"]["signatures"]["recommend"]["inputs"]
    assert inputs["support_label"] == {"dtype": "float32", "shape": [None, None]}
