"""What is wrong with a configuration, in the words of who writes YAML."""

import dataclasses
import inspect
import math
import pathlib
import re
import types
import typing
from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import Any

import pydantic
import yaml

from transforms.nearest_name import nearest
from transforms.plural import counted

# What a value must be, by the error of pydantic, with the names of its context.
_MUST = {
    "int_type": "be a whole number",
    "int_parsing": "be a whole number",
    "int_from_float": "be a whole number",
    "float_type": "be a number",
    "float_parsing": "be a number",
    "finite_number": "be a finite number",
    "bool_type": "be true or false",
    "bool_parsing": "be true or false",
    "string_type": "be a text",
    "string_pattern_mismatch": "be a word that matches {pattern}",
    "greater_than": "be above {gt:g}",
    "greater_than_equal": "be at least {ge:g}",
    "less_than": "be below {lt:g}",
    "less_than_equal": "be at most {le:g}",
}
_LISTS = ("tuple_type", "list_type")
_SECTIONS = ("model_type", "dataclass_type", "dict_type")
_ELEMENTS = {int: "whole numbers", float: "numbers"}
_KEYS_SHOWN = 6
_MISSING = dataclasses.MISSING

KEY_CUTOFF = 0.5  # How alike a key or value must be to the one that was meant.


def explain(
    path: str | pathlib.Path, error: pydantic.ValidationError, root: type
) -> str:
    """Says on one line what is wrong with a file.

    Args:
        path: The file.
        error: The error of pydantic.
        root: The class of the whole file.
    """
    problems = error.errors()
    lines = [_explain(one, root) for one in problems if not _is_outer(one, problems)]
    *first, last = lines
    return f"{path}: " + "; ".join([*(line.removesuffix(".") for line in first), last])


def check_names(
    key: str, names: Iterable[str], known: Sequence[str], where: str = ""
) -> None:
    """Checks that names of a key are among those that there are.

    Args:
        key: The key.
        names: Its names.
        known: Those that there are.
        where: What they hold under, in words that follow them.

    Raises:
        ValueError: If one is not; it names the nearest.
    """
    for name in names:
        if name not in known:
            raise ValueError(
                f"{key} must be among {', '.join(known)}{where}, "
                f"got {name!r}{nearest(name, known, KEY_CUTOFF)}"
            )


def _is_outer(problem: Mapping[str, Any], problems: Sequence[Any]) -> bool:
    """Says whether another problem is of a key inside that of this one."""
    inside = len(problem["loc"])
    return any(
        len(other["loc"]) > inside and other["loc"][:inside] == problem["loc"]
        for other in problems
    )


def _explain(problem: Mapping[str, Any], root: type) -> str:
    location = [part for part in problem["loc"] if isinstance(part, str | int)]
    key = ".".join(str(part) for part in location)
    kind, value = problem["type"], problem["input"]
    if kind in ("extra_forbidden", "unexpected_keyword_argument"):
        valid = sorted(_keys_of(_type_at(location[:-1], root)))
        near = nearest(location[-1], valid, KEY_CUTOFF)
        hint = f"; valid keys: {valid}." if near == "." else near
        return f"unknown key {key!r} (value {value!r}){hint}"
    if kind in ("missing", "missing_argument"):
        return f"key {key!r} is required."
    if kind == "value_error":
        message = problem["msg"].removeprefix("Value error, ")
        return f"key {key!r}: {message}" if key else message
    must, hint = _demand(problem, _type_at(location, root))
    if not key:
        return f"the file must {must}, got {_shown(value)}{hint}"
    if value is None:
        hint = ": leave the key out, or give it a value."
    return f"key {key!r} must {must}, got {_shown(value)}{hint}"


def _demand(problem: Mapping[str, Any], wanted: Any) -> tuple[str, str]:
    """Returns what a value must do, and how the message ends, such as with a cure."""
    kind, value, context = problem["type"], problem["input"], problem.get("ctx", {})
    if kind == "literal_error":
        names = re.findall(r"'([^']*)'", context["expected"])
        return f"be one of {', '.join(names)}", nearest(value, names, KEY_CUTOFF)
    if kind in _LISTS:
        return _list_demand(value, _element_of(wanted))
    if kind in _SECTIONS:
        return _section_demand(value, wanted)
    if kind == "too_short":
        return f"have at least {counted(context['min_length'], 'element')}", "."
    if kind not in _MUST:
        return f"hold another value ({problem['msg']})", "."
    is_unquoted = kind == "string_type" and _is_scalar(value)
    return _MUST[kind].format(**context), ": put it in quotes." if is_unquoted else "."


def _list_demand(value: Any, element: Any) -> tuple[str, str]:
    """Returns the demand of a list, and how one element is written as one."""
    if keys := _keys_of(element):
        return f"be a list of sections with the keys {_listed(keys)}", "."
    kind = _ELEMENTS.get(element, "texts")
    if not _is_scalar(value):
        return f"be a list of {kind}", "."
    elements = [value if element in _ELEMENTS else str(value)]
    written = yaml.safe_dump(elements, default_flow_style=True, width=math.inf).strip()
    return f"be a list of {kind}", f": write {written}."


def _section_demand(value: Any, wanted: Any) -> tuple[str, str]:
    """Returns the demand of a section, and how a text is the one key it needs."""
    keys = _keys_of(wanted)
    if not keys:
        return "be names with a value each, such as {name: value}", "."
    hint = "."
    needed = [name for name, is_needed in keys.items() if is_needed]
    takes_text = len(needed) == 1 and _type_at(needed, wanted) is str
    if takes_text and isinstance(value, str):
        hint = f": write {{{needed[0]}: {value}}}."
    return f"be a section with the keys {_listed(keys)}", hint


def _listed(keys: Collection[str]) -> str:
    more = ["..."] if len(keys) > _KEYS_SHOWN else []
    return ", ".join([*list(keys)[:_KEYS_SHOWN], *more])


def _is_scalar(value: Any) -> bool:
    return isinstance(value, str | int | float)


def _shown(value: Any) -> str:
    """Returns a value with the words that YAML has for nothing, yes and no."""
    words = {"None": "null", "True": "true", "False": "false"}
    return words.get(repr(value), repr(value))


def _type_at(location: Sequence[str | int], root: Any) -> Any:
    """Returns the type of a key of a file, `Any` if that is not known."""
    found = root
    for part in location:
        if typing.get_origin(found) in (dict, tuple, list):
            found = _element_of(found)
        else:
            found = typing.get_type_hints(found).get(str(part), Any)
        found = _without_none(found)
    return found


def _element_of(wanted: Any) -> Any:
    """Returns the type of the elements of a list, or of the values of a mapping."""
    arguments = typing.get_args(wanted)
    is_mapping = typing.get_origin(wanted) is dict
    return arguments[1 if is_mapping else 0] if arguments else Any


def _without_none(wanted: Any) -> Any:
    """Returns the type in `Spec | None`."""
    if typing.get_origin(wanted) in (types.UnionType, typing.Union):
        return next(a for a in typing.get_args(wanted) if a is not type(None))
    return wanted


def _keys_of(wanted: Any) -> dict[str, bool]:
    """Returns the keys of a section, and whether each must be given; {} of others."""
    if not inspect.isclass(wanted):
        return {}
    if issubclass(wanted, pydantic.BaseModel):
        return {name: one.is_required() for name, one in wanted.model_fields.items()}
    if not dataclasses.is_dataclass(wanted):
        return {}
    return {
        field.name: (field.default, field.default_factory) == (_MISSING, _MISSING)
        for field in dataclasses.fields(wanted)
    }
