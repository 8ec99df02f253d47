import dataclasses

import numpy as np
import pytest

from models.episodes.entity_table import EntityTable
from models.factors.factor_fit import PriorParts, turn
from models.factors.fold_fits import fits_at_once
from models.factors.item_factors import ItemFactors
from models.factors.labelled_pairs import LabelledPairs
from models.factors.no_factors import NoFactors
from models.legacy_keras import tf
from transforms.schema import Feature

NUM_USERS, NUM_ITEMS = 12, 6
ITEMS = tf.range(NUM_ITEMS + 1)
PLAIN = PriorParts(
    rank=1,
    full_rank_items=0,
    user_features=False,
    item_features=False,
    item_set=False,
    item_noise=False,
)
LEVELS = (1.0, 2.0, 3.0, 4.0, 5.0)


def entities(num_rows, **values):
    """A table of N entities with categorical features; row 0 is unknown."""
    features = [
        Feature(name, "categorical", vocabulary_size=max(column))
        for name, column in values.items()
    ]
    encoded = {
        name: np.array([0, *column], np.int32)[:, np.newaxis]
        for name, column in values.items()
    }
    return EntityTable(tuple(features), encoded, np.zeros(num_rows + 1, np.int64))


USERS, FILMS = entities(NUM_USERS), entities(NUM_ITEMS)


def random_pairs(num_users=10, seed=0):
    """Half of the labels of the first users; the last ones are not of meta-train."""
    rng = np.random.default_rng(seed)
    user, item = np.nonzero(rng.random([num_users, NUM_ITEMS]) < 0.5)
    label = rng.integers(1, 6, user.size).astype(np.float32)
    return LabelledPairs(user + 1, item + 1, label, NUM_USERS, NUM_ITEMS)


def fitted_factors(pairs, seed=0, users=USERS, items=FILMS, levels=(), **parts):
    parts = dataclasses.replace(PLAIN, **parts)
    factors = ItemFactors(users, items, parts, levels=levels)
    factors.fit(pairs, seed=seed)
    return factors


def units_of(factors, user, training=True):
    """What is known of all items when this user meets them."""
    return factors.look_up(tf.fill(ITEMS.shape, user), ITEMS, training=training)


def units(factors, *rows):
    """Rows of factors, label and noise, as a look-up gives them; [1, S, width]."""
    num_factors = factors.num_factors
    rest = [0.0] * (factors.width - num_factors - 2)
    return tf.constant([[[*row, *rest] for row in rows]])


def solve(factors, rows, labels, mask):
    level = tf.zeros([len(labels), factors.level_width])
    return factors.solve(rows, level, tf.constant(labels), tf.constant(mask))


def test_one_user_factor_is_solved_by_ridge_regression():
    factors = ItemFactors(USERS, FILMS, dataclasses.replace(PLAIN, rank=0))
    rows = units(factors, [1.0, 3.0, 1.0], [2.0, 3.0, 1.0], [7.0, 7.0, 1.0])
    user = solve(factors, rows, [[5.0, 4.0, 9.0]], [[True, True, False]])
    # Residuals 5 - 3 and 4 - 3: (1 * 2 + 2 * 1) / (1 * 1 + 2 * 2 + 1) = 2 / 3.
    np.testing.assert_allclose(user.vector, [[2.0 / 3.0]], rtol=1e-6)
    # One over the sum of squares and the 1 of the prior.
    np.testing.assert_allclose(user.covariance, [[1.0 / 6.0]], rtol=1e-6)
    # A pair with factor 3 and the expected label 2: 2 + 3 * 2 / 3.
    query = units(factors, [3.0, 2.0, 1.0])
    np.testing.assert_allclose(factors.expect(user, query), [[4.0]], rtol=1e-6)
    np.testing.assert_allclose(factors.variance(user, query), [[1.5]], rtol=1e-6)


def test_a_noisy_item_counts_for_less():
    factors = ItemFactors(USERS, FILMS, dataclasses.replace(PLAIN, rank=0))
    rows = units(factors, [1.0, 3.0, 1.0], [1.0, 3.0, 4.0])
    user = solve(factors, rows, [[5.0, 1.0]], [[True, True]])
    # (2 / 1 - 2 / 4) / (1 / 1 + 1 / 4 + 1).
    np.testing.assert_allclose(user.vector, [[1.5 / 2.25]], rtol=1e-6)


def test_two_user_factors_are_solved_together():
    factors = ItemFactors(USERS, FILMS, PLAIN)
    rows = units(factors, [1.0, 1.0, 3.0, 2.0], [1.0, -1.0, 3.0, 2.0])
    user = solve(factors, rows, [[5.0, 2.0]], [[True, True]])
    # Residuals 2 and -1: [[2 + 2, 0], [0, 2 + 2]] z = (2 - 1, 2 + 1).
    np.testing.assert_allclose(user.vector, [[0.25, 0.75]], rtol=1e-6)
    # 3 + 0.25 + 0.75 and 3 + 0.25 - 0.75.
    np.testing.assert_allclose(factors.expect(user, rows), [[4.0, 2.5]], rtol=1e-6)


def test_each_pair_is_expected_from_all_the_others():
    factors = fitted_factors(random_pairs(), rank=2)
    rows = units_of(factors, 1, training=False)[tf.newaxis, 1:5]
    labels = np.array([[1.0, 5.0, 3.0, 4.0]], np.float32)
    every = np.ones([1, 4], bool)
    user = solve(factors, rows, labels, every)
    expected, variance = factors.left_out(user, rows, tf.constant(labels))
    for place in range(4):
        others = every.copy()
        others[0, place] = False
        without = solve(factors, rows, labels, others)
        alone = factors.expect(without, rows)[0, place]
        np.testing.assert_allclose(expected[0, place], alone, rtol=1e-4)
        noise = factors.split(rows).noise[0, place]
        spread = factors.variance(without, rows)[0, place] + noise
        np.testing.assert_allclose(variance[0, place], spread, rtol=1e-4)


def test_what_moves_the_prior_moves_less_the_more_labels_say():
    factors = fitted_factors(random_pairs(), rank=2)
    rows = units_of(factors, 1, training=False)[tf.newaxis, 1:5]
    labels = np.array([[1.0, 5.0, 3.0, 4.0]], np.float32)
    shift = tf.constant([[0.5, -1.0, 2.0]])
    for mask in ([[True] * 4], [[False] * 4]):
        user = solve(factors, rows, labels, mask)
        level = tf.pad(shift, [[0, 0], [0, 2 * shift.shape[1]]])
        moved = factors.solve(rows, level, tf.constant(labels), tf.constant(mask))
        np.testing.assert_allclose(
            factors.move(user, shift).vector, moved.vector, rtol=1e-4, atol=1e-5
        )


def test_without_support_the_expected_label_is_that_of_the_item():
    factors = fitted_factors(random_pairs())
    rows = units_of(factors, 1)[tf.newaxis]
    for mask in (tf.zeros([1, NUM_ITEMS + 1], tf.bool), tf.zeros([1, 0], tf.bool)):
        support = rows[:, : mask.shape[1]]
        level = tf.zeros([1, factors.level_width])
        user = factors.solve(support, level, tf.zeros(mask.shape), mask)
        np.testing.assert_array_equal(user.vector, [[0.0, 0.0]])
        labels = factors.split(rows).label
        np.testing.assert_array_equal(factors.expect(user, rows), labels)


def test_a_user_is_expected_to_be_like_others_of_their_features():
    """Users of one group like the first half of the items, the others the rest."""
    group = np.array([1, 2] * 20)
    user, item = (axis.ravel() for axis in np.indices([40, NUM_ITEMS]))
    label = np.where((item < 3) == (group[user] == 1), 5.0, 1.0)
    label = (label + 0.3 * np.random.default_rng(0).normal(size=label.size)).clip(1, 5)
    known = LabelledPairs(user + 1, item + 1, label, 40, NUM_ITEMS)
    users = entities(40, group=group)
    factors = fitted_factors(known, users=users, rank=2, user_features=True)
    blind = fitted_factors(known, users=users, rank=2)
    rows = units_of(factors, 1, training=False)[tf.newaxis, 1:]
    nothing = tf.zeros([1, NUM_ITEMS]), tf.zeros([1, NUM_ITEMS], tf.bool)

    def expected(method, values, users):
        encoded = {"group": tf.constant(values)}
        level = method.level_of_features(encoded, len(values))
        by_row = method.level_of_users(tf.constant(users))
        np.testing.assert_allclose(level, by_row, atol=1e-6)
        return method.expect(method.solve(rows, level, *nothing), rows).numpy()[0]

    first, second = expected(factors, [[1]], [1]), expected(factors, [[2]], [2])
    assert first[:3].min() > second[:3].max() + 1.0
    assert second[3:].min() > first[3:].max() + 1.0
    assert np.ptp(expected(blind, [[1]], [1])) < 1.0


def test_the_set_of_items_tells_of_the_user_whatever_the_labels():
    """Users who rate the first half of the items are strict, the others are kind."""
    rng = np.random.default_rng(0)
    kind = np.arange(200) % 2
    user = np.repeat(np.arange(200), 12)
    item = kind[user] * 12 + np.tile(np.arange(12), 200)
    label = np.where(kind[user], 4.0, 2.0) + 0.5 * rng.normal(size=user.size)
    known = LabelledPairs(user + 1, item + 1, label, 200, 25)
    shared = LabelledPairs(  # Everybody rates the last item.
        np.append(known.user, np.arange(1, 201)),
        np.append(known.item, np.full(200, 25)),
        np.append(label, np.where(kind, 4.0, 2.0)),
        *(200, 25),
    )
    users, items = entities(200), entities(25)
    expected = {}
    for item_set in (True, False):
        factors = fitted_factors(shared, users=users, items=items, item_set=item_set)
        rows = factors.look_up(tf.zeros([2, 6], tf.int32), [range(1, 7), range(13, 19)])
        level = tf.zeros([2, factors.level_width]) + factors.level[-1]
        # Labels that are expected of their items tell nothing.
        labels = factors.split(rows).label
        user = factors.solve(rows, level, labels, tf.ones([2, 6], tf.bool))
        last = factors.look_up(tf.zeros([2, 1], tf.int32), [[25], [25]])
        expected[item_set] = factors.expect(user, last).numpy()[:, 0]
    assert expected[True][1] > expected[True][0] + 0.5
    assert abs(expected[False][1] - expected[False][0]) < 0.25


def test_that_a_pair_is_asked_about_tells_of_the_user_as_the_set_does():
    factors = ItemFactors(USERS, FILMS, dataclasses.replace(PLAIN, rank=0))
    # One factor 2 and what having the item tells, 33, beside label and noise.
    query = factors_and_set(2.0, 3.0, 1.0, 33.0)
    support = factors_and_set(1.0, 0.0, 1.0, 0.0)
    nobody = solve(factors, support, [[0.0]], [[False]])
    # The only item of a set: 33 / (1 + 10) is the mean, 3 + 2 * 3.
    np.testing.assert_allclose(factors.expect(nobody, query), [[9.0]], rtol=1e-6)
    somebody = solve(factors, support, [[0.0]], [[True]])
    # One of two items, of which half is left by the label 0: 3 + 2 * (33 / 12) / 2.
    np.testing.assert_allclose(factors.expect(somebody, query), [[5.75]], rtol=1e-6)
    for user in (nobody, somebody):
        product = (
            factors.product_vectors(query) @ factors.product_query(user)[..., None]
        )
        np.testing.assert_allclose(
            product[..., 0], factors.expect(user, query), rtol=1e-6
        )


def factors_and_set(factor, label, noise, of_set):
    """One item of one factor, float32 [1, 1, width]."""
    factors = ItemFactors(USERS, FILMS, dataclasses.replace(PLAIN, rank=0))
    rest = [0.0] * (factors.width - 4)
    return tf.constant([[[factor, label, noise, of_set, *rest]]])


def test_a_new_item_starts_where_its_features_say():
    """Items of one kind are liked; the last item of each kind has no label."""
    kinds = np.array([1, 1, 1, 1, 1, 1, 2, 2, 2, 2, 2, 2])
    user, item = (axis.ravel() for axis in np.indices([30, 12]))
    label = np.where(kinds[item] == 1, 5.0, 1.0)
    seen = (item != 5) & (item != 11)
    known = LabelledPairs(user[seen] + 1, item[seen] + 1, label[seen], 30, 12)
    options = {"users": entities(30), "items": entities(12, kind=kinds)}
    factors = fitted_factors(known, item_features=True, **options)
    blind = fitted_factors(known, **options)
    label_of = {
        method: method.split(method.table).label.numpy() for method in (factors, blind)
    }
    assert label_of[factors][6] > label_of[factors][12] + 0.5
    np.testing.assert_allclose(label_of[blind][6], label_of[blind][12], rtol=1e-5)


def test_an_item_has_the_shares_of_its_own_labels():
    pairs = LabelledPairs(
        np.arange(1, 9), np.repeat([1, 2], 4), np.repeat([1.0, 5.0], 4), 12, NUM_ITEMS
    )
    factors = fitted_factors(pairs, levels=LEVELS)
    shares = factors.split(factors.table).log_shares.numpy()
    assert shares[1].argmax() == 0
    assert shares[2].argmax() == 4
    np.testing.assert_allclose(shares[3], 0.0, atol=1e-6)  # Without a label.
    rows = units_of(factors, 1, training=False)[tf.newaxis, 1:3]
    user = solve(factors, rows, [[5.0, 5.0]], [[True, True]])
    assert user.facts.shape == [1, factors.num_facts]
    # More of the highest level than of all labels, less of the lowest.
    assert user.facts[0, 4] > 0.0 > user.facts[0, 0]


def test_in_training_a_user_of_meta_train_meets_a_fit_without_them():
    pairs = random_pairs()
    own = pairs.user == 3
    other_labels = dataclasses.replace(pairs, label=np.where(own, 5.0, pairs.label))
    before, after = fitted_factors(pairs), fitted_factors(other_labels)
    # What user 3 says changes nothing of what they meet in training, but all else; a
    # turn of the factors, to agree with the whole fit, leaves their products alone.
    one, other = (p.split(units_of(p, 3)) for p in (before, after))
    np.testing.assert_array_equal(one.label, other.label)
    products, same = (
        tf.matmul(u.factors, u.factors, transpose_b=True) for u in (one, other)
    )
    np.testing.assert_allclose(products, same, atol=1e-5)
    for training, user in ((False, 3), (True, NUM_USERS)):
        one, other = (units_of(p, user, training=training) for p in (before, after))
        assert np.abs(one - other).max() > 0.01


def test_each_user_of_meta_train_is_left_out_of_one_of_four_fits():
    folds = fitted_factors(random_pairs(num_users=10)).fold_of_user.numpy()
    # Ten users over four folds; unknown users and those beyond meet the whole fit.
    assert np.bincount(folds[1:11]).tolist() == [3, 3, 2, 2]
    assert folds[[0, 11, 12]].tolist() == [4, 4, 4]


def test_at_inference_every_user_meets_the_same_fit():
    factors = fitted_factors(random_pairs())
    for user in (0, 3, NUM_USERS):
        np.testing.assert_array_equal(
            units_of(factors, user, training=False), units_of(factors, NUM_USERS)
        )
    assert not np.allclose(units_of(factors, 3), units_of(factors, 3, training=False))


def test_before_a_fit_there_are_no_tables_of_folds():
    factors = ItemFactors(USERS, FILMS, PLAIN)
    assert factors.fold_tables is None
    np.testing.assert_array_equal(
        units_of(factors, 3), units_of(factors, 3, training=False)
    )


def test_the_seed_decides_the_fit():
    pairs = random_pairs()
    first, again, other = (fitted_factors(pairs, seed=seed) for seed in (1, 1, 2))
    np.testing.assert_array_equal(first.table, again.table)
    assert not np.array_equal(first.fold_of_user, other.fold_of_user)


@pytest.mark.parametrize(("scale", "offset"), [(0.01, 0.0), (20.0, -10.0)])
def test_another_unit_of_labels_changes_the_unit_alone(scale, offset):
    pairs = random_pairs()
    other = dataclasses.replace(pairs, label=scale * pairs.label + offset)
    expected = []
    for given, levels in ((pairs, LEVELS), (other, scale * np.array(LEVELS) + offset)):
        factors = fitted_factors(
            given, rank=2, item_set=True, item_noise=True, levels=levels
        )
        rows = units_of(factors, 1, training=False)[tf.newaxis, 1:]
        labels = levels[np.array([0, 4, 2, 2, 3, 1])] if given is other else None
        labels = np.array(LEVELS)[[0, 4, 2, 2, 3, 1]] if labels is None else labels
        level = factors.level_of_users(tf.constant([1]))
        user = factors.solve(
            rows, level, tf.constant([labels], tf.float32), tf.ones([1, 6], tf.bool)
        )
        expected.append(factors.expect(user, rows).numpy())
    np.testing.assert_allclose(
        expected[1], scale * expected[0] + offset, rtol=2e-3, atol=2e-3 * scale
    )


def test_nothing_of_the_factors_is_trained_by_gradients():
    factors = fitted_factors(random_pairs(), levels=LEVELS)
    assert factors.variables
    assert not factors.trainable_variables


def test_refuses_a_negative_rank():
    with pytest.raises(ValueError, match=r"rank must be at least 0, got -1\."):
        ItemFactors(USERS, FILMS, PriorParts(rank=-1))


def test_no_factors_are_vectors_without_entries():
    factors = NoFactors()
    items = tf.constant([[1, 2, 3], [4, 5, 0]])
    rows = factors.look_up(tf.ones_like(items), items, training=True)
    level = factors.level_of_users(tf.constant([1, 2]))
    user = factors.solve(rows, level, tf.ones([2, 3]), tf.ones([2, 3], tf.bool))
    assert (rows.shape, user.vector.shape) == ([2, 3, 0], [2, 0])
    assert (factors.width, factors.num_factors) == (0, 0)
    assert not factors.variables


def test_factors_are_turned_to_agree():
    reference = np.array([[1.0, 0.0], [0.0, 2.0], [3.0, 0.0]])
    # A quarter turn and a reflection of the reference: (x, y) -> (y, x).
    other = reference[:, ::-1]
    np.testing.assert_allclose(other @ turn(other, reference), reference, atol=1e-12)
    # Nothing is stretched: twice the reference stays twice as long.
    np.testing.assert_allclose(turn(2.0 * reference, reference), np.eye(2), atol=1e-12)


def test_one_factor_means_the_same_in_every_fit():
    """Fits without a quarter of the users differ little once they are turned."""
    rng = np.random.default_rng(0)
    user, item = (axis.ravel() for axis in np.indices([200, NUM_ITEMS]))
    taste, kind = rng.normal(size=[200, 2]), rng.normal(size=[NUM_ITEMS, 2])
    label = (taste[user] * kind[item]).sum(axis=1) + 0.1 * rng.normal(size=user.size)
    pairs = LabelledPairs(user + 1, item + 1, label, 200, NUM_ITEMS)
    factors = fitted_factors(pairs, rank=2, users=entities(200))
    whole = factors.split(factors.table[1:]).factors.numpy()
    assert np.abs(whole).max() > 0.5
    for fold in factors.split(factors.fold_tables[:, 1:]).factors.numpy():
        assert np.abs(fold - whole).max() < 0.3


def test_of_few_items_every_one_is_a_factor_and_folds_agree():
    pairs = random_pairs(num_users=NUM_USERS)
    factors = fitted_factors(pairs, full_rank_items=NUM_ITEMS)
    assert factors.num_factors == NUM_ITEMS
    assert fitted_factors(pairs, full_rank_items=NUM_ITEMS - 1).num_factors == 2
    whole = factors.split(units_of(factors, 1, training=False)).factors
    without = factors.split(units_of(factors, 1)).factors
    assert np.abs(whole - without).max() > 0
    assert np.vdot(whole, without) > 0.9 * np.vdot(whole, whole)


def test_fits_run_beside_each_other_as_far_as_memory_goes(monkeypatch):
    monkeypatch.setattr("os.cpu_count", lambda: 3)
    pairs = random_pairs()
    # 18 rows of 3 * 24 bytes each, and 32 bytes a pair.
    size = 18 * 72 + 32 * len(pairs.user)
    for memory, fits in ((0, 1), (2 * size, 2), (100 * size, 3)):
        monkeypatch.setattr("models.factors.fold_fits._MAX_MEMORY", memory)
        assert fits_at_once(pairs, rank=1) == fits
