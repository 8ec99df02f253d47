"""Keeps Beam from reading type annotations, which are for people and mypy here."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar, cast

from apache_beam.typehints.decorators import no_annotations

_Function = TypeVar("_Function", bound=Callable[..., Any])


def no_beam_hints(function: _Function) -> _Function:
    """Marks a function of a pipeline stage as one whose annotations Beam must not read.

    Beam can describe neither several outputs nor annotations that are still text. As
    its `no_annotations`, which has no types of its own.
    """
    return cast(_Function, no_annotations(function))
