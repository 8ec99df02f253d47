import numpy as np
import pytest

from models.factors.entity_design import EntityDesign, no_features
from models.factors.full_rank import fit_full_rank
from models.factors.gaussian_factors import fit_gaussian_factors
from models.factors.labelled_pairs import LabelledPairs

NUM_USERS, NUM_ITEMS = 400, 12


def planted(num_users=NUM_USERS, seed=0):
    """Items come in pairs that are liked alike, which takes six factors to say."""
    rng = np.random.default_rng(seed)
    shared = rng.normal(size=[num_users, NUM_ITEMS // 2])
    noise = rng.normal(scale=0.3, size=[num_users, NUM_ITEMS])
    return 3.0 + np.repeat(shared, 2, axis=1) + noise


def some_pairs(labels, share=0.7):
    seen = np.random.default_rng(1).random(labels.shape) < share
    user, item = np.nonzero(seen)
    return LabelledPairs(
        user + 1, item + 1, labels[user, item], len(labels), labels.shape[1]
    )


def fits(pairs, **options):
    factors = fit_gaussian_factors(pairs, rank=2, num_iterations=10, seed=0)
    users = no_features(pairs.num_users + 1)
    return factors, fit_full_rank(factors, pairs, users, **options)


def covariance(fit):
    of_items = fit.item_factors[1:]
    return of_items @ fit.user_covariance @ of_items.T


@pytest.mark.parametrize("item_noise", [False, True])
def test_finds_more_than_factors_of_low_rank_can_tell(item_noise):
    low, full = fits(some_pairs(planted()), item_noise=item_noise)
    twins = np.arange(0, NUM_ITEMS, 2), np.arange(1, NUM_ITEMS, 2)
    assert covariance(full)[twins].mean() > 0.75  # 1, less what few users shrink.
    assert covariance(low)[twins].mean() < 0.6
    strangers = np.arange(0, NUM_ITEMS - 2, 2), np.arange(2, NUM_ITEMS, 2)
    assert abs(covariance(full)[strangers].mean()) < 0.1


def test_says_what_labels_of_items_scatter_by():
    labels = planted()
    _, full = fits(some_pairs(labels, share=0.9))
    total = np.diag(covariance(full)) + full.noise_variance[1:]
    np.testing.assert_allclose(total, labels.var(axis=0), rtol=0.25)
    assert np.linalg.eigvalsh(full.user_covariance)[0] > 0
    np.testing.assert_allclose(full.item_label[1:], labels.mean(axis=0), atol=0.15)


def test_a_vector_of_a_user_is_what_the_user_thinks_of_items():
    labels = planted()
    pairs = some_pairs(labels)
    _, full = fits(pairs)
    expected = full.item_label[1:] + full.user_mean[1:]
    seen = np.zeros(labels.shape, bool)
    seen[pairs.user - 1, pairs.item - 1] = True
    twin_seen = seen.reshape(-1, NUM_ITEMS // 2, 2)[..., ::-1].reshape(seen.shape)
    told = twin_seen & ~seen
    assert np.abs(expected - labels)[told].mean() < 0.45
    assert np.abs(labels.mean(axis=0) - labels)[told].mean() > 0.7


def test_few_users_leave_the_covariance_of_the_factors():
    low, full = fits(some_pairs(planted(num_users=5)))
    both = covariance(full) + np.diag(full.noise_variance[1:])
    start = covariance(low) + np.diag(low.noise_variance[1:])
    assert np.abs(both - start).max() < 0.2 * np.abs(start).max()


def test_the_mean_goes_with_features_of_users():
    labels = planted()
    told = np.random.default_rng(2).random(NUM_USERS) < 0.5
    labels[told, 0] += 2.0
    pairs = some_pairs(labels)
    column = np.append(0.0, told)[:, np.newaxis]
    design = EntityDesign((), column, (("told", 1),))
    factors = fit_gaussian_factors(pairs, rank=2, num_iterations=10, seed=0)
    full = fit_full_rank(factors, pairs, design)
    without = fit_full_rank(factors, pairs, no_features(NUM_USERS + 1))
    assert full.user_covariance[0, 0] < without.user_covariance[0, 0] - 0.5
    means = [full.user_mean[1:][told == side, 0].mean() for side in (True, False)]
    assert means[0] - means[1] == pytest.approx(2.0, abs=0.3)


def test_an_item_that_nobody_rated_stays_where_its_factors_are():
    pairs = some_pairs(planted())
    wider = LabelledPairs(
        pairs.user, pairs.item, pairs.label, pairs.num_users, NUM_ITEMS + 1
    )
    low, full = fits(wider)
    assert np.isfinite(full.user_covariance).all()
    assert full.item_label[-1] == pytest.approx(low.item_label[-1], abs=0.2)
