"""Pictures of the modulation as TensorBoard shows them."""

import io
from collections.abc import Iterator, Mapping

import numpy as np
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from numpy.typing import NDArray

from models.legacy_keras import tf
from pipeline.insight.modulation_values import Values, has_routes
from pipeline.reports.insight.routes import modulation_figure, route_figure
from pipeline.reports.page.svg import lay_out, styled

_DPI = 80


def modulation_pictures(
    groups: Mapping[str, Values],
) -> Iterator[tuple[str, NDArray[np.uint8]]]:
    """Draws what contexts change of the backbone.

    Yields:
        Name, and picture uint8 [1, height, width, 4]: of routes a graph, and of all
        values heat maps.
    """
    with styled("training"):
        if has_routes(next(iter(groups.values()))):
            yield "routes", _picture(route_figure(groups))
        yield "modulation", _picture(modulation_figure(groups))


def _picture(figure: Figure) -> NDArray[np.uint8]:
    file = io.BytesIO()
    lay_out(figure, FigureCanvasAgg, _DPI)
    figure.savefig(file, format="png", dpi=_DPI, facecolor="white")
    return tf.io.decode_png(file.getvalue(), channels=4).numpy()[np.newaxis]
