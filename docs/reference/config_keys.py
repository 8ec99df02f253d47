"""Keys of the configuration: type, default and meaning, read from its classes."""

import dataclasses
import inspect
import re
import typing
from collections.abc import Sequence
from typing import Any, NamedTuple

import annotated_types
import pydantic

_LIMITS = {
    annotated_types.Ge: ("at least", "ge"),
    annotated_types.Gt: ("above", "gt"),
    annotated_types.Le: ("at most", "le"),
    annotated_types.Lt: ("below", "lt"),
}


class Key(NamedTuple):
    """A key of a section.

    Attributes:
        name: The key.
        annotation: Its type.
        limits: What a value must be, in words; "" if any of the type will do.
        default: Its default, as it is written in YAML; None if it must be given.
        meaning: What it is, as the docstring of the class says.
    """

    name: str
    annotation: Any
    limits: str
    default: str | None
    meaning: str


class Section(NamedTuple):
    """A section of the configuration.

    Attributes:
        paths: Where it stands, such as "data.users.table"; "" for the whole file.
        summary: What it is, as the docstring of the class says.
        keys: Its keys.
    """

    paths: list[str]
    summary: str
    keys: list[Key]


def sections_of(root: type) -> dict[type, Section]:
    """Returns the class of a file and those of all its sections, outer ones first."""
    paths: dict[type, list[str]] = {}

    def visit(kind: type, path: str) -> None:
        paths.setdefault(kind, []).append(path)
        for key in _keys_of(kind):
            for part in sections_in(key.annotation):
                visit(part, f"{path}.{key.name}{_element(key.annotation)}".lstrip("."))

    visit(root, "")
    return {
        kind: Section(of_kind, _summary(kind), _keys_of(kind))
        for kind, of_kind in paths.items()
    }


def all_keys(root: type) -> set[str]:
    """Returns every key and every section of a file, as `--set` takes a key."""
    sections = sections_of(root).values()
    return {path for one in sections for path in one.paths if path} | {
        f"{path}.{key.name}".lstrip(".")
        for one in sections
        for path in one.paths
        for key in one.keys
    }


def sections_in(annotation: Any) -> list[type]:
    """Returns the sections within a type, such as `Spec | None`."""
    if typing.get_origin(annotation) is None and isinstance(annotation, type):
        is_model = issubclass(annotation, pydantic.BaseModel)
        return [annotation] if is_model or dataclasses.is_dataclass(annotation) else []
    parts = [] if _is_literal(annotation) else typing.get_args(annotation)
    return [kind for part in parts for kind in sections_in(part)]


def limits_of(annotation: Any, metadata: Sequence[Any] = ()) -> str:
    """Says what a value must be, such as "at least 1"; "" if anything will do."""
    if typing.get_origin(annotation) is typing.Annotated:
        metadata = [*metadata, *typing.get_args(annotation)[1:]]
    return " and ".join(
        f"{words} {_number(getattr(one, name))}"
        for one in metadata
        for kind, (words, name) in _LIMITS.items()
        if isinstance(one, kind)
    )


def as_yaml(value: Any) -> str:
    """Returns a value as it is written in YAML."""
    if isinstance(value, bool) or value is None:
        return {True: "true", False: "false", None: "null"}[value]
    if isinstance(value, tuple):
        return "[" + ", ".join(map(as_yaml, value)) + "]"
    return f'"{value}"' if value in (",", "|", "") else str(value)


def _keys_of(kind: type) -> list[Key]:
    meanings = _meanings(kind)
    if issubclass(kind, pydantic.BaseModel):
        return [
            Key(
                name,
                field.annotation,
                limits_of(field.annotation, field.metadata),
                None if field.is_required() else as_yaml(field.default),
                meanings[name],
            )
            for name, field in kind.model_fields.items()
        ]
    hints = typing.get_type_hints(kind, include_extras=True)
    return [
        Key(
            field.name,
            hints[field.name],
            "",
            None if field.default is dataclasses.MISSING else as_yaml(field.default),
            meanings[field.name],
        )
        for field in dataclasses.fields(kind)
    ]


def _summary(kind: type) -> str:
    return _one_line(inspect.cleandoc(kind.__doc__ or "").partition("\n\n")[0])


def _meanings(kind: type) -> dict[str, str]:
    """Reads the attributes in the docstrings of a class and of those it extends."""
    meanings: dict[str, str] = {}
    for one in reversed(kind.__mro__):
        text = inspect.cleandoc(one.__dict__.get("__doc__") or "")
        _, _, attributes = text.partition("Attributes:\n")
        block = re.split(r"\n(?=\S)", attributes)[0]
        for entry in re.split(r"\n(?=    \S)", "\n" + block):
            name, separator, meaning = entry.strip().partition(":")
            if separator:
                meanings[name] = _one_line(meaning)
    return meanings


def _element(annotation: Any) -> str:
    """Returns what a key has behind it for an element of a list, or one by name."""
    return {tuple: "[n]", dict: ".[name]"}.get(typing.get_origin(annotation), "")


def _is_literal(annotation: Any) -> bool:
    return typing.get_origin(annotation) is typing.Literal


def _number(value: float) -> str:
    return f"{int(value):,}" if value == int(value) else str(value)


def _one_line(text: str) -> str:
    return " ".join(text.split())
