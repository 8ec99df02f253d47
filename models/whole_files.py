"""Text files that are there whole or not at all."""

import os
import pathlib


def write_atomically(path: pathlib.Path, text: str) -> None:
    """Writes a text file so that no reader ever sees half of it.

    The folder is made if it is not there. Of one file there is one writer at a time.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_name(f".{path.name}.tmp")
    temporary.write_text(text, encoding="utf-8")
    os.replace(temporary, path)
