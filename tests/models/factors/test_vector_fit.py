import dataclasses

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import ortho_group

from models.episodes.click_records import KnownClicks
from models.factors import vector_fit
from models.factors.factorisation import FactorisationOptions
from models.factors.kept_fits import KeptFits
from models.factors.vector_fit import fit_vectors
from transforms.clicks.schema import Domain

# The first domain has users 1 and 2 and items 1 to 4, the second user 3 and item 5.
DOMAINS = (Domain("a", 2, 4), Domain("b", 1, 1))
SMALL = {
    "als": FactorisationOptions(
        "als", factors=3, regularization=0.1, alpha=5.0, iterations=5
    ),
    "bpr": FactorisationOptions("bpr", factors=3, regularization=0.01, iterations=200),
}


def rows(*values):
    return np.array(values, np.int32)


def clicks(*triples, num_users=3, num_items=5):
    """Known clicks from (user, item, fold)."""
    user, item, fold = np.array(triples, np.int32).reshape(-1, 3).T
    return KnownClicks(user, item, fold, num_users, num_items)


def tasteful_clicks():
    """Users and items of two tastes; two in three pairs of one taste are clicked."""
    chance = np.random.default_rng(0)
    return clicks(
        *(
            (user, item, chance.integers(3))
            for user in range(1, 21)
            for item in range(1, 17)
            if user % 2 == item % 2 and chance.random() < 2 / 3
        ),
        num_users=20,
        num_items=16,
    )


@pytest.fixture
def stub_factorise(monkeypatch):
    """Puts a function of (user, item, shape) in place of the factorisation."""

    def put(function):
        monkeypatch.setattr(
            vector_fit,
            "factorise",
            lambda user, item, shape, *_: function(user, item, shape),
        )

    return put


def dots(fitted, number=0, *, is_open=False):
    """The dot products of all users and items, the unknown ones first."""
    weighed = fitted.users[number] * fitted.unit_weights[int(is_open)]
    return weighed @ fitted.items[number].T


def fit(known, domains=DOMAINS, pools=(), num_folds=0, factors=1):
    options = FactorisationOptions(factors=factors, item_factors=2)
    return fit_vectors(known, domains, pools, options, num_folds)


def test_fit_0_sees_all_clicks_and_every_other_all_but_those_of_its_fold(
    stub_factorise,
):
    seen = []

    def factorise(user, item, shape):
        seen.append((shape, list(zip(user.tolist(), item.tolist(), strict=True))))
        return np.ones([shape[0], 1]), np.ones([shape[1], 1])

    stub_factorise(factorise)
    fit(clicks((1, 1, 0), (2, 4, 1), (2, 2, 0), (3, 5, 1)), num_folds=2)
    # Rows of a domain start at 0; first domain a, then domain b.
    assert seen == [
        ((2, 4), [(0, 0), (1, 3), (1, 1)]),
        ((2, 4), [(1, 3)]),
        ((2, 4), [(0, 0), (1, 1)]),
        ((1, 1), [(0, 0)]),
        ((1, 1), [(0, 0)]),
        ((1, 1), []),
    ]


def test_known_clicks_of_every_domain_have_dot_products_of_unit_size(stub_factorise):
    def factorise(user, item, shape):
        if shape == (1, 1):
            return np.array([[-4.0]]), np.array([[1.0]])
        return np.array([[1.0], [7.0]]), np.array([[2.0], [14.0], [3.0], [3.0]])

    stub_factorise(factorise)
    fitted = fit(clicks((1, 1, 0), (1, 2, 0), (3, 5, 0)))
    # Domain a: dot products 2 and 14, mean square (4 + 196) / 2 = 100, so they are
    # divided by 10, and each side by its root. Domain b: -4, divided by 4.
    np.testing.assert_allclose(
        fitted.users[0, [1, 3], :1], [[1 / 10**0.5], [-4 / 2]], rtol=1e-6
    )
    np.testing.assert_allclose(
        fitted.items[0, [1, 2, 5], :1],
        [[2 / 10**0.5], [14 / 10**0.5], [1 / 2]],
        rtol=1e-6,
    )


def test_the_scale_is_that_of_all_clicks_however_few_are_looked_up_at_once(
    monkeypatch,
):
    known, domains = tasteful_clicks(), [Domain("", 20, 16)]
    at_once = fit(known, domains)
    monkeypatch.setattr(vector_fit, "_CLICKS_AT_ONCE", 7)
    np.testing.assert_allclose(fit(known, domains).items, at_once.items, rtol=1e-6)


def test_fits_that_differ_by_a_turn_only_come_out_equal(stub_factorise):
    chance = np.random.default_rng(0)
    users, items = chance.normal(size=[2, 4]), chance.normal(size=[4, 4])
    turns = iter([np.eye(4), *ortho_group.rvs(4, size=2, random_state=0)])

    def factorise(user, item, shape):
        turn = next(turns)
        return users @ turn, items @ turn

    stub_factorise(factorise)
    # Every user and item has a click in every fit.
    known = [(u, i, f) for u in (1, 2) for i in (1, 2, 3, 4) for f in (0, 1)]
    fitted = fit(clicks(*known, num_users=2, num_items=4), DOMAINS[:1], (), 2, 4)
    for number in (1, 2):
        np.testing.assert_allclose(fitted.users[number], fitted.users[0], atol=1e-6)
        np.testing.assert_allclose(fitted.items[number], fitted.items[0], atol=1e-6)


def test_those_without_a_click_get_a_vector_of_others(stub_factorise):
    # Dot products of the clicks 1-1 and 1-2 are 1 and -1: nothing is rescaled.
    table = {2: np.array([[1.0], [9.0]]), 4: np.array([[1.0], [-1.0], [9.0], [9.0]])}

    def factorise(user, item, shape):
        if shape == (1, 1):
            return np.array([[1.0]]), np.array([[1.0]])
        return table[2].copy(), table[4].copy()

    stub_factorise(factorise)
    known = clicks((1, 1, 0), (1, 2, 0), (3, 5, 0))
    pools = [rows(1, 3), rows(1, 2, 3), rows(3)]
    fitted = fit(known, pools=pools)
    # Item 3 is in the pools {1} and {1, 2}: (1 + (1 - 1) / 2) / 2 = 0.5; the pool that
    # it is alone in says nothing. Item 4 is in no pool: the mean of items 1 and 2. The
    # unknown item: the mean of items 1, 2 and 5, which are clicked. A tenth of each.
    np.testing.assert_allclose(
        fitted.items[0, :, 0], [1 / 30, 1.0, -1.0, 0.05, 0.0, 1.0], atol=1e-6
    )
    np.testing.assert_array_equal(fitted.items[0, :, -1], [-2, 0, 0, -2, -2, 0])
    # User 2 gets what user 1 has; the unknown user the mean of users 1 and 3.
    np.testing.assert_allclose(fitted.users[0, :, 0], [1.0, 1.0, 1.0, 1.0], atol=1e-6)
    assert fitted.num_fallbacks == ((1, 2),)


def test_fallbacks_of_a_fold_are_made_of_what_its_fit_has_seen(stub_factorise):
    stub_factorise(
        lambda user, item, shape: (
            np.ones([shape[0], 1]),
            np.array([[1.0], [-1.0], [1.0], [-1.0]])[: shape[1]],
        )
    )
    known = clicks((1, 1, 0), (1, 2, 0), (2, 3, 1), (3, 5, 1))
    fitted = fit(known, pools=[rows(1, 2, 3, 4)], num_folds=2)
    # Without fold 0 only items 3 (1.0) and 5 are clicked, by users 2 and 3; without
    # fold 1 only items 1 (1.0) and 2 (-1.0), by user 1, and nothing in domain b.
    np.testing.assert_allclose(fitted.items[1, 1:5, 0], [0.1, 0.1, 1.0, 0.1])
    np.testing.assert_allclose(fitted.items[2, 1:5, 0], [1.0, -1.0, 0.0, 0.0])
    assert fitted.num_fallbacks == ((0, 1), (1, 3), (2, 3))


def test_a_domain_without_a_click_in_a_fit_has_vectors_of_zeros():
    known = clicks((1, 1, 0), (2, 2, 0), (3, 5, 1))
    fitted = fit(known, num_folds=2, factors=2).embedding()
    assert not fitted.users[2, 3].any()
    assert not fitted.items[2, 5].any()
    assert fitted.users[1, 3].any()


@pytest.mark.parametrize("method", SMALL)
def test_the_clicks_of_a_fold_do_not_reach_its_fit(method):
    known = tasteful_clicks()
    other = clicks(
        *zip(
            known.user,
            np.where(known.fold == 1, 1 + known.item % 16, known.item),
            known.fold,
            strict=True,
        ),
        num_users=20,
        num_items=16,
    )
    scores = []
    for each in (known, other):
        fitted = fit_vectors(each, [Domain("", 20, 16)], (), SMALL[method], 3)
        fitted = fitted.embedding()
        scores.append(fitted.users @ np.swapaxes(fitted.items, 1, 2))
        # Fit 0, which has seen them, sets the scale of all fits.
        scores[-1] /= np.linalg.norm(scores[-1], axis=(1, 2), keepdims=True)
    np.testing.assert_allclose(scores[0][2], scores[1][2], atol=1e-5)
    assert np.abs(scores[0][[0, 1, 3]] - scores[1][[0, 1, 3]]).max() > 1e-2


@pytest.mark.parametrize("method", SMALL)
def test_vectors_tell_tastes_apart_and_have_the_width_they_say(method):
    known = tasteful_clicks()
    fitted = fit_vectors(known, [Domain("", 20, 16)], (), SMALL[method], 3)
    fitted = fitted.embedding()
    width = {"als": 3, "bpr": 4}[method]  # "bpr" has the bias of items beside.
    assert fitted.users.shape == (4, 21, width)
    assert fitted.items.shape == (4, 17, width)
    users, items = np.arange(1, 21), np.arange(1, 17)
    alike = users[:, np.newaxis] % 2 == items % 2
    for number in range(4):
        scores = fitted.users[number, 1:] @ fitted.items[number, 1:].T
        assert scores[alike].mean() > scores[~alike].mean() + 0.3


PAIRS = [(1, i) for i in range(1, 5)] + [(2, i) for i in range(1, 5)] + [(3, 5)]


@pytest.mark.parametrize("method", SMALL)
@settings(max_examples=10, deadline=None)
@given(
    folds=st.dictionaries(st.sampled_from(PAIRS), st.integers(0, 1)),
    pools=st.lists(
        st.sets(st.integers(1, 5), min_size=1).map(lambda pool: rows(*sorted(pool))),
        max_size=3,
    ),
)
def test_every_vector_is_finite_whatever_is_clicked(method, folds, pools):
    known = clicks(*((*pair, fold) for pair, fold in sorted(folds.items())))
    fitted = fit_vectors(known, DOMAINS, pools, SMALL[method], 2)
    assert np.isfinite(fitted.users).all()
    assert np.isfinite(fitted.items).all()
    for number, seen in enumerate([known.fold >= 0, known.fold != 0, known.fold != 1]):
        assert fitted.num_fallbacks[number] == (
            3 - len(set(known.user[seen])),
            5 - len(set(known.item[seen])),
        )


@pytest.mark.parametrize("method", SMALL)
def test_items_that_nobody_clicked_stand_behind_all_that_were(method):
    known = tasteful_clicks()
    # Items 17 to 32 have no click; every pool holds as many of them as of the others.
    pools = [rows(*range(first, 33, 2)) for first in (1, 2)]
    known = dataclasses.replace(known, num_items=32)
    fitted = fit_vectors(known, [Domain("", 20, 32)], pools, SMALL[method], 3)
    for number, seen in enumerate(
        [known.fold >= 0, *(known.fold != f for f in range(3))]
    ):
        is_clicked = np.isin(np.arange(33), known.item[seen])
        for is_open in (False, True):
            scores = dots(fitted, number, is_open=is_open)
            assert scores[:, ~is_clicked].max() < scores[:, is_clicked].min()


def test_pools_that_weigh_are_rows_of_further_users(monkeypatch):
    seen = []

    def factorise(user, item, shape, options, weight):
        seen.append((shape, *(part.tolist() for part in (user, item, weight))))
        return np.arange(shape[0])[:, np.newaxis], np.ones([shape[1], 1])

    monkeypatch.setattr(vector_fit, "factorise", factorise)
    options = FactorisationOptions(factors=1, pool_weight=0.5, item_factors=2)
    known = clicks((1, 1, 0), (2, 4, 1), (3, 5, 1))
    fitted = fit_vectors(known, DOMAINS, [rows(5), rows(1, 3)], options, 0)
    # Domain a has users 0 and 1 and, as user 2, the pool of its items 0 and 2. Beside
    # each fit there is one that knows no pool.
    assert seen[0] == ((3, 4), [0, 1, 2, 2], [0, 3, 0, 2], [1.0, 1.0, 0.5, 0.5])
    assert seen[1] == ((2, 4), [0, 1], [0, 3], [1.0, 1.0])
    assert seen[2] == ((2, 1), [0, 1], [0, 0], [1.0, 0.5])
    assert seen[3] == ((1, 1), [0], [0], [1.0])
    # A factor, two units of the linear model, what a click weighs, and the unit of
    # items without a click.
    assert fitted.users.shape == (2, 4, 5)
    assert (fitted.per_fold, fitted.open_fit, fitted.num_linear) == (2, 1, 2)
    # Item 2 alone has neither a click nor a pool; the unknown item has none either.
    np.testing.assert_array_equal(fitted.items[0, :, -1], [-2, 0, -2, 0, 0, 0])
    np.testing.assert_array_equal(fitted.items[1, :, -1], [-2, 0, -2, -2, 0, 0])
    assert fitted.num_fallbacks == ((0, 1), (0, 2))
    of_factors = fitted.embedding().complete()
    assert of_factors.users.shape == (2, 4, 1)


def test_a_fit_without_pools_is_that_to_which_none_are_given():
    known, domains = tasteful_clicks(), [Domain("", 20, 16)]
    pools = [rows(*range(first, 17, 2)) for first in (1, 2)]
    options = dataclasses.replace(SMALL["als"], item_factors=10, item_l2=1.0)
    weighed = dataclasses.replace(options, pool_weight=1.0)
    both = fit_vectors(known, domains, pools, weighed, 1)
    alone = fit_vectors(known, domains, (), options, 1)
    assert len(both.users) == 2 * len(alone.users) == 4
    for place in (0, 1):
        dots = [
            fitted.users[row, 1:, :3] @ fitted.items[row, 1:, :3].T
            for fitted, row in ((alone, place), (both, 2 * place + 1))
        ]
        size = [np.linalg.norm(scores) for scores in dots]  # Pools set another scale.
        np.testing.assert_allclose(dots[0] / size[0], dots[1] / size[1], atol=1e-5)


def test_the_dot_product_alone_is_what_it_is_with_all_else():
    known, domains = tasteful_clicks(), [Domain("", 20, 16)]
    pools = [rows(*range(first, 17, 2)) for first in (1, 2)]
    options = dataclasses.replace(SMALL["als"], pool_weight=1.0, item_factors=10)
    for weight in (0.0, 0.5):
        chosen = dataclasses.replace(options, item_weight=weight)
        whole, alone = (
            fit_vectors(known, domains, pools, chosen, 0, dot_alone=dot_alone)
            for dot_alone in (False, True)
        )
        assert alone.per_fold == len(alone.users) == 1
        np.testing.assert_allclose(dots(alone), dots(whole), rtol=1e-4, atol=1e-5)


def test_closeness_to_the_mean_click_spreads_as_the_dot_product():
    known, domains = tasteful_clicks(), [Domain("", 20, 16)]
    options = dataclasses.replace(SMALL["als"], item_factors=10, item_l2=1.0)
    fitted = fit_vectors(known, domains, (), options, 0)
    items = fitted.items[0, 1:, 3:-2]
    clicks_of = [known.item[known.user == user] - 1 for user in range(1, 21)]
    closeness = np.stack([items[own].mean(axis=0) for own in clicks_of]) @ items.T
    dots = fitted.embedding().users[0, 1:] @ fitted.embedding().items[0, 1:].T
    spreads = [scores.std(axis=1).mean() for scores in (closeness, dots)]
    assert spreads[0] == pytest.approx(spreads[1], rel=1e-3)
    # Items of the user's own taste are the closest.
    alike = np.arange(1, 21)[:, np.newaxis] % 2 == np.arange(1, 17) % 2
    assert closeness[alike].mean() > closeness[~alike].mean() + spreads[0]


def test_the_pools_of_an_item_that_nobody_clicked_put_it_among_its_like():
    known = dataclasses.replace(tasteful_clicks(), num_items=18)
    # Items 17 and 18 have no click, their pools the tastes of odd and even items.
    pools = [rows(*range(first, 19, 2)) for first in (1, 2)]
    options = dataclasses.replace(SMALL["als"], pool_weight=1.0)
    fitted = fit_vectors(known, [Domain("", 20, 18)], pools, options, 3)
    # Of the two fits of each fold, the first knows the pools.
    scores = np.stack([dots(fitted, 2 * place)[1:, 17:] for place in range(4)])
    assert (scores[:, ::2, 0] > scores[:, ::2, 1]).all()
    assert (scores[:, 1::2, 1] > scores[:, 1::2, 0]).all()


def test_the_linear_model_of_items_counts_in_the_dot_product_alone():
    known = tasteful_clicks()
    options = dataclasses.replace(
        SMALL["als"], item_weight=0.5, open_weight=2.0, item_factors=10, item_l2=1.0
    )
    domains = [Domain("", 20, 16)]
    alone = fit_vectors(known, domains, (), SMALL["als"], 1)
    both = fit_vectors(known, domains, (), options, 1)
    assert both.users.shape == (2, 21, 3 + 10 + 2)
    of_factors = dots(both.embedding())[1:, 1:]
    expected = dots(alone.embedding())[1:, 1:]
    scale = np.linalg.norm(of_factors) / np.linalg.norm(expected)
    np.testing.assert_allclose(of_factors, scale * expected, atol=1e-4)
    for is_open, weight in ((False, 0.5), (True, 2.0)):
        all_units = dots(both, is_open=is_open)[1:, 1:]
        factors = dots(both.embedding(), is_open=is_open)[1:, 1:]
        spreads = [s.std(axis=1).mean() for s in (factors, all_units - factors)]
        assert spreads[1] == pytest.approx(weight * spreads[0], rel=1e-3)


def test_fits_are_kept_for_other_weights_and_ridges_of_the_same(monkeypatch):
    counted = []
    for name in ("factorise", "decompose_clicks"):
        function = getattr(vector_fit, name)

        def count(*args, _name=name, _function=function, **kwargs):
            counted.append(_name)
            return _function(*args, **kwargs)

        monkeypatch.setattr(vector_fit, name, count)
    known, domains = tasteful_clicks(), [Domain("", 20, 16)]
    pools = [rows(*range(first, 17, 2)) for first in (1, 2)]
    options = dataclasses.replace(SMALL["als"], pool_weight=1.0, item_factors=10)
    told = []
    kept = KeptFits(2, on_fit=lambda place: told.append(place[0]))
    fit_vectors(known, domains, pools, options, 0, kept=kept)
    # The linear model knows no pool, and is the same in both fits.
    assert counted == ["factorise", "factorise", "decompose_clicks"]
    other = dataclasses.replace(options, item_l2=7.0, item_weight=0.5, open_weight=2.0)
    again = fit_vectors(known, domains, pools, other, 0, kept=kept)
    assert len(counted) == 3
    anew = fit_vectors(known, domains, pools, other, 0)
    np.testing.assert_array_equal(again.items, anew.items)
    np.testing.assert_array_equal(again.users, anew.users)
    del counted[:]
    other = dataclasses.replace(other, alpha=2.0)
    fit_vectors(known, domains, pools, other, 0, kept=kept)
    assert counted == ["factorise", "factorise"]
    other = dataclasses.replace(other, item_power=1.0)
    fit_vectors(known, domains, pools, other, 0, kept=kept)
    assert counted[2:] == ["decompose_clicks"]
    assert told == ["factors"] * 2 + ["linear"] + ["factors"] * 2 + ["linear"]


@pytest.mark.parametrize("weight", [0.0, 1.0])
def test_the_features_of_an_item_that_nobody_clicked_put_it_among_its_like(weight):
    known = dataclasses.replace(tasteful_clicks(), num_items=19)
    # Items 17 and 18 have no click, their features the tastes of odd and even items;
    # item 19 has no feature.
    design = np.zeros([20, 2])
    design[1:19:2, 0] = design[2:19:2, 1] = 1.0
    options = dataclasses.replace(
        SMALL["als"], item_factors=3, open_weight=1.0, feature_weight=weight
    )
    domains = [Domain("", 20, 19)]
    fitted = fit_vectors(known, domains, [], options, 2, features=design)
    for place in range(3):
        for is_open in (False, True):
            scores = dots(fitted, place, is_open=is_open)[1:, 17:]
            assert (scores[::2, 0] > scores[::2, 1]).all()
            assert (scores[1::2, 1] > scores[1::2, 0]).all()
            assert (scores[:, 2] < scores[:, :2].min(axis=1)).all()
    assert fitted.num_fallbacks == ((0, 1),) * 3


def test_features_teach_the_linear_model_as_so_many_mean_users(monkeypatch):
    told = []
    decompose = vector_fit.decompose_clicks
    monkeypatch.setattr(
        vector_fit,
        "decompose_clicks",
        lambda *given, further, **others: (
            told.append(further) or decompose(*given, further=further, **others)
        ),
    )
    # Two users have 3 clicks between them; the last column is of no item.
    known = clicks((1, 1, 0), (1, 2, 0), (2, 2, 0), num_users=2, num_items=3)
    design = np.array([[0, 0, 0], [3, 0, 0], [4, 0, 0], [0, 2, 0]])
    options = dataclasses.replace(SMALL["als"], factors=1, item_factors=1)
    for weight in (0.0, 4.0):
        weighed = dataclasses.replace(options, feature_weight=weight)
        domains = [Domain("", 2, 3)]
        fit_vectors(known, domains, [], weighed, 0, features=design)
    without, further = told
    assert without is None
    np.testing.assert_allclose(
        further, 6**0.5 * np.array([[0.6, 0, 0], [0.8, 0, 0], [0, 1, 0]]), rtol=1e-6
    )


@pytest.mark.parametrize("item_factors", [1, 10])  # One value is found by itself.
def test_where_no_user_is_kept_the_mean_of_all_and_the_items_are_the_same(
    item_factors, monkeypatch
):
    monkeypatch.setattr(vector_fit, "_USERS_AT_ONCE", 3)
    chance = np.random.default_rng(0)
    drawn = [
        (user, item, chance.integers(3))
        for user in range(1, 31)
        for item in range(1, 17)
        if (user > 20) == (item > 10) and chance.random() < 0.6
    ]
    # Of two domains; user 32 has no click in one of the fits, user 33 in none.
    known = clicks(*drawn, (31, 12, 0), (32, 13, 1), num_users=33, num_items=16)
    domains = [Domain("a", 20, 10), Domain("b", 13, 6)]
    options = dataclasses.replace(
        SMALL["als"], item_factors=item_factors, item_l2=1.0, item_power=0.5
    )
    both = [
        fit_vectors(known, domains, (), options, 3, keep_users=keep)
        for keep in (True, False)
    ]
    kept, dropped = both
    assert dropped.users.shape == (4, 1, kept.users.shape[-1])
    np.testing.assert_allclose(dropped.users[:, 0], kept.users[:, 0], atol=1e-5)
    np.testing.assert_allclose(dropped.items, kept.items, atol=1e-5)
    np.testing.assert_allclose(dropped.strengths, kept.strengths, rtol=1e-5)
    assert dropped.num_fallbacks == kept.num_fallbacks


@pytest.mark.parametrize("name", ["item_weight", "pool_weight"])
def test_what_asks_for_vectors_of_users_needs_them(name):
    options = dataclasses.replace(SMALL["als"], **{name: 0.5})
    domains = [Domain("", 20, 16)]
    with pytest.raises(
        ValueError, match=r"must be 0 where no user is kept, got .*0\.5"
    ):
        fit_vectors(tasteful_clicks(), domains, (), options, 0, keep_users=False)
