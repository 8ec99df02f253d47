"""Parts that pages are made of."""

from __future__ import annotations

import html
from collections.abc import Iterable, Sequence

from pipeline.reports.page.result_table import ResultTable
from pipeline.reports.page.svg import inline_svg


def verdict_list(sentences: Iterable[str]) -> str:
    """Returns what was found, one sentence an item, set off from the rest.

    Args:
        sentences: Text.
    """
    items = [f"<li>{html.escape(sentence)}</li>" for sentence in sentences]
    return f'<ul class="verdict">\n{"".join(items)}\n</ul>'


def bullet_list(sentences: Iterable[str]) -> str:
    """Returns a list, one sentence an item; nothing if there is none.

    Args:
        sentences: Text.
    """
    items = [f"<li>{html.escape(sentence)}</li>" for sentence in sentences]
    return f"<ul>\n{''.join(items)}\n</ul>" if items else ""


def captioned(svg: str, name: str, caption: str) -> str:
    """Returns a figure with what to look for in it.

    Args:
        svg: An SVG file.
        name: What its ids are to begin with.
        caption: Text.
    """
    return (
        f"<figure>\n{inline_svg(svg, name)}\n"
        f"<figcaption>{html.escape(caption)}</figcaption>\n</figure>"
    )


def sortable(table: ResultTable) -> str:
    """Returns a table that scrolls by itself where it is wider than the page."""
    return f'<div class="wide">{table.to_html()}</div>'


def commands(lines: Sequence[str]) -> str:
    """Returns what is to be typed.

    Args:
        lines: Text.
    """
    return f"<pre><code>{html.escape(chr(10).join(lines))}</code></pre>"


def folded(title: str, body: str) -> str:
    """Returns HTML that is shown when its title is clicked.

    Args:
        title: Text.
        body: HTML.
    """
    return f"<details>\n<summary>{html.escape(title)}</summary>\n{body}\n</details>"
