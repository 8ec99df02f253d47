"""The page of every key of the configuration, by setting and section."""

import typing
from typing import Any

from docs.reference.config_keys import (
    Section,
    as_yaml,
    limits_of,
    sections_in,
    sections_of,
)
from docs.reference.markdown import GENERATED, table
from pipeline.settings.registry import SETTINGS

_HEAD = f"""\
# Configuration keys

{GENERATED}

An experiment is one YAML file; `setting` says which of the two lists below holds, and
the last one is of both. A key that is not here is an error that names the nearest one.
`--set training.learning_rate=0.001` changes one key of a command; values are YAML.
`config.resolved.yaml` of a run has every default filled in. Files to start from are
[`configs/own_table.yaml`](../../configs/own_table.yaml) and
[`configs/own_clicks.yaml`](../../configs/own_clicks.yaml).

`[n]` stands for an element of a list, `[name]` for a name of one's own.
"""
_NAMES = {int: "int", float: "float", str: "str", bool: "bool", Any: "anything"}

# Sections by their class.
_Sections = dict[type, Section]


def config_page() -> str:
    """Returns the page."""
    by_setting = {name: sections_of(one) for name, one in SETTINGS.items()}
    shared = _shared(list(by_setting.values()))
    links = {kind: kind.__name__.lower() for kind in shared}
    lines = [_HEAD]
    for name, sections in by_setting.items():
        own = {kind: one for kind, one in sections.items() if kind not in shared}
        own_links = {kind: f"{name}-{kind.__name__.lower()}" for kind in own}
        lines += [f"## Setting `{name}`", "", *_tables(own, {**links, **own_links})]
    lines += ["## In both settings", "", *_tables(shared, links)]
    return "\n".join(lines).rstrip() + "\n"


def _shared(by_setting: list[_Sections]) -> _Sections:
    """Returns the sections that every setting has, at all their places."""
    first, *others = by_setting
    shared = {}
    for kind, section in first.items():
        if all(kind in sections for sections in others):
            paths = [path for one in by_setting for path in one[kind].paths]
            shared[kind] = section._replace(paths=list(dict.fromkeys(paths)))
    return shared


def _tables(sections: _Sections, links: dict[type, str]) -> list[str]:
    lines = []
    for kind, section in sections.items():
        path, *others = section.paths
        title = f"`{path}`" if path else "The file"
        also = f" Also {', '.join(f'`{one}`' for one in others)}." if others else ""
        lines += [f'<a id="{links[kind]}"></a>', "", f"### {title}", ""]
        lines += [section.summary + also, ""]
        rows = (
            (
                f"`{key.name}`",
                ", ".join(filter(None, (_type(key.annotation, links), key.limits))),
                _default(key.annotation, key.default),
                key.meaning,
            )
            for key in section.keys
        )
        lines += table(("key", "type", "default", "meaning"), rows)
    return lines


def _default(annotation: Any, default: str | None) -> str:
    if default is None:
        return "-"
    if sections_in(annotation) and default not in ("null", "[]"):
        return "see there"
    return f"`{default}`"


def _type(annotation: Any, links: dict[type, str]) -> str:
    """Returns a type in words; a section is a link to its table."""
    if annotation in links:
        return f"[section](#{links[annotation]})"
    if annotation in _NAMES:
        return _NAMES[annotation]
    origin, arguments = typing.get_origin(annotation), typing.get_args(annotation)
    if origin is typing.Literal:
        return ", ".join(f"`{as_yaml(one)}`" for one in arguments)
    if origin is typing.Annotated:
        words = _type(arguments[0], links), limits_of(annotation)
        return ", ".join(filter(None, words))
    if origin is tuple:
        return f"list of {_type(arguments[0], links)}"
    if origin is dict:
        return f"by name, {_type(arguments[1], links)}"
    if type(None) in arguments:
        inner = [_type(one, links) for one in arguments if one is not type(None)]
        return " or ".join([*inner, "`null`"])
    raise TypeError(f"the page has no words for the type {annotation!r}.")
