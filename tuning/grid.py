"""The points of a grid: every value of every key with all others, where they count."""

from collections.abc import Callable, Iterator, Mapping
from typing import Any, TypeAlias

from transforms.schema import DataError
from tuning.space import Domain, Space, is_among

MAX_POINTS = 10_000

# Why the configuration refuses values of keys; "" if it does not.
Refusal: TypeAlias = Callable[[Mapping[str, Any]], str]


def grid_points(space: Space) -> list[dict[str, Any]]:
    """Returns the points in a fixed order, the last key changing fastest.

    Args:
        space: The space; each of its ranges needs `steps`.

    Returns:
        Values by key; keys that are not active at a point are left out.

    Raises:
        DataError: If a range has no steps, or there are too many points.
    """
    return _product(space, _points_of)


def _points_of(key: str, domain: Domain) -> tuple[Any, ...]:
    try:
        return domain.points()
    except ValueError as error:
        raise DataError(f"key {key!r}: {error}") from None


def _ends_of(key: str, domain: Domain) -> tuple[Any, ...]:
    return domain.values or (domain.min, domain.max)


def _product(
    space: Space, points_of: Callable[[str, Domain], tuple[Any, ...]]
) -> list[dict[str, Any]]:
    points: list[dict[str, Any]] = [{}]
    for key, domain in space.keys.items():
        values = points_of(key, domain)
        points = [
            extended
            for point in points
            for extended in (
                [{**point, key: value} for value in values]
                if space.is_active(key, point)
                else [point]
            )
        ]
        if len(points) > MAX_POINTS:
            raise DataError(
                f"space {space.name!r} has more than {MAX_POINTS} points with the keys "
                f"down to {key!r}: draw trials, with --algorithm random."
            )
    return points


def check_values(space: Space, refusal: Refusal) -> None:
    """Makes sure that each value, and each end of a range, can be tried at all.

    Raises:
        DataError: If one is refused with whatever other values, or never counts; it
            names key, value and the reason.
    """
    points = _product(space, _ends_of)
    refused = {index: refusal(point) for index, point in enumerate(points)}
    for key, domain in space.keys.items():
        for value in _ends_of(key, domain):
            with_it = [i for i, p in enumerate(points) if _holds(p, key, value)]
            if not with_it:
                raise DataError(f"key {key!r} is never active: see its `when`.")
            if all(refused[index] for index in with_it):
                raise DataError(
                    f"key {key!r} can never be {value!r}: {refused[with_it[0]]}"
                )


def _holds(point: Mapping[str, Any], key: str, value: Any) -> bool:
    return key in point and is_among(point[key], (value,))


def split_points(
    points: list[dict[str, Any]], refusal: Refusal
) -> tuple[list[dict[str, Any]], Iterator[tuple[dict[str, Any], str]]]:
    """Separates points that can be tried from those that are refused, with reasons."""
    reasons = [refusal(point) for point in points]
    both = list(zip(points, reasons, strict=True))
    return [p for p, reason in both if not reason], (pair for pair in both if pair[1])
