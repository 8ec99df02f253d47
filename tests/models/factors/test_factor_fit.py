import numpy as np
import pytest

from models.factors import factor_fit as module
from models.factors.factor_fit import num_sweeps
from models.factors.labelled_pairs import LabelledPairs


@pytest.mark.parametrize(
    ("num_pairs", "num_items", "expected"),
    [(399, 10, 20), (400, 10, 12), (400, 40, 12), (400, 41, 20)],
)
def test_fewer_sweeps_do_where_there_are_many_pairs_of_each_item(
    monkeypatch, num_pairs, num_items, expected
):
    monkeypatch.setattr(module, "_MANY_PAIRS", 400)
    monkeypatch.setattr(module, "_PAIRS_OF_ITEM", 10)
    item = 1 + np.arange(num_pairs) % num_items
    pairs = LabelledPairs(item, item, np.ones(num_pairs), 50, 50)
    assert num_sweeps(pairs) == expected
