"""The layout of a figure, without a drawing of it."""

from __future__ import annotations

from matplotlib.backend_bases import FigureCanvasBase
from matplotlib.figure import Figure


def lay_out(figure: Figure, canvas: type[FigureCanvasBase], dpi: int) -> None:
    """Lays a figure out by its engine, if it has one, as `savefig` would.

    That would draw all of it once more, which takes longer than to write the file.

    Args:
        figure: It is left without an engine.
        canvas: What it is going to be drawn on.
        dpi: Dots per inch that it is going to be drawn with.
    """
    engine = figure.get_layout_engine()
    if engine is None:
        return
    canvas(figure)
    figure.dpi = dpi
    engine.execute(figure)
    figure.set_layout_engine(None)
