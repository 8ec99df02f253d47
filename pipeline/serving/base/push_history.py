"""`pushes.jsonl`: what was pushed to a base and rolled back, a line for each."""

import contextlib
import dataclasses
import datetime
import json
import pathlib
from collections.abc import Iterator
from typing import Any

from models.whole_files import write_atomically
from pipeline.serving.base.live_server import LiveServerError
from transforms.schema import DataError

PUSHES_JSONL = "pushes.jsonl"

PUSH, ROLLBACK, WITHDRAWAL = "push", "rollback", "withdrawal"


@dataclasses.dataclass(frozen=True)
class PushEvent:
    """One line.

    Attributes:
        event: `PUSH`, `ROLLBACK` or `WITHDRAWAL`.
        model_name: Name of the model.
        pushed_version: That gets the label.
        destination: Directory of the version.
        label: That moves, or does not after all if it is a withdrawal.
        previous_version: That had the label; None if none had.
        blessing: Why the version may serve; None of a rollback.
    """

    event: str
    model_name: str
    pushed_version: int
    destination: pathlib.Path
    label: str
    previous_version: int | None
    blessing: str | None = None


class PushHistory:
    """The history of a base."""

    def __init__(self, base: pathlib.Path) -> None:
        self._path = base / PUSHES_JSONL

    def events(self) -> list[dict[str, Any]]:
        """Returns what happened, the first thing first.

        Raises:
            DataError: If a line is no JSON object; it names the line.
        """
        if not self._path.exists():
            return []
        events = []
        text = self._path.read_text(encoding="utf-8")
        for number, line in enumerate(text.splitlines(), 1):
            try:
                event = json.loads(line)
            except json.JSONDecodeError:
                event = None
            if not isinstance(event, dict):
                raise DataError(
                    f"{self._path}, line {number}: must be a JSON object, got {line!r}."
                )
            events.append(event)
        return events

    def record(self, event: PushEvent) -> None:
        """Adds a line."""
        now = datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds")
        line = {"time": now, **_fields(event)}
        lines = [json.dumps(part, ensure_ascii=False) for part in self.events()]
        lines.append(json.dumps(line, ensure_ascii=False))
        write_atomically(self._path, "\n".join(lines) + "\n", is_durable=True)

    @contextlib.contextmanager
    def recorded(self, event: PushEvent) -> Iterator[None]:
        """Records what is about to be done, so that a crash cannot hide it.

        What was recorded last, and then killed, is not recorded again. If a server
        refuses it, the event is withdrawn by a line of its own.
        """
        if not self._is_last(event):
            self.record(event)
        try:
            yield
        except LiveServerError:
            self.record(dataclasses.replace(event, event=WITHDRAWAL))
            raise

    def _is_last(self, event: PushEvent) -> bool:
        *_, last = [{}, *self.events()]
        return {**last, "time": None} == {**_fields(event), "time": None}

    def before(self, model_name: str, label: str, version: int) -> int | None:
        """Returns the version that a label was taken from when it got to another one.

        Only pushes count: after a rollback from 3 to 2, what was before 2 is still 1.

        Args:
            model_name: Name of the model.
            label: The label.
            version: That has the label now.

        Returns:
            None if the version was the first with that label, or was not pushed. A push
            that only put its directory back does not count.
        """
        for event in reversed(self.events()):
            subject = (event.get("event"), event.get("model_name"), event.get("label"))
            is_push = subject == (PUSH, model_name, label)
            if is_push and event.get("pushed_version") == version:
                previous = event.get("previous_version")
                if previous != version:
                    return None if previous is None else int(previous)
        return None


def _fields(event: PushEvent) -> dict[str, Any]:
    """Returns what a line says of an event, without its time."""
    return dataclasses.asdict(event) | {"destination": str(event.destination)}
