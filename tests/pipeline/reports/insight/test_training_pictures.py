import numpy as np

from pipeline.reports.insight.training_pictures import modulation_pictures


def test_routes_have_a_graph_beside_the_heat_maps():
    task = {"routes_0": np.full([2, 2], 0.5), "routes_1": np.array([0.2, 0.8])}
    pictures = dict(modulation_pictures({"a": task, "b": task}))
    assert list(pictures) == ["routes", "modulation"]
    for picture in pictures.values():
        assert picture.dtype == np.uint8
        assert picture.shape[0::3] == (1, 4)
        assert picture.min() < picture.max()  # Something is drawn.
