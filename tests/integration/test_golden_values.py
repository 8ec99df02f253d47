"""Both settings come to the figures that they came to when these were frozen.

The golden files are written by `golden/measure.py`, which also measures the parts that
are left out here to be quick. Where a figure is meant to change, write them anew and
say in the changelog why.
"""

import importlib.util
import pathlib

import pytest

GOLDEN = pathlib.Path(__file__).with_name("golden")
PARTS = ("compare",)
RELATIVE, ABSOLUTE = 2e-3, 2e-3  # What training comes to differs a little by CPU.
P_VALUES = 0.03  # They move in steps of one resample.


@pytest.fixture(scope="module")
def golden_values():
    spec = importlib.util.spec_from_file_location("measure", GOLDEN / "measure.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def tolerance(path, golden, step):
    """How far a float may be from the golden one; printed ones by a unit more."""
    least = P_VALUES if path.endswith("holm_p") else ABSOLUTE
    return least + RELATIVE * abs(golden) + 1.01 * step


@pytest.mark.parametrize("setting", ["user", "scenario"])
def test_every_figure_is_what_it_was(golden_values, setting, tmp_path):
    golden = golden_values.read_golden(GOLDEN / f"{setting}.json", PARTS)
    values = golden_values.measure(setting, tmp_path, PARTS)
    differences, gaps = golden_values.compare(golden_values.rounded(values, 6), golden)
    assert differences == []
    assert not [
        f"{path}: {value}, golden {expected}"
        for gap, path, value, expected, step in gaps
        if gap > tolerance(path, expected, step)
    ]
