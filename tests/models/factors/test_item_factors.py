import dataclasses

import numpy as np
import pytest

from models.factors.gaussian_factors import fit_gaussian_factors
from models.factors.item_factors import ItemFactors, NoFactors, align
from models.factors.labelled_pairs import LabelledPairs
from models.legacy_keras import tf

NUM_USERS, NUM_ITEMS = 12, 6
ITEMS = tf.range(NUM_ITEMS + 1)


def random_pairs(num_users=10, seed=0):
    """Half of the labels of the first users; the last ones are not of meta-train."""
    rng = np.random.default_rng(seed)
    user, item = np.nonzero(rng.random([num_users, NUM_ITEMS]) < 0.5)
    label = rng.integers(1, 6, user.size).astype(np.float32)
    return LabelledPairs(user + 1, item + 1, label, NUM_USERS, NUM_ITEMS)


def fitted_factors(pairs, rank=1, seed=0):
    factors = ItemFactors(NUM_USERS, NUM_ITEMS, rank=rank)
    factors.fit(pairs, seed=seed)
    return factors


def units_of(factors, user, training=True):
    """What is known of all items when this user meets them."""
    return factors.look_up(tf.fill(ITEMS.shape, user), ITEMS, training=training)


def test_one_user_factor_is_solved_by_ridge_regression():
    factors = ItemFactors(1, 1, rank=0)
    factors.noise_variance.assign(1.0)
    units = tf.constant([[[1.0, 3.0], [2.0, 3.0], [7.0, 7.0]]])
    labels = tf.constant([[5.0, 4.0, 9.0]])
    vector = factors.solve(units, labels, tf.constant([[True, True, False]]))
    # Residuals 5 - 3 and 4 - 3: (1 * 2 + 2 * 1) / (1 * 1 + 2 * 2 + 1) = 2 / 3.
    np.testing.assert_allclose(vector, [[2.0 / 3.0]], rtol=1e-6)
    # A pair with factor 3 and the expected label 2: 2 + 3 * 2 / 3.
    query = tf.constant([[[3.0, 2.0]]])
    np.testing.assert_allclose(factors.expect(vector, query), [[4.0]], rtol=1e-6)


def test_two_user_factors_are_solved_together():
    factors = ItemFactors(1, 1, rank=1)
    factors.noise_variance.assign(2.0)
    units = tf.constant([[[1.0, 1.0, 3.0], [1.0, -1.0, 3.0]]])
    vector = factors.solve(units, tf.constant([[5.0, 2.0]]), tf.ones([1, 2], tf.bool))
    # Residuals 2 and -1: [[2 + 2, 0], [0, 2 + 2]] z = (2 - 1, 2 + 1).
    np.testing.assert_allclose(vector, [[0.25, 0.75]], rtol=1e-6)
    # 3 + 0.25 + 0.75 and 3 + 0.25 - 0.75.
    np.testing.assert_allclose(factors.expect(vector, units), [[4.0, 2.5]], rtol=1e-6)


def test_without_support_the_expected_label_is_that_of_the_item():
    factors = fitted_factors(random_pairs())
    units = units_of(factors, 1)[tf.newaxis]
    for mask in (tf.zeros([1, NUM_ITEMS + 1], tf.bool), tf.zeros([1, 0], tf.bool)):
        support = units[:, : mask.shape[1]]
        vector = factors.solve(support, tf.zeros(mask.shape), mask)
        np.testing.assert_array_equal(vector, [[0.0, 0.0]])
        np.testing.assert_array_equal(factors.expect(vector, units), units[..., -1])


def test_the_units_are_those_of_the_fit_to_all_pairs():
    pairs = random_pairs()
    factors = fitted_factors(pairs, rank=2)
    fitted = fit_gaussian_factors(pairs, rank=2, num_iterations=15, seed=0)
    units = units_of(factors, 1, training=False)
    np.testing.assert_allclose(units[:, :3], fitted.item_factors, rtol=1e-5)
    expected = fitted.label_mean + fitted.item_bias
    np.testing.assert_allclose(units[:, 3], expected, rtol=1e-5)
    assert factors.noise_variance.numpy() == pytest.approx(fitted.noise_variance)


def test_in_training_a_user_of_meta_train_meets_a_fit_without_them():
    pairs = random_pairs()
    own = pairs.user == 3
    other_labels = dataclasses.replace(pairs, label=np.where(own, 5.0, pairs.label))
    before, after = fitted_factors(pairs), fitted_factors(other_labels)
    # What user 3 says changes nothing of what they meet in training, but all else; a
    # turn of the factors, to agree with the whole fit, leaves their products alone.
    one, other = (units_of(p, 3).numpy() for p in (before, after))
    np.testing.assert_array_equal(one[:, -1], other[:, -1])
    products, same = (units[:, :-1] @ units[:, :-1].T for units in (one, other))
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


def test_the_seed_decides_the_fit():
    pairs = random_pairs()
    first, again, other = (fitted_factors(pairs, seed=seed) for seed in (1, 1, 2))
    np.testing.assert_array_equal(first.table, again.table)
    assert not np.array_equal(first.fold_of_user, other.fold_of_user)


def test_without_latent_factors_there_is_the_bias_of_the_user_alone():
    factors = fitted_factors(random_pairs(), rank=0)
    assert (factors.width, units_of(factors, 1).shape[-1]) == (2, 2)


def test_nothing_of_the_factors_is_trained_by_gradients():
    factors = fitted_factors(random_pairs())
    assert len(factors.variables) == 3
    assert not factors.trainable_variables


def test_refuses_a_negative_rank():
    with pytest.raises(ValueError, match=r"rank must be at least 0, got -1\."):
        ItemFactors(1, 1, rank=-1)


def test_no_factors_are_vectors_without_entries():
    factors = NoFactors()
    factors.fit(random_pairs(), seed=0)
    items = tf.constant([[1, 2, 3], [4, 5, 0]])
    units = factors.look_up(tf.ones_like(items), items, training=True)
    vector = factors.solve(units, tf.ones([2, 3]), tf.ones([2, 3], tf.bool))
    assert (units.shape, vector.shape) == ([2, 3, 0], [2, 0])
    assert (factors.width, factors.num_factors) == (0, 0)
    assert not factors.variables


def test_factors_are_turned_to_agree():
    reference = np.array([[1.0, 0.0], [0.0, 2.0], [3.0, 0.0]])
    # A quarter turn and a reflection of the reference: (x, y) -> (y, x).
    np.testing.assert_allclose(align(reference[:, ::-1], reference), reference)
    # Nothing is stretched: twice the reference stays twice as long.
    np.testing.assert_allclose(align(2.0 * reference, reference), 2.0 * reference)


def test_one_factor_means_the_same_in_every_fit():
    """Fits without a quarter of the users differ little once they are turned."""
    rng = np.random.default_rng(0)
    user, item = (axis.ravel() for axis in np.indices([200, NUM_ITEMS]))
    taste, kind = rng.normal(size=[200, 2]), rng.normal(size=[NUM_ITEMS, 2])
    label = (taste[user] * kind[item]).sum(axis=1) + 0.1 * rng.normal(size=user.size)
    pairs = LabelledPairs(user + 1, item + 1, label, 200, NUM_ITEMS)
    factors = ItemFactors(200, NUM_ITEMS, rank=2)
    factors.fit(pairs, seed=0)
    *folds, whole = factors.table.numpy()[:, 1:, :-1]
    assert np.abs(whole).max() > 0.5
    for fold in folds:
        assert np.abs(fold - whole).max() < 0.3
