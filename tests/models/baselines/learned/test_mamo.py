import numpy as np
import pytest
from learned_parts import raw_pairs

from models.baselines.learned.mamo import MAMO, AttendedMemory, MAMOOptions
from models.legacy_keras import tf
from models.objectives.rating_objective import RatingObjective
from models.recommender import split_episode

RAW_PAIRS = raw_pairs(2, 3)


@pytest.fixture
def episode():
    """Two users, whose units come first in each of their pairs."""
    rng = np.random.default_rng(0)
    user = rng.normal(size=[2, 1, 2])
    episode = {}
    for half, width in (("support", 3), ("query", 2)):
        pairs = [user.repeat(width, axis=1), rng.normal(size=[2, width, 3])]
        episode[f"{half}_pairs"] = tf.constant(np.concatenate(pairs, -1), tf.float32)
        labels = rng.integers(1, 6, [2, width])
        episode[f"{half}_label"] = tf.constant(labels, tf.float32)
        episode[f"{half}_mask"] = tf.ones([2, width], tf.bool)
    return episode


def build(episode, **changes):
    options = MAMOOptions(hidden_dims=(4,), embedding_dim=3, **changes)
    model = MAMO(RAW_PAIRS, RatingObjective(3.0, 1.0), options)
    model(episode)
    return model


def memories(method):
    return [method.profiles, *method.gradients, method.matrices]


def slots(method):
    return [memory.slots.numpy() for memory in memories(method)]


def test_reading_weighs_slots_by_attention():
    memory = AttendedMemory([[0.0, 2.0], [4.0, 4.0]], rate=0.5, forgets=False, name="m")
    np.testing.assert_allclose(memory.read([[0.75, 0.25]]), [[1.0, 2.5]])


@pytest.mark.parametrize(
    ("forgets", "expected"),
    # Two tasks, the first with attention to slot 0, the other to both. Slot 0 gets
    # 0.5 * (1 * 8 + 0.5 * 4) / 2 = 2.5, slot 1 0.5 * 0.5 * 4 / 2 = 0.5. Of slot 0
    # 1 - 0.5 * 1.5 / 2 = 0.625 stays, of slot 1 1 - 0.5 * 0.5 / 2 = 0.875; half of
    # both if memories forget.
    [(False, [5.0 + 2.5, 7.0 + 0.5]), (True, [4.0 + 2.5, 4.0 + 0.5])],
)
def test_writing_moves_slots_by_attention(forgets, expected):
    memory = AttendedMemory([[8.0], [8.0]], rate=0.5, forgets=forgets, name="m")
    memory.write(tf.constant([[1.0, 0.0], [0.5, 0.5]]), tf.constant([[8.0], [4.0]]))
    np.testing.assert_allclose(memory.slots[:, 0], expected)


def test_without_steps_and_memory_it_is_its_initial_network(episode):
    method = build(episode, inner_steps=0)
    for memory in method.gradients:
        memory.slots.assign(tf.zeros_like(memory.slots))
    matrix = method.matrices.slots[0]
    method.matrices.slots.assign(tf.stack([matrix] * 3))
    user, item = tf.split(episode["query_pairs"], [2, 3], axis=-1)
    (user_kernel, _), (item_kernel, _) = method.user_layer, method.item_layer
    embedded = tf.concat([user @ user_kernel, item @ item_kernel], axis=-1)
    hidden = tf.nn.relu(embedded) @ matrix
    for kernel, _ in method.other_layers:  # The biases are 0 at the start.
        hidden = tf.nn.relu(hidden) @ kernel
    expected = 3.0 + tf.squeeze(hidden, axis=-1)
    np.testing.assert_allclose(method(episode), expected, rtol=1e-5)


def test_the_start_moves_against_the_gradients_in_memory(episode):
    method = build(episode, inner_steps=0, start_weight=0.5)
    kernels, biases = method.gradients
    kernels.slots.assign(tf.ones_like(kernels.slots))
    biases.slots.assign(tf.fill([3, 1, 3], 2.0))
    kernel, bias = method._start(tf.ones([1, 2])).weights.user
    # Attention sums to 1: half of 1 and half of 2 are taken off.
    np.testing.assert_allclose(kernel[0], method.user_layer[0] - 0.5, rtol=1e-5)
    np.testing.assert_allclose(bias[0, 0], method.user_layer[1] - 1.0, rtol=1e-5)


def test_steps_lower_the_error_on_the_support_set(episode):
    method = build(episode, inner_steps=20, inner_learning_rate=0.05)
    support, _ = split_episode(episode)
    start, steps, _ = method._take_steps(support, training=False)
    final = tf.nest.map_structure(tf.add, start.weights, steps)
    pairs = support["support_pairs"]
    before, after = (
        method.objective.support_loss(method._through_layers(pairs, weights), support)
        for weights in (start.weights, final)
    )
    assert (after.numpy() < 0.9 * before.numpy()).all()


def test_a_user_without_support_starts_from_their_own_profile(episode):
    method = build(episode)
    nothing = {**episode, "support_mask": tf.zeros([2, 3], tf.bool)}
    no_steps = build(episode, inner_steps=0)
    np.testing.assert_allclose(method(nothing), no_steps(episode), rtol=1e-5)


def test_memories_move_in_training_alone(episode):
    method = build(episode)
    before = slots(method)
    method.compile()
    method.evaluate(tf.data.Dataset.from_tensors(episode), verbose=0)
    method(episode)
    for old, new in zip(before, slots(method), strict=True):
        np.testing.assert_array_equal(new, old)
    method.compile(tf.keras.optimizers.Adam(1e-3))
    method.fit(tf.data.Dataset.from_tensors(episode), verbose=0)
    for old, new in zip(before, slots(method), strict=True):
        assert np.abs(new - old).max() > 1e-6


def test_tasks_without_support_write_nothing(episode):
    method = build(episode)
    before = slots(method)
    nothing = {**episode, "support_mask": tf.zeros([2, 3], tf.bool)}
    method.compute_loss(nothing, training=True)
    for old, new in zip(before, slots(method), strict=True):
        np.testing.assert_array_equal(new, old)


def test_matrices_keep_their_size_unless_memories_forget(episode):
    sizes = {}
    for forgets in (False, True):
        method = build(episode, forgets=forgets)
        attention = tf.fill([2, 3], 1 / 3)
        for _ in range(100):
            method.matrices.write(attention, method.matrices.read(attention))
        sizes[forgets] = np.abs(method.matrices.read(attention)).mean()
    fresh = build(episode).matrices.read(tf.fill([2, 3], 1 / 3))
    assert sizes[False] == pytest.approx(np.abs(fresh).mean(), rel=1e-4)
    assert sizes[True] < 0.01 * sizes[False]


def test_memories_are_in_the_checkpoint_and_are_not_trained(episode, tmp_path):
    method = build(episode)
    # Kernel and bias of profile, sharpness, user, item, and two layers above.
    assert len(method.trainable_variables) == 12
    for memory in memories(method):
        memory.slots.assign(memory.slots + 1.0)
    path = tf.train.Checkpoint(model=method).save(tmp_path / "weights")
    fresh = build(episode)
    tf.train.Checkpoint(model=fresh).restore(path).assert_consumed()
    for saved, restored in zip(slots(method), slots(fresh), strict=True):
        np.testing.assert_array_equal(restored, saved)


def test_steps_must_not_be_negative():
    with pytest.raises(ValueError, match="inner_steps must not be negative, got -1"):
        MAMOOptions(inner_steps=-1)
