import numpy as np
import pytest

from models.evaluation.label_gain import LabelGain


@pytest.mark.parametrize(
    ("lowest", "highest", "label", "gain", "words"),
    [
        (1.0, 5.0, 3.0, 7.0, "2^(label) - 1"),
        (0.0, 10.0, 3.0, 7.0, "2^(label) - 1"),
        # A range that begins below 0 is moved up: 3 lies 5 above -2.
        (-2.0, 5.0, 3.0, 31.0, "2^(label +2) - 1"),
        (0.0, 100.0, 30.0, 30.0, "label"),
        (-10.0, 10.0, 3.0, 13.0, "label +10"),
        (1.0, 20.0, 3.0, 2.0, "label -1"),
    ],
)
def test_gains_by_hand(lowest, highest, label, gain, words):
    found = LabelGain(lowest, highest)
    assert found.of(label) == gain
    assert found.linear(label) == label - lowest
    assert found.words == words


def test_gains_are_finite_however_large_labels_are():
    assert np.isfinite(LabelGain(999_990.0, 1_000_000.0).of(1_000_000.0))
    assert np.isfinite(LabelGain(990.0, 1000.0).of(1000.0))
