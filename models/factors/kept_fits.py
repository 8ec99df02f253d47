"""Fits that are asked for again, when only what follows them has changed."""

from collections.abc import Callable, Hashable
from typing import Any, TypeAlias

# What is fitted, the first user of a domain, and the number of the fit.
Place: TypeAlias = tuple[str, int, int]


class KeptFits:
    """Keeps the last fit of each place, so that memory does not grow.

    Args:
        num_kept: Fits of a domain that are kept, the first ones.
        on_fit: Called after each fit, with its place.
    """

    def __init__(
        self, num_kept: int, on_fit: Callable[[Place], object] = lambda place: None
    ) -> None:
        self._num_kept = num_kept
        self._on_fit = on_fit
        self._kept: dict[Place, tuple[Hashable, Any]] = {}

    def get(self, place: Place, key: Hashable, fit: Callable[[], Any]) -> Any:
        """Returns what was fitted last, if it was by the same key, or fits anew.

        Args:
            place: Of the fit.
            key: All that the fit depends on beside its place.
            fit: Fits.
        """
        if place[-1] >= self._num_kept:
            return self._fitted(place, fit)
        if place not in self._kept or self._kept[place][0] != key:
            self._kept.pop(place, None)  # Never two of them in memory.
            self._kept[place] = key, self._fitted(place, fit)
        return self._kept[place][1]

    def _fitted(self, place: Place, fit: Callable[[], Any]) -> Any:
        fitted = fit()
        self._on_fit(place)
        return fitted
