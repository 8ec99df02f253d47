import numpy as np
import pytest

from models.parts.label_unit import LabelUnit


def test_labels_are_standardised_and_scores_restored():
    unit = LabelUnit(3.0, 2.0)
    # (5 - 3) / 2 and (2 - 3) / 2.
    np.testing.assert_array_equal(unit.standardised([5.0, 2.0]), [1.0, -0.5])
    np.testing.assert_array_equal(unit.standardised_array([5.0, 2.0]), [1.0, -0.5])
    np.testing.assert_array_equal(unit.restored([1.0, -0.5]), [5.0, 2.0])


@pytest.mark.parametrize("factor", [20.0, 1000.0, 0.01])
def test_labels_that_differ_in_unit_become_the_same_numbers(factor):
    stars = np.array([1.0, 2.5, 4.0, 5.0], np.float32)
    scaled = (factor * stars.astype(np.float64)).astype(np.float32)
    found = [
        unit.standardised(labels).numpy()
        for unit, labels in (
            (LabelUnit(3.1, 1.1), stars),
            (LabelUnit(factor * 3.1, factor * 1.1), scaled),
        )
    ]
    np.testing.assert_allclose(found[1], found[0], rtol=1e-6)


def test_labels_need_a_deviation():
    with pytest.raises(ValueError, match="above 0, got 0"):
        LabelUnit(3.0, 0.0)
