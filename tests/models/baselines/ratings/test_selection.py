import numpy as np
import pytest

from models.baselines.ratings.global_mean import GlobalMean
from models.baselines.ratings.selection import mean_task_mae, select
from models.baselines.ratings.support_mean import SupportMean
from models.factors.labelled_pairs import LabelledPairs
from models.legacy_keras import tf

PAIRS = LabelledPairs(np.ones(1, int), np.ones(1, int), np.array([5.0]), 1, 1)


def episode_of(query_labels, query_mask):
    """Tasks of one support pair with label 1; the mean meta-train label is 5."""
    shape = np.shape(query_labels)
    ones = tf.ones([shape[0], 1])
    return {
        "support_user": tf.cast(ones, tf.int32),
        "support_item": tf.cast(ones, tf.int32),
        "support_label": ones,
        "support_mask": tf.cast(ones, tf.bool),
        "query_user": tf.ones(shape, tf.int32),
        "query_item": tf.ones(shape, tf.int32),
        "query_label": tf.constant(query_labels, tf.float32),
        "query_mask": tf.constant(query_mask),
    }


@pytest.mark.parametrize(
    ("query_label", "prior"),
    [(1.0, 0.01), (3.0, 1.0), (5.0, 10.0)],  # As the support, half way, as the mean.
)
def test_chooses_what_is_best_on_meta_validation(query_label, prior):
    batches = [episode_of([[query_label]], [[True]])]
    # A generator: every candidate must see all of it.
    method = select(SupportMean, PAIRS, (batch for batch in batches))
    assert method.hyperparameters == {"prior": prior}
    # Fitted: half way is (1 + 1 * 5) / (1 + 1) = 3.
    state = method.adapt(batches[0])
    np.testing.assert_allclose(state, [(1.0 + prior * 5.0) / (1.0 + prior)], rtol=1e-5)


def test_a_method_without_hyperparameters_is_fitted_all_the_same():
    method = select(GlobalMean, PAIRS, [episode_of([[1.0]], [[True]])])
    assert method.label_mean.numpy() == 5.0


def test_the_mean_is_over_tasks_of_all_batches():
    method = GlobalMean()
    method.fit(PAIRS)
    batches = [
        episode_of([[5.0, 1.0], [4.0, 0.0]], [[True, True], [True, False]]),
        episode_of([[2.0], [0.0]], [[True], [False]]),
    ]
    # Against 5: tasks (0 + 4) / 2, 1, 3 and one without query pairs: mean 2.
    assert mean_task_mae(method, batches) == pytest.approx(2.0)


@pytest.mark.parametrize("batches", [[], [episode_of([[1.0]], [[False]])]])
def test_refuses_meta_validation_without_query_pairs(batches):
    with pytest.raises(ValueError, match="must have a query pair, got"):
        select(GlobalMean, PAIRS, batches)
