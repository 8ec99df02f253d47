import io

import pytest
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.backends.backend_svg import FigureCanvasSVG
from matplotlib.figure import Figure

from pipeline.reports.page.layout import lay_out
from pipeline.reports.page.svg import styled

KINDS = {"svg": (FigureCanvasSVG, 72), "png": (FigureCanvasAgg, 80)}


def new_figure(layout):
    """A figure with all that takes room beside its axes."""
    figure = Figure(layout=layout)
    for number, axes in enumerate(figure.subplots(1, 2)):
        image = axes.imshow([[0, 1], [2, 3]])
        axes.set(title=f"Title {number}", xlabel="x", ylabel="y")
        axes.set_yticks([0, 1], ["a long name", "another"])
        figure.colorbar(image)
    return figure


def saved(figure, kind):
    file = io.BytesIO()
    figure.savefig(file, format=kind, dpi=KINDS[kind][1], metadata={})
    return file.getvalue()


@pytest.mark.parametrize("kind", KINDS)
def test_a_figure_is_laid_out_as_it_would_be_when_it_is_saved(kind):
    with styled("layout"):
        first, again, without = map(new_figure, ["constrained", "constrained", None])
        lay_out(again, *KINDS[kind])
        assert again.get_layout_engine() is None
        assert picture(first, kind) == picture(again, kind)
        assert picture(first, kind) != picture(without, kind)


def picture(figure, kind):
    lines = saved(figure, kind).split(b"\n")
    return [line for line in lines if b"dc:date" not in line]


def test_a_figure_without_an_engine_stays_as_it_is():
    figure = new_figure(None)
    canvas = figure.canvas
    lay_out(figure, *KINDS["svg"])
    assert figure.canvas is canvas
