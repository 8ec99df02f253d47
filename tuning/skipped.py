"""Values that a search has not tried, since the configuration refuses them."""

import json
import pathlib
from collections.abc import Iterable, Mapping
from typing import Any

from models.whole_files import read_json, write_json
from tuning.trial_result import TrialResult

SKIPPED_FILE = "skipped.json"


class SkippedPoints:
    """The list, on disk as `skipped.json`; each point stands there once.

    Args:
        search_dir: Folder of the search.
    """

    def __init__(self, search_dir: pathlib.Path) -> None:
        self._path = search_dir / SKIPPED_FILE
        self._points: list[dict[str, Any]] = []
        if self._path.exists():
            self._points = read_json(self._path)

    def add(self, values: Mapping[str, Any], reason: str) -> None:
        """Notes a point with the reason why it is refused."""
        self.extend([(values, reason)])

    def extend(self, refused: Iterable[tuple[Mapping[str, Any], str]]) -> None:
        """Notes several points with their reasons."""
        known = [point["values"] for point in self._points]
        new = [
            {"values": values, "reason": reason}
            for values, reason in json.loads(json.dumps(list(refused)))
            if values not in known
        ]
        if new:
            self._points += new
            write_json(self._path, self._points)

    def results(self) -> list[TrialResult]:
        """Returns them as trials that are invalid."""
        return [
            TrialResult(f"skipped-{number:04d}", "invalid", **point)
            for number, point in enumerate(self._points)
        ]
