import functools

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from models.legacy_keras import tf
from models.options import MAX_ORDERS
from models.parts.moment_encoder import MomentEncoder
from models.parts.pooling_encoder import PoolingEncoder
from models.parts.sequential_encoder import SequentialEncoder, fixed_orders

SIZES = {"encoder_dim": 4, "label_dim": 2}
KINDS = {
    "mean": lambda: PoolingEncoder(3, pooling="mean", **SIZES),
    "max": lambda: PoolingEncoder(3, pooling="max", **SIZES),
    "shrunk_mean": lambda: PoolingEncoder(3, pooling="shrunk_mean", **SIZES),
    "moments": lambda: MomentEncoder(3),
    "gru": lambda: SequentialEncoder(3, **SIZES),
    "gru, four orders": lambda: SequentialEncoder(3, num_orders=4, **SIZES),
}
ORDER_FREE = ("mean", "max", "shrunk_mean")
ADVANCING = (*ORDER_FREE, "moments", "gru")


def made(kind):
    """An encoder with weights, all of them away from 0."""
    tf.keras.utils.set_random_seed(0)
    encoder = KINDS[kind]()
    encoder(tf.zeros([1, 1, 5]), tf.zeros([1, 1]), tf.ones([1, 1], tf.bool))
    for weight in encoder.trainable_variables:
        weight.assign(tf.random.normal(weight.shape, stddev=0.7))
    return encoder


shared = functools.cache(made)  # To read only.


@pytest.fixture(params=KINDS)
def encoder(request):
    return shared(request.param)


@pytest.fixture(params=ADVANCING)
def advancing(request):
    """An encoder that remembers pairs."""
    return shared(request.param)


@pytest.fixture
def support():
    """Two episodes of three and of two pairs."""
    rng = np.random.default_rng(0)
    return {
        "pairs": tf.constant(rng.normal(size=[2, 3, 5]), tf.float32),
        "labels": tf.constant(rng.normal(size=[2, 3]), tf.float32),
        "support_mask": tf.constant([[True, True, True], [True, True, False]]),
    }


@pytest.mark.parametrize(
    ("pooling", "context"), [("mean", -1.0), ("max", 4.0), ("shrunk_mean", -2.0 / 7.0)]
)
def test_pools_encoded_pairs(pooling, context):
    encoder = PoolingEncoder(1, encoder_dim=1, label_dim=1, pooling=pooling)
    pairs = tf.constant([[[1.0], [1.0], [99.0]]])
    labels, mask = tf.constant([[2.0, -1.0, 5.0]]), tf.constant([[True, True, False]])
    encoder(pairs, labels, mask)
    encoder.label_embedding.kernel.assign([[1.0]])
    encoder.first.kernel.assign([[1.0], [1.0]])
    encoder.second.kernel.assign([[2.0]])
    encoder.second.bias.assign([-4.0])
    encoder.projection.kernel.assign([[-5.0]])
    encoder.projection.bias.assign([4.0])
    # Eq. 6. Labels relu(2) = 2 and relu(-1) = 0; first layer 1 + 2 = 3 and 1 + 0 = 1;
    # second relu(2 * 3 - 4) = 2 and relu(2 - 4) = 0; encoded -5 * 2 + 4 = -6 and 4.
    # Padding is left out: mean -1, max 4, the sum of -2 over 5 pairs more than 2.
    np.testing.assert_allclose(encoder(pairs, labels, mask), [[context]], rtol=1e-6)


def test_maps_the_last_state_of_the_gru_to_the_context():
    encoder = SequentialEncoder(1, encoder_dim=1, label_dim=1)
    mask = tf.constant([[True]])
    encoder(tf.zeros([1, 1, 1]), tf.zeros([1, 1]), mask)
    for layer in (encoder.label_embedding, encoder.hidden):
        layer.kernel.assign([[1.0]])
    # Gates are 0.5; the candidate is tanh of the pair plus the embedded label.
    encoder.gru.input_gates.kernel.assign([[0.0, 0.0, 1.0], [0.0, 0.0, 1.0]])
    encoder.gru.recurrent.assign([[0.0, 0.0, 0.0]])
    encoder.projection.kernel.assign([[10.0]])
    encoder.projection.bias.assign([1.0])
    context = encoder(tf.constant([[[-0.5]]]), tf.constant([[1.5]]), mask)
    # Eq. 7. Label relu(1.5) = 1.5, candidate tanh(-0.5 + 1.5) = 0.76159, state half of
    # it; 10 * 0.380797 + 1 = 4.80797.
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


def test_episodes_without_support_share_one_learned_vector(support):
    encoder = made("gru")
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


def test_pooling_makes_the_zero_vector_of_no_support(support):
    for kind in ORDER_FREE:
        without = {**support, "support_mask": tf.zeros([2, 3], tf.bool)}
        np.testing.assert_array_equal(shared(kind)(**without), np.zeros([2, 3]))
        empty = {name: value[:, :0] for name, value in support.items()}
        np.testing.assert_array_equal(shared(kind)(**empty), np.zeros([2, 3]))


@pytest.mark.parametrize("kind", ORDER_FREE)
def test_pooling_hides_no_weight_that_is_not_finite(kind, support):
    encoder = made(kind)
    encoder.projection.bias.assign([np.nan] * 3)
    assert np.isnan(encoder(**support)).all()


@pytest.mark.parametrize("kind", ORDER_FREE)
def test_pooling_takes_padding_of_any_content(kind, support):
    present = support["support_mask"][..., tf.newaxis]
    odd = {**support, "pairs": tf.where(present, support["pairs"], np.nan)}
    assert_close(shared(kind)(**odd), shared(kind)(**support))


def test_pairs_can_be_remembered_and_added_to(advancing, support):
    start = tf.zeros([2, advancing.memory_dim])
    memory = advancing.advance(start, **support)
    np.testing.assert_allclose(
        advancing.read(memory), advancing(**support), rtol=1e-5, atol=1e-6
    )
    for place in range(3):
        pair = {name: value[:, place : place + 1] for name, value in support.items()}
        start = advancing.advance(start, **pair)
    np.testing.assert_allclose(start, memory, rtol=1e-5, atol=1e-6)


def test_adding_no_pair_changes_no_memory(advancing, support):
    start = tf.zeros([2, advancing.memory_dim])
    memory = advancing.advance(start, **support)
    nothing = {**support, "support_mask": tf.zeros([2, 3], tf.bool)}
    np.testing.assert_array_equal(advancing.advance(memory, **nothing), memory)
    np.testing.assert_array_equal(advancing.advance(start, **nothing), start)
    empty = {name: value[:, :0] for name, value in support.items()}
    np.testing.assert_array_equal(advancing.advance(memory, **empty), memory)


def test_an_empty_memory_reads_as_no_support(advancing, support):
    empty = {name: value[:, :0] for name, value in support.items()}
    np.testing.assert_array_equal(
        advancing.read(tf.zeros([2, advancing.memory_dim])), advancing(**empty)
    )


def test_a_maximum_is_that_of_the_pairs_alone_where_all_are_negative():
    encoder = made("max")
    encoder.projection.bias.assign([-50.0, -60.0, -70.0])
    pair = {
        "pairs": tf.ones([1, 1, 5]),
        "labels": tf.zeros([1, 1]),
        "support_mask": tf.constant([[True]]),
    }
    memory = encoder.advance(tf.zeros([1, encoder.memory_dim]), **pair)
    assert (encoder.read(memory) < -1.0).numpy().all()  # Not the 0 of no pair.
    np.testing.assert_array_equal(encoder.read(memory), encoder(**pair))


def test_averaged_orders_cannot_be_added_to():
    assert not shared("gru, four orders").can_advance


def test_parts_of_pairs_count_as_if_they_were_concatenated(encoder, support):
    once = tf.constant([[[1.0, -2.0]], [[0.5, 3.0]]])
    each = support["pairs"][..., 2:]
    whole = tf.concat([tf.repeat(once, 3, axis=1), each], axis=-1)
    in_parts = encoder(**{**support, "pairs": [once, each]})
    np.testing.assert_allclose(
        in_parts, encoder(**{**support, "pairs": whole}), rtol=1e-5, atol=1e-5
    )


def test_refuses_another_pooling():
    with pytest.raises(ValueError, match="'max' or 'shrunk_mean', got 'sum'"):
        PoolingEncoder(3, pooling="sum")


@pytest.mark.parametrize("num_orders", [0, MAX_ORDERS + 1])
def test_refuses_another_number_of_orders(num_orders):
    message = rf"within \[1, {MAX_ORDERS}\], got {num_orders}"
    with pytest.raises(ValueError, match=message):
        SequentialEncoder(3, num_orders=num_orders)


def test_several_orders_average_the_contexts_of_one(support):
    one, several = made("gru"), made("gru, four orders")
    for weight, same in zip(several.variables, one.variables, strict=True):
        weight.assign(same)
    orders = fixed_orders(support["support_mask"], 4)
    contexts = [
        one(**{k: tf.gather(v, order, batch_dims=1) for k, v in support.items()})
        for order in tf.unstack(orders, axis=1)
    ]
    np.testing.assert_allclose(several(**support), np.mean(contexts, axis=0), atol=1e-6)
    assert not np.allclose(contexts[0][0], contexts[1][0])
    # In training there is one order alone, fresh from the input pipeline.
    in_training = several(**support, training=True)
    np.testing.assert_allclose(in_training, one(**support), atol=1e-6)


def test_orders_are_permutations_the_first_as_given():
    mask = tf.sequence_mask([7, 3, 0], 9)
    orders = fixed_orders(mask, MAX_ORDERS).numpy()
    np.testing.assert_array_equal(
        np.sort(orders), np.tile(range(9), [3, MAX_ORDERS, 1])
    )
    np.testing.assert_array_equal(orders[:, 0], np.tile(range(9), [3, 1]))
    assert len(np.unique(orders[0], axis=0)) == MAX_ORDERS


def test_orders_do_not_depend_on_the_padding():
    alone = fixed_orders(tf.ones([1, 5], tf.bool), 4).numpy()
    mask = tf.constant([[True, False, True, True, False, False, True, True]])
    among = fixed_orders(mask, 4).numpy()[..., :5]
    np.testing.assert_array_equal(np.array([0, 2, 3, 6, 7])[alone], among)


@st.composite
def supports(draw, min_size=0, max_size=6):
    """A support set of one episode, its numbers within [-4, 4]."""
    size = draw(st.integers(min_size, max_size))
    numbers = st.floats(-4, 4, width=16)
    values = draw(st.lists(numbers, min_size=size * 6, max_size=size * 6))
    values = np.reshape(values, [1, size, 6]).astype(np.float32)
    return {
        "pairs": tf.constant(values[..., :5]),
        "labels": tf.constant(values[..., 5]),
        "support_mask": tf.ones([1, size], tf.bool),
    }


def assert_close(one, other):
    np.testing.assert_allclose(one, other, atol=1e-4, rtol=1e-4)


@pytest.mark.parametrize("kind", ["mean", "max", "moments"])
@settings(max_examples=12, deadline=None)
@given(support=supports(), seed=st.integers(0, 99))
def test_the_order_of_pairs_does_not_matter(kind, support, seed):
    order = np.random.default_rng(seed).permutation(support["labels"].shape[1])
    turned = {k: tf.gather(v, order, axis=1) for k, v in support.items()}
    assert_close(shared(kind)(**turned), shared(kind)(**support))


@pytest.mark.parametrize("kind", KINDS)
@settings(max_examples=12, deadline=None)
@given(support=supports(), before=st.integers(0, 3), behind=st.integers(0, 3))
def test_padding_does_not_matter(kind, support, before, behind):
    def padded(value, filler):
        ends = [[0, 0], [before, behind]] + [[0, 0]] * (value.shape.rank - 2)
        return tf.pad(value, ends, constant_values=filler)

    fillers = {"pairs": 7.0, "labels": 7.0, "support_mask": False}
    wider = {k: padded(v, fillers[k]) for k, v in support.items()}
    assert_close(shared(kind)(**wider), shared(kind)(**support))


@pytest.mark.parametrize("kind", KINDS)
@settings(max_examples=12, deadline=None)
@given(one=supports(), other=supports())
def test_an_episode_encodes_alike_alone_and_in_a_batch(kind, one, other):
    width = max(one["labels"].shape[1], other["labels"].shape[1])

    def widened(value):
        ends = [[0, 0], [0, width - value.shape[1]]] + [[0, 0]] * (value.shape.rank - 2)
        return tf.pad(value, ends)

    both = {k: tf.concat([widened(one[k]), widened(other[k])], axis=0) for k in one}
    alone = [shared(kind)(**support)[0] for support in (one, other)]
    assert_close(shared(kind)(**both), alone)


# The more pairs, the less a shrunk mean is shrunk.
@pytest.mark.parametrize("kind", [k for k in ORDER_FREE if k != "shrunk_mean"])
@settings(max_examples=12, deadline=None)
@given(support=supports(min_size=1, max_size=1), times=st.integers(2, 5))
def test_pooling_does_not_mind_how_often_the_same_pair_stands_there(
    kind, support, times
):
    repeated = {k: tf.repeat(v, times, axis=1) for k, v in support.items()}
    assert_close(shared(kind)(**repeated), shared(kind)(**support))


@pytest.mark.parametrize("kind", KINDS)
@settings(max_examples=12, deadline=None)
@given(support=supports(min_size=1), label=st.floats(-4, 4, width=16))
def test_labels_that_are_all_equal_make_a_finite_context(kind, support, label):
    alike = {**support, "labels": tf.fill(support["labels"].shape, label)}
    assert np.isfinite(shared(kind)(**alike)).all()
