"""Writes the pages of `docs/reference/` that follow from the code.

`python -m docs.generate` writes `config.md` and `command-line.md`; a test fails if they
are not up to date.
"""

import pathlib

from docs.reference.command_line_page import command_line_page
from docs.reference.config_page import config_page

REFERENCE = pathlib.Path(__file__).parent / "reference"


def main() -> None:
    """Writes the pages."""
    for name, text in pages().items():
        (REFERENCE / name).write_text(text, encoding="utf-8")


def pages() -> dict[str, str]:
    """Returns the text of each page by name of its file."""
    return {"config.md": config_page(), "command-line.md": command_line_page()}


if __name__ == "__main__":
    main()
