"""Raw features of a user in requests, read as preparation reads those of a table."""

import math
from collections.abc import Mapping
from typing import Any

from transforms.entities.feature_values import parse_feature
from transforms.reading.row_error import RowError
from transforms.reading.values import as_number
from transforms.specs import FeatureSpec

PREFIX = "user_"  # Of the inputs of a signature.
SEPARATORS = "feature_separators"  # Key of the manifest: by feature of several values.

_MOST_VALUES = 1 << 30  # The graph keeps as many as preparation did.
_WORDS = {
    "numeric": "a number",
    "categorical": "one value",
    "multi": "a list of values",
}


def request_features(manifest: Mapping[str, Any]) -> dict[str, FeatureSpec]:
    """Returns the features that a model takes of a user, by name.

    Args:
        manifest: That of the version.
    """
    inputs = manifest["signatures"]["rank"]["inputs"]
    separators = manifest.get(SEPARATORS, {})
    return {
        (name := raw.removeprefix(PREFIX)): FeatureSpec(
            name,
            kind=_kind(spec),
            separator=separators.get(name, FeatureSpec.separator),
            max_values=_MOST_VALUES,
        )
        for raw, spec in inputs.items()
        if raw.startswith(PREFIX)
    }


def check_feature(value: Any, spec: FeatureSpec) -> None:
    """Checks that preparation could read a value, or that it is a number beyond reach.

    Such a number is unknown, to servers too, which cannot be sent anything else.

    Raises:
        ValueError: If it is neither.
    """
    if spec.kind == "numeric":
        is_fine = isinstance(value, int | float) or _is_number(value)
    else:
        is_fine = not parse_feature(value, spec).num_unreadable
    if not is_fine:
        raise ValueError(
            f"user feature {spec.name!r} must be {_WORDS[spec.kind]}, got {value!r}."
        )


def read_feature(value: Any, spec: FeatureSpec) -> float | str | list[str]:
    """Returns the value of a feature as a signature takes it.

    Returns:
        A number, a text, or several. What is None, empty or cannot be read is unknown:
        NaN, "", or not among them.
    """
    parsed = parse_feature(value, spec).value
    if not isinstance(parsed, tuple):
        return math.nan if parsed is None else parsed
    return list(parsed) if spec.kind == "multi" else "".join(parsed)


def read_texts(value: Any, spec: FeatureSpec) -> tuple[str, ...]:
    """Returns the texts that the value of a feature holds; of a number none."""
    parsed = parse_feature(value, spec).value
    return parsed if isinstance(parsed, tuple) else ()


def _kind(spec: Mapping[str, Any]) -> Any:
    if spec["dtype"] == "float32":
        return "numeric"
    return "categorical" if len(spec["shape"]) == 1 else "multi"


def _is_number(value: Any) -> bool:
    try:
        as_number(value)
    except RowError:
        return False
    return True
