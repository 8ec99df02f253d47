"""The pages for people: links, commands, keys and files that they name exist."""

import functools
import pathlib
import re
import shlex

import pytest

from docs import generate
from docs.reference.command_line_page import command_parsers
from docs.reference.config_keys import all_keys
from pipeline.settings.registry import SETTINGS

ROOT = pathlib.Path(__file__).parents[1]
DOCS = ROOT / "docs"
OUTSIDE = ("README.md", "BUILD.md", "CHANGELOG.md", "deploy/README.md")
PAGES = [
    *(ROOT / name for name in (*OUTSIDE, "benchmarks/README.md")),
    *sorted(DOCS.rglob("*.md")),
    *sorted((ROOT / "examples").glob("*/README.md")),
]

LINK = re.compile(r"\]\(([^()\s]+)\)")
BLOCK = re.compile(r"^ *```(\w*)\n(.*?)^ *```", re.MULTILINE | re.DOTALL)
CODE = re.compile(r"`([^`\n]+)`")
HEADING = re.compile(r"^#+ (.+)$", re.MULTILINE)
ANCHOR = re.compile(r'<a id="([^"]+)">')
FILE = re.compile(
    r"(?<![\w./<])((?:cmml|pipeline|models|transforms|tuning|configs|docs|tests|benchmarks"
    r"|deploy|examples)/[\w./*{},-]*)"
)
KEY = re.compile(
    r"(?:data|vectors|model|training|evaluation|drift|tensorboard|export|comparison|push)"
    r"(?:\.\w+)+"
)
TO_BEAM = ("prepare", "run")  # Commands that hand unknown flags to Beam.


def name_of(page):
    return page.relative_to(ROOT).as_posix()


@functools.cache
def text_of(page):
    return page.read_text(encoding="utf-8")


def prose_of(page):
    return BLOCK.sub("", text_of(page))


def slug_of(heading):
    """The anchor that a heading gets where the pages are shown."""
    words = re.sub(r"\[([^]]*)\]\([^)]*\)", r"\1", heading).lower()
    return re.sub(r"[^\w\- ]", "", words).replace(" ", "-")


def anchors_of(page):
    headings = HEADING.findall(prose_of(page))
    return {*map(slug_of, headings), *ANCHOR.findall(text_of(page))}


def lines_of_blocks(page):
    blocks = "\n".join(block for kind, block in BLOCK.findall(text_of(page)))
    return re.sub(r"\\\n\s*", " ", blocks).splitlines()


def commands_in(lines):
    """The lines that start `cmml`, without comment."""
    for line in lines:
        command = re.sub(r"^\s*(\$ )?(\w+=\S+ +)*(\.venv/bin/)?", "", line)
        if command.startswith("cmml "):
            yield command.partition(" #")[0].rstrip("& ")


def every_command(*, in_blocks_only):
    for page in PAGES:
        lines = lines_of_blocks(page)
        if not in_blocks_only:  # Those of sentences that start like a command.
            names = "|".join(command_parsers())
            of_sentences = CODE.findall(prose_of(page))
            lines += [one for one in of_sentences if re.match(f"cmml ({names})", one)]
        for command in dict.fromkeys(commands_in(lines)):
            yield pytest.param(command, id=f"{name_of(page)}: {command}")


@functools.cache
def all_config_keys():
    return set().union(*map(all_keys, SETTINGS.values()))


@pytest.mark.parametrize("page", PAGES, ids=name_of)
def test_every_link_leads_somewhere(page):
    for link in LINK.findall(prose_of(page)):
        path, _, anchor = link.partition("#")
        if path.startswith(("http:", "https:")):
            continue
        target = (page.parent / path).resolve() if path else page
        assert target.exists(), link
        assert not anchor or anchor in anchors_of(target), link


def test_the_index_links_to_every_page():
    index = DOCS / "README.md"
    links = {link.partition("#")[0] for link in LINK.findall(text_of(index))}
    linked = {(DOCS / link).resolve() for link in links}
    missing = {page for page in DOCS.rglob("*.md") if page != index} - linked
    assert not missing, sorted(map(name_of, missing))


@pytest.mark.parametrize("command", every_command(in_blocks_only=False))
def test_every_command_has_the_flags_that_it_is_shown_with(command):
    name, *arguments = shlex.split(command)[1:] or [""]
    parsers = command_parsers()
    assert name in parsers, name
    if name not in TO_BEAM:
        known = parsers[name]._option_string_actions
        for argument in arguments:
            flag = argument.strip("[]").partition("=")[0]
            assert not flag.startswith("--") or flag in known, flag


@pytest.mark.parametrize("command", every_command(in_blocks_only=True))
def test_every_whole_command_is_understood(command):
    name, *arguments = shlex.split(command)[1:]
    if "..." in arguments:
        pytest.skip("a part of a command")
    _, unknown = command_parsers()[name].parse_known_args(arguments)
    assert not unknown or name in TO_BEAM


@pytest.mark.parametrize("page", PAGES, ids=name_of)
def test_every_key_that_a_page_names_exists(page):
    changes = re.findall(r"--set[ =]([a-z][\w.]*)=", text_of(page))
    sentences = [one.partition(":")[0] for one in CODE.findall(prose_of(page))]
    named = {one for one in sentences if KEY.fullmatch(one)}
    known = all_config_keys()
    patterns = [re.escape(key).replace(r"\[name\]", r"\w+") for key in known]
    for key in {*changes, *named}:
        assert any(re.fullmatch(one, key) for one in patterns), key


@pytest.mark.parametrize("page", PAGES, ids=name_of)
def test_every_file_that_a_page_names_exists(page):
    if page.name == "CHANGELOG.md":
        pytest.skip("it tells of files that were")
    for path in FILE.findall(text_of(page)):
        for one in _alternatives(path.rstrip(".,")):
            assert list(ROOT.glob(one.rstrip("/"))), one


def _alternatives(path):
    """A path with alternatives in braces, written out."""
    match = re.search(r"\{([^}]*)\}", path)
    if not match:
        return [path]
    before, after = path[: match.start()], path[match.end() :]
    return [
        one
        for part in match[1].split(",")
        for one in _alternatives(before + part + after)
    ]


@pytest.mark.parametrize("name", sorted(generate.pages()))
def test_generated_pages_are_up_to_date(name):
    committed = (DOCS / "reference" / name).read_text(encoding="utf-8")
    assert committed == generate.pages()[name], "run `python -m docs.generate`"
