"""Figures as SVG with text that stays text, and how they stand in a page.

Ink is `currentColor` and the ground that of the page, so that a figure is legible by
day and by night. The same figure makes the same bytes.
"""

import io
import re
import warnings
from collections.abc import Sequence
from contextlib import AbstractContextManager
from typing import Any

import matplotlib as mpl
import numpy as np
from markupsafe import Markup, escape
from matplotlib.axes import Axes
from matplotlib.backends.backend_svg import FigureCanvasSVG
from matplotlib.figure import Figure
from numpy.typing import ArrayLike

from models.evaluation.intervals import Interval

# No other part of a figure has these colours: those of text, and of what is behind it.
INK, GROUND = "#1a2b3c", "#fefdfc"

# Those of Okabe and Ito, which show on white and on black and to the colour-blind.
GREY, BLUE, ORANGE = "#808080", "#0072b2", "#d55e00"

_STYLE: Any = {  # Keys that matplotlib types as literals.
    "svg.fonttype": "none",
    "font.family": ["DejaVu Sans", "sans-serif"],
    "font.size": 9.0,
    "text.color": INK,
    "axes.edgecolor": INK,
    "axes.labelcolor": INK,
    "axes.titlecolor": INK,
    "axes.titlesize": 10.0,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.axisbelow": True,
    "axes.grid": True,
    "grid.color": INK,
    "grid.alpha": 0.12,
    "xtick.color": INK,
    "ytick.color": INK,
    "legend.frameon": False,
}


def styled(name: str) -> AbstractContextManager[None]:
    """Sets the style, and a salt so that ids of a figure are the same everywhere."""
    return mpl.rc_context({**_STYLE, "svg.hashsalt": name})


def to_svg(figure: Figure) -> str:
    """Returns the figure as an SVG file, in the colours of the page that it is in."""
    file = io.StringIO()
    is_laid_out = figure.get_layout_engine() is not None
    with warnings.catch_warnings():
        # Text stays text, and whoever reads the page has the letters.
        warnings.filterwarnings("ignore", "Glyph .* missing", UserWarning)
        lay_out(figure)
        figure.savefig(
            file,
            format="svg",
            transparent=True,
            # A layout has put everything inside already.
            bbox_inches=None if is_laid_out else "tight",
            metadata={"Date": None, "Creator": None, "Format": None, "Type": None},
        )
    svg = file.getvalue().replace(INK, "currentColor")
    return svg.replace(GROUND, "var(--ground, white)")


def plain(text: str) -> str:
    """Returns text such that matplotlib shows it as it is, dollar signs and all."""
    return text.replace("$", r"\$")


def inline_svg(svg: str, name: str) -> Markup:
    """Returns an SVG file as an element of a page: the one markup made in Python.

    Ids that nothing refers to are left out, since matplotlib gives equal images the
    same one.

    Args:
        svg: The file, as `to_svg` returns it.
        name: What its ids begin with, so that figures share none.
    """
    label, prefix = escape(name), re.sub(r"[^\w-]+", "-", name)
    element = svg[svg.index("<svg") :]
    element = re.sub(r' xmlns(:xlink)?="[^"]*"', "", element)
    element = element.replace("<svg", f'<svg role="img" aria-label="{label}"', 1)
    targets = set(re.findall(r'(?:href="|url\()#([^")]*)', element))

    def own_id(match: re.Match[str]) -> str:
        return f' id="{prefix}-{match[1]}"' if match[1] in targets else ""

    element = re.sub(r' id="([^"]*)"', own_id, element)
    return Markup(re.sub(r'(href="|url\()#', rf"\g<1>#{prefix}-", element))


def draw_intervals(
    axes: Axes, x: ArrayLike, intervals: Sequence[Interval], **look: Any
) -> None:
    """Draws a point and a bar for each interval.

    Args:
        axes: Where to.
        x: A place for each.
        intervals: The means and their ends.
        **look: As `Axes.errorbar` takes it.
    """
    reach = [
        [one.mean - one.low for one in intervals],
        [one.high - one.mean for one in intervals],
    ]
    means = [one.mean for one in intervals]
    axes.errorbar(x, means, yerr=np.clip(reach, 0.0, None), **look)


def lay_out(figure: Figure) -> None:
    """Lays a figure out by its engine, if it has one, as `savefig` of SVG would.

    That would draw all of it once more, which takes longer than to write the file.

    Args:
        figure: It is left without an engine.
    """
    engine = figure.get_layout_engine()
    if engine is None:
        return
    FigureCanvasSVG(figure)
    figure.dpi = 72  # As an SVG file is drawn.
    engine.execute(figure)
    figure.set_layout_engine(None)
