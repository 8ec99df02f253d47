"""The frame of a page for people: one HTML file that asks for nothing else.

A policy forbids every request, style and script stand in the file, and colours follow
day, night and paper.
"""

from __future__ import annotations

import dataclasses
import html
from collections.abc import Sequence

# Points of a figure may be an image within the file.
_POLICY = (
    "default-src 'none'; img-src data:; style-src 'unsafe-inline'; "
    "script-src 'unsafe-inline'"
)

_CSS = """
:root { color-scheme: light dark; --ink: #1b1f24; --ground: #ffffff;
  --quiet: #59636e; --line: #d1d9e0; --shade: #f4f6f8; }
@media (prefers-color-scheme: dark) { :root { --ink: #e6e9ec; --ground: #14171a;
  --quiet: #9aa4ae; --line: #3a4149; --shade: #1d2227; } }
* { box-sizing: border-box; }
body { margin: 0 auto; max-width: 78rem; padding: 1.5rem; color: var(--ink);
  background: var(--ground); font: 15px/1.5 system-ui, sans-serif;
  overflow-wrap: break-word; }
h1 { font-size: 1.6rem; margin: 0 0 .25rem; }
h2 { font-size: 1.2rem; margin: 2.5rem 0 .5rem; }
p, figcaption, li { max-width: 60rem; }
.quiet, figcaption { color: var(--quiet); }
.verdict { padding: .75rem 1rem .75rem 2rem; background: var(--shade);
  border-left: 4px solid #d55e00; margin: 1rem 0; }
.wide { overflow-x: auto; }
table { border-collapse: collapse; font-size: .85rem; }
th, td { padding: .3rem .6rem; border-bottom: 1px solid var(--line);
  text-align: left; vertical-align: top; }
td.number { text-align: right; white-space: nowrap;
  font-variant-numeric: tabular-nums; }
td.long { min-width: 18rem; }
th { position: relative; background: var(--shade); }
th:first-child, td:first-child { position: sticky; left: 0; z-index: 1;
  background: var(--shade); }
th button { all: unset; cursor: pointer; font-weight: 600; }
th button:focus-visible { outline: 2px solid #0072b2; }
th[aria-sort=ascending] button::after { content: " \\25B2"; }
th[aria-sort=descending] button::after { content: " \\25BC"; }
tbody tr:hover td { background: var(--shade); }
figure { margin: 1rem 0; overflow-x: auto; }
figcaption { position: sticky; left: 0; }
svg { max-width: 100%; height: auto; color: var(--ink); }
@media screen and (max-width: 48rem) { svg { min-width: 44rem; } }
summary { cursor: pointer; }
nav ul { display: flex; flex-wrap: wrap; gap: .25rem 1.25rem; padding: 0;
  list-style: none; }
nav a { color: inherit; }
pre { background: var(--shade); padding: .75rem 1rem; overflow-x: auto; }
@media print { body { max-width: none; padding: 0; font-size: 10px; }
  :root { --ink: #000; --ground: #fff; --quiet: #333; --line: #bbb; --shade: #fff; }
  nav { display: none; } .wide, figure { overflow: visible; } table { font-size: 7px; }
  th, td { padding: .15rem .25rem; } td.number { white-space: normal; }
  th:first-child, td:first-child { position: static; }
  figure, tr, .verdict { break-inside: avoid; } h2 { break-after: avoid; } }
"""

# Sorts by the cells' keys: numbers by value, text by letters, what is missing last.
_SCRIPT = """
for (const table of document.querySelectorAll("table.sortable")) {
  const heads = [...table.tHead.rows[0].cells];
  heads.forEach((head, n) => head.querySelector("button").onclick = () => {
    const up = head.getAttribute("aria-sort") !== "ascending";
    heads.forEach(other => other.removeAttribute("aria-sort"));
    head.setAttribute("aria-sort", up ? "ascending" : "descending");
    const key = row => row.cells[n].dataset.key;
    const order = (a, b) => {
      if (key(a) === "" || key(b) === "") return (key(a) === "") - (key(b) === "");
      const gap = Number(key(a)) - Number(key(b));
      const rise = Number.isNaN(gap) ? key(a).localeCompare(key(b)) : gap;
      return up ? rise : -rise;
    };
    table.tBodies[0].append(...[...table.tBodies[0].rows].sort(order));
  });
}
"""


@dataclasses.dataclass(frozen=True)
class Section:
    """A part of a page under a heading of its own.

    Attributes:
        title: The heading, as text.
        body: HTML.
        note: What is shown, in a sentence or two, as text; "" for none.
        name: What links to it end in, made of letters, digits and dashes; "" if it is
            not to stand in the list of sections.
    """

    title: str
    body: str
    note: str = ""
    name: str = ""

    def to_html(self) -> str:
        """Returns the heading, the note and the body."""
        target = f' id="{self.name}"' if self.name else ""
        lines = [f"<h2{target}>{html.escape(self.title)}</h2>"]
        lines += [f"<p>{html.escape(self.note)}</p>"] if self.note else []
        return "\n".join([*lines, self.body])


def page(heading: str, told: str, parts: Sequence[str | Section]) -> str:
    """Returns a whole page.

    Args:
        heading: Its title, as text.
        told: What it is of, in a sentence, as text.
        parts: HTML, and sections; those that have a name are listed before the first
            part.
    """
    sections = [part for part in parts if isinstance(part, Section)]
    links = [
        f'<li><a href="#{section.name}">{html.escape(section.title)}</a></li>'
        for section in sections
        if section.name
    ]
    listed = f'<nav aria-label="Sections"><ul>{"".join(links)}</ul></nav>'
    return "\n".join(
        [
            '<!DOCTYPE html>\n<html lang="en">\n<head>\n<meta charset="utf-8">',
            f'<meta http-equiv="Content-Security-Policy" content="{_POLICY}">',
            '<meta name="viewport" content="width=device-width, initial-scale=1">',
            f"<title>{html.escape(heading)}</title>",
            f"<style>{_CSS}</style>\n</head>\n<body>",
            f"<h1>{html.escape(heading)}</h1>",
            f'<p class="quiet">{html.escape(told)}</p>',
            *([listed] if links else []),
            *(part if isinstance(part, str) else part.to_html() for part in parts),
            f"<script>{_SCRIPT}</script>\n</body>\n</html>\n",
        ]
    )
