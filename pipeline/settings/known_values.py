"""What an exported model knows by name: ids, and values of the features of users."""

import pathlib
from collections.abc import Iterable


class KnownValues:
    """The vocabularies of an exported model, each read when it is first asked for.

    A vocabulary has the name of what its values are of: `item_id`, with clicks
    `user_id`, or a feature of users.

    Args:
        tables: The folder of the vocabularies, one value a line.
    """

    def __init__(self, tables: pathlib.Path) -> None:
        self._tables = tables
        self._values: dict[str, frozenset[str]] = {}

    def path(self, name: str) -> pathlib.Path:
        """Returns the file of a vocabulary, which is not there if it has no value."""
        return self._tables / f"{name}.txt"

    def of(self, name: str) -> frozenset[str]:
        """Returns all values of a vocabulary."""
        if name not in self._values:
            path = self.path(name)
            text = path.read_text(encoding="utf-8") if path.exists() else ""
            self._values[name] = frozenset(text.split("\n")[:-1])
        return self._values[name]

    def missing(self, name: str, texts: Iterable[str]) -> list[str]:
        """Returns those texts, each once, that a vocabulary lacks."""
        known = self.of(name)
        return [text for text in dict.fromkeys(texts) if text not in known]
