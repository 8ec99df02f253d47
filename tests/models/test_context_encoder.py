import numpy as np
import pytest

from models.context_encoder import SequentialEncoder
from models.legacy_keras import tf


@pytest.fixture
def encoder():
    tf.keras.utils.set_random_seed(0)
    return SequentialEncoder(3, encoder_dim=4, label_dim=2)


@pytest.fixture
def support():
    """Two episodes of three and of two pairs."""
    rng = np.random.default_rng(0)
    return {
        "pairs": tf.constant(rng.normal(size=[2, 3, 5]), tf.float32),
        "labels": tf.constant(rng.normal(size=[2, 3]), tf.float32),
        "support_mask": tf.constant([[True, True, True], [True, True, False]]),
    }


def test_maps_the_last_state_of_the_gru_to_the_context():
    encoder = SequentialEncoder(1, encoder_dim=1, label_dim=1)
    mask = tf.constant([[True]])
    encoder(tf.zeros([1, 1, 1]), tf.zeros([1, 1]), mask)
    for layer in (encoder.label_embedding, encoder.hidden):
        layer.kernel.assign([[1.0]])
    # Gates are 0.5; the candidate is tanh of the pair plus the embedded label.
    encoder.gru.kernel.assign([[0.0, 0.0, 1.0], [0.0, 0.0, 1.0]])
    encoder.gru.recurrent.assign([[0.0, 0.0, 0.0]])
    encoder.projection.kernel.assign([[10.0]])
    encoder.projection.bias.assign([1.0])
    context = encoder(tf.constant([[[-0.5]]]), tf.constant([[1.5]]), mask)
    # Label relu(1.5) = 1.5, candidate tanh(-0.5 + 1.5) = 0.76159, state half of it;
    # 10 * 0.380797 + 1 = 4.80797.
    np.testing.assert_allclose(context, [[4.80797]], rtol=1e-5)


@pytest.mark.parametrize("at", [0, 1, 3])
def test_padding_is_skipped_wherever_it_stands(encoder, support, at):
    def insert(values, padding):
        values = values.numpy()
        return tf.constant(np.insert(values, at, padding, axis=1), values.dtype)

    padded = {
        "pairs": insert(support["pairs"], 99.0),
        "labels": insert(support["labels"], 99.0),
        "support_mask": insert(support["support_mask"], False),
    }
    np.testing.assert_allclose(encoder(**padded), encoder(**support), atol=1e-6)


def test_episodes_without_support_share_one_learned_vector(encoder, support):
    encoder(**support)
    encoder.hidden.bias.assign([1.0, 2.0, 3.0, 4.0])
    encoder.projection.bias.assign([5.0, 6.0, 7.0])
    # The state is 0, so hidden is its bias: [1, 2, 3, 4] @ projection + [5, 6, 7].
    learned = [1, 2, 3, 4] @ encoder.projection.kernel.numpy() + [5, 6, 7]
    without = {**support, "support_mask": tf.zeros([2, 3], tf.bool)}
    np.testing.assert_allclose(encoder(**without), [learned, learned], rtol=1e-5)
    empty = {name: value[:, :0] for name, value in support.items()}
    np.testing.assert_allclose(encoder(**empty), [learned, learned], rtol=1e-5)


@pytest.mark.parametrize("name", ["pairs", "labels"])
def test_the_context_depends_on_pairs_and_labels(encoder, support, name):
    before = encoder(**support)
    after = encoder(**{**support, name: -support[name]})
    assert (np.abs(after - before).max(axis=1) > 1e-3).all()
