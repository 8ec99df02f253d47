import numpy as np
import pytest

from models.episodes.entity_table import EntityTable
from models.factors.factor_fit import PriorParts
from models.factors.item_factors import ItemFactors
from models.legacy_keras import tf

NOTHING = EntityTable((), {}, np.zeros(2, np.int64))


@pytest.fixture
def factors():
    """One factor of a user, of prior variance 1, beside what an item is expected."""
    parts = PriorParts(
        rank=0,
        user_features=False,
        item_features=False,
        item_set=False,
        item_noise=False,
    )
    return ItemFactors(NOTHING, NOTHING, parts)


def units(factors, number):
    """So many pairs of an item with factor 1, expected label 0 and noise 1."""
    row = [1.0, 0.0, 1.0] + [0.0] * (factors.width - 3)
    return tf.constant([[row] * number])


def trusted(factors, rows, labels, most, mask=None):
    labels = tf.constant([labels])
    mask = tf.ones_like(labels, tf.bool) if mask is None else tf.constant([mask])
    level = tf.zeros([1, factors.level_width])
    return factors.trusted(rows, level, labels, mask, most).numpy()[0]


def test_a_label_is_cut_at_so_many_deviations_from_what_is_expected(factors):
    # Expected is 0, with the variance 1 of the user and 1 of the noise.
    rows = units(factors, 1)
    reach = 0.5 * np.sqrt(2.0)
    np.testing.assert_allclose(trusted(factors, rows, [3.0], 0.5), [reach], 1e-6)
    np.testing.assert_allclose(trusted(factors, rows, [-9.0], 0.5), [-reach], 1e-6)
    np.testing.assert_allclose(trusted(factors, rows, [0.5], 0.5), [0.5], 1e-6)


def test_what_the_other_pairs_say_decides_and_padding_stays(factors):
    labels, mask = [1.0, 1.0, 1.0, -8.0, 6.0], [True] * 4 + [False]
    # Three of 4 say 3 / 4, with the variance 1 / 4 of the user and 1 of the noise.
    expected = 0.75 - np.sqrt(1.25)
    got = trusted(factors, units(factors, 5), labels, 1.0, mask)
    np.testing.assert_allclose(got, [1.0, 1.0, 1.0, expected, 6.0], rtol=1e-5)


@pytest.mark.parametrize("false", [-1e3, -5.0, 5.0, 1e3])
def test_one_label_moves_what_is_expected_no_farther_whatever_it_is(factors, false):
    rows = units(factors, 4)
    level = tf.zeros([1, factors.level_width])

    def vector(label):
        labels = trusted(factors, rows, [1.0, 0.5, 0.0, label], 1.0)
        mask = tf.ones([1, 4], tf.bool)
        user = factors.solve(rows, level, tf.constant([labels]), mask)
        return float(user.vector[0, 0])

    # Of four pairs and the prior, one is a fifth: a fifth of the reach, to either side.
    reach = np.sqrt(1.25) / 5.0
    moved = abs(vector(false) - vector(0.5))
    assert 0.5 * reach < moved <= 1.25 * reach
