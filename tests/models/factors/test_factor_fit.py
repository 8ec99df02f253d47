import numpy as np
import pytest

from models.factors import factor_fit as module
from models.factors import gaussian_factors as module_of_gauss
from models.factors.entity_design import no_features
from models.factors.factor_fit import PriorParts, sweeps_for
from models.factors.fold_fits import fit_in_folds
from models.factors.labelled_pairs import LabelledPairs


@pytest.mark.parametrize(
    ("num_pairs", "num_items", "expected"),
    [(399, 10, 20), (400, 10, 9), (400, 40, 9), (400, 41, 20)],
)
def test_fewer_sweeps_do_where_there_are_many_pairs_of_each_item(
    monkeypatch, num_pairs, num_items, expected
):
    monkeypatch.setattr(module, "_MANY_PAIRS", 400)
    monkeypatch.setattr(module, "_PAIRS_OF_ITEM", 10)
    item = 1 + np.arange(num_pairs) % num_items
    pairs = LabelledPairs(item, item, np.ones(num_pairs), 50, 50)
    sweeps = sweeps_for(pairs)
    assert sweeps.number == expected
    assert (sweeps.relaxation > 0.0) == (expected == 9)  # Fewer go further.


def test_fits_without_a_fold_take_as_many_sweeps_as_the_whole_one(monkeypatch):
    asked = []

    def fit_gaussian_factors(pairs, *, num_iterations, **others):
        asked.append((len(pairs.item), num_iterations))
        return module_of_gauss.fit_gaussian_factors(
            pairs, num_iterations=num_iterations, **others
        )

    monkeypatch.setattr(module, "_MANY_PAIRS", 400)
    monkeypatch.setattr(module, "_PAIRS_OF_ITEM", 10)
    monkeypatch.setattr(module, "fit_gaussian_factors", fit_gaussian_factors)
    user, item = (part.ravel() + 1 for part in np.indices([40, 10]))
    label = np.random.default_rng(0).normal(size=400)
    pairs = LabelledPairs(user, item, label, 40, 10)
    designs = no_features(41), no_features(11)
    parts = PriorParts(rank=2, full_rank_items=0, item_set=False)
    told = []
    known = pairs, designs, parts, np.zeros(0)
    fit_in_folds(*known, seed=0, on_fit=lambda: told.append(len(asked)))
    assert sorted(asked) == [(300, 9)] * 4 + [(400, 9)]
    assert len(told) == 5


def test_relaxed_sweeps_come_nearer_to_the_end_than_as_many_that_are_not():
    rng = np.random.default_rng(0)
    tastes, kinds = rng.normal(size=(1001, 8)), rng.normal(size=(101, 8))
    kinds *= 0.5 * 0.8 ** np.arange(8)
    user, item = (part.ravel() + 1 for part in np.indices([1000, 100]))
    kept = rng.random(len(user)) < 0.2
    user, item = user[kept], item[kept]
    label = np.sum(tastes[user] * kinds[item], axis=1) + rng.normal(size=len(user))
    pairs = LabelledPairs(user, item, label, 1000, 100)

    def expected(number, relaxation):
        fit = module_of_gauss.fit_gaussian_factors(
            pairs, rank=8, num_iterations=number, seed=0, relaxation=relaxation
        )
        return fit.user_mean @ fit.item_factors.T + fit.item_bias

    end = expected(100, 0.0)
    relaxed, plain = (
        np.sqrt(np.mean((expected(*how) - end) ** 2)) for how in ((9, 0.8), (9, 0.0))
    )
    assert relaxed < 0.6 * plain
