"""The comparison as one HTML file that needs nothing else, not even a network."""

from __future__ import annotations

import html
import re
from collections.abc import Mapping
from typing import Any

from pipeline.comparison.result_table import ResultTable
from pipeline.comparison.results import direction
from pipeline.comparison.summary import Summary
from pipeline.comparison.tables import all_tables
from pipeline.comparison.verdict import verdict

_POLICY = "default-src 'none'; style-src 'unsafe-inline'; script-src 'unsafe-inline'"

_CSS = """
:root { color-scheme: light dark; --ink: #1b1f24; --ground: #ffffff;
  --quiet: #59636e; --line: #d1d9e0; --shade: #f4f6f8; }
@media (prefers-color-scheme: dark) { :root { --ink: #e6e9ec; --ground: #14171a;
  --quiet: #9aa4ae; --line: #3a4149; --shade: #1d2227; } }
* { box-sizing: border-box; }
body { margin: 0 auto; max-width: 78rem; padding: 1.5rem; color: var(--ink);
  background: var(--ground); font: 15px/1.5 system-ui, sans-serif; }
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
th { position: relative; background: var(--shade); }
th:first-child, td:first-child { position: sticky; left: 0; z-index: 1;
  background: var(--shade); }
th button { all: unset; cursor: pointer; font-weight: 600; }
th button:focus-visible { outline: 2px solid #0072b2; }
th[aria-sort=ascending] button::after { content: " \\25B2"; }
th[aria-sort=descending] button::after { content: " \\25BC"; }
tbody tr:hover td { background: var(--shade); }
figure { margin: 1rem 0; }
svg { max-width: 100%; height: auto; color: var(--ink); }
pre { background: var(--shade); padding: .75rem 1rem; overflow-x: auto; }
@media print { body { max-width: none; padding: 0; font-size: 10px; }
  :root { --ink: #000; --ground: #fff; --quiet: #333; --line: #bbb; --shade: #fff; }
  .wide { overflow: visible; } table { font-size: 7px; }
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


def comparison_page(summary: Summary, figures: Mapping[str, str]) -> str:
    """Returns the page: what was found, figures, tables, and how to get the same.

    Args:
        summary: The results.
        figures: SVG by name, as `all_figures` returns it.
    """
    setup = summary.setup
    heading = f"Comparison {setup.name}"
    told = (
        f"{setup.setting} setting, {len(summary.results)} methods, {setup.num_tasks} "
        f"tasks of {setup.split}, {len(setup.seeds)} seeds."
    )
    return "\n".join(
        [
            '<!DOCTYPE html>\n<html lang="en">\n<head>\n<meta charset="utf-8">',
            f'<meta http-equiv="Content-Security-Policy" content="{_POLICY}">',
            '<meta name="viewport" content="width=device-width, initial-scale=1">',
            f"<title>{html.escape(heading)}</title>",
            f"<style>{_CSS}</style>\n</head>\n<body>",
            f"<h1>{html.escape(heading)}</h1>",
            f'<p class="quiet">{html.escape(told)}</p>',
            _verdict(summary),
            *(
                _figure(svg, name, _caption(name, summary.setup.primary))
                for name, svg in figures.items()
            ),
            *(_section(table) for table in all_tables(summary)),
            _hyperparameters(summary),
            _commands(summary),
            f"<script>{_SCRIPT}</script>\n</body>\n</html>\n",
        ]
    )


def inline_svg(svg: str, name: str) -> str:
    """Returns an SVG file as an element of a page.

    Args:
        svg: The file.
        name: What its ids are to begin with, so that figures do not share any.
    """
    element = svg[svg.index("<svg") :]
    element = re.sub(r' xmlns(:xlink)?="[^"]*"', "", element)
    element = element.replace("<svg", f'<svg role="img" aria-label="{name}"', 1)
    element = re.sub(r'\bid="', f'id="{name}-', element)
    return re.sub(r'(href="|url\()#', rf"\g<1>#{name}-", element)


def _verdict(summary: Summary) -> str:
    sentences = [f"<li>{html.escape(sentence)}</li>" for sentence in verdict(summary)]
    return f'<ul class="verdict">\n{"".join(sentences)}\n</ul>'


def _caption(name: str, primary: str) -> str:
    """Says what to look for in a figure."""
    if name == "few_shot":
        return (
            f"{primary} by the size of the support set. Look for methods that gain "
            "with every pair, and for those that are good before there are any. A "
            "level line makes no use of the support set. Simple methods are dashed; "
            "sizes are evenly spaced, whatever their distance."
        )
    if name == "cost_by_steps":
        return (
            "Time and memory by inner steps, as in Figure 2 of the CMML paper. Look "
            "for how fast the methods that take gradient steps rise; level lines are "
            "methods that adapt in a forward pass. All axes are logarithmic."
        )
    corner = "lower" if direction(primary) < 0 else "upper"
    return (
        f"Quality against the cost of adaptation. Look for the {corner} left corner: "
        f"a good {primary} for little time. Bars are 95 % intervals over tasks; where "
        "they overlap, only the paired differences of the table can tell two methods "
        "apart. Methods that were not timed are left out."
    )


def _figure(svg: str, name: str, caption: str) -> str:
    return (
        f"<figure>\n{inline_svg(svg, name)}\n"
        f"<figcaption>{html.escape(caption)}</figcaption>\n</figure>"
    )


def _section(table: ResultTable) -> str:
    return (
        f"<h2>{html.escape(table.title)}</h2>\n<p>{html.escape(table.note)}</p>\n"
        f'<div class="wide">{table.to_html()}</div>'
    )


def _hyperparameters(summary: Summary) -> str:
    rows = []
    for one in summary.results:
        chosen = _options(one.hyperparameters) or "none"
        tried = "<br>".join(
            f"<code>{_options(changes) or 'defaults'}</code>: "
            + ("broke off" if figure is None else f"{figure:.4f}")
            for changes, figure in (one.trials if len(one.trials) > 1 else ())
        )
        rows.append(
            f"<tr><td>{html.escape(one.name)}</td><td><code>{chosen}</code></td>"
            f"<td>{tried or '-'}</td></tr>"
        )
    return (
        "<h2>Hyperparameters chosen</h2>\n<p>Each trained method had at most "
        f"{summary.setup.num_trials} trials with the first seed; the best figure on "
        "meta-validation was taken, higher being better.</p>\n"
        '<div class="wide"><table><thead><tr><th scope="col">method</th>'
        '<th scope="col">chosen</th><th scope="col">trials</th></tr></thead>\n<tbody>\n'
        + "\n".join(rows)
        + "\n</tbody></table></div>"
    )


def _options(options: Mapping[str, Any]) -> str:
    return html.escape(", ".join(f"{key}={value}" for key, value in options.items()))


def _commands(summary: Summary) -> str:
    if not summary.setup.commands:
        return ""
    lines = html.escape("\n".join(summary.setup.commands))
    return f"<h2>How to get the same</h2>\n<pre><code>{lines}</code></pre>"
