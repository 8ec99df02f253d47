import numpy as np
import pytest

from models.factors.vector_fallbacks import blend_with_features

RED, BLUE = [1.0, 0.0], [0.0, 1.0]


def shop(*, clicks):
    """100 red and 100 blue items with opposite vectors, and 3 after them."""
    design = np.array([RED] * 100 + [BLUE] * 100 + [RED, BLUE, [0.0, 0.0]])
    items = np.ones([203, 2], np.float32)
    items[100:200] = -1.0
    items[200:] = [5.0, 7.0]
    counts = np.array([9] * 200 + [clicks] * 3)
    return items, counts, design


def test_an_item_without_a_click_has_what_its_features_predict():
    items, counts, design = shop(clicks=0)
    has_feature = blend_with_features(items, counts, design, 0.0)
    # A ridge of 30 items keeps 100 / 130 of the distance from the mean, 0.
    np.testing.assert_allclose(items[200], 100 / 130, rtol=1e-5)
    np.testing.assert_allclose(items[201], -100 / 130, rtol=1e-5)
    np.testing.assert_array_equal(has_feature, [True] * 202 + [False])


def test_an_item_without_a_known_feature_keeps_its_vector():
    items, counts, design = shop(clicks=0)
    blend_with_features(items, counts, design, 5.0)
    np.testing.assert_array_equal(items[202], [5.0, 7.0])


def test_clicked_items_keep_their_vectors_where_no_clicks_are_lent():
    items, counts, design = shop(clicks=0)
    before = items[:200].copy()
    blend_with_features(items, counts, design, 0.0)
    np.testing.assert_array_equal(items[:200], before)


def test_the_more_clicks_an_item_has_the_more_of_its_vector_it_keeps():
    items, counts, design = shop(clicks=0)
    blend_with_features(items, counts, design, 3.0)
    np.testing.assert_allclose(items[0], 9 / 12 + 3 / 12 * 100 / 130, rtol=1e-5)


def test_a_share_of_a_pool_is_a_share_of_a_click_but_teaches_nothing():
    items, counts, design = shop(clicks=0.5)
    blend_with_features(items, counts, design, 0.5)
    own = np.array([5.0, 7.0])
    np.testing.assert_allclose(items[200], 0.5 * own + 0.5 * 100 / 130, rtol=1e-5)


@pytest.mark.parametrize("clicks", [0.0, 4.0])
def test_nothing_is_known_where_no_item_is_clicked(clicks):
    items, counts, design = shop(clicks=0)
    before = items.copy()
    has_feature = blend_with_features(items, np.zeros_like(counts), design, clicks)
    assert not has_feature.any()
    np.testing.assert_array_equal(items, before)
