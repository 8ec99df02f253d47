"""One battery for every layer: graph, shapes, weights and their gradients."""

import numpy as np
import pytest

from models.legacy_keras import tf
from models.pairs.features import EntityEmbedding, FeatureEmbedding
from models.parts.backbone import Backbone, HeadlessBackbone, ModularBackbone
from models.parts.dense_parts import PartwiseDense
from models.parts.gru import MaskedGRU
from models.parts.hybrid_context import DotHybrid, MLPHybrid, NoHybrid
from models.parts.modulation import (
    FiLMModulation,
    RouteModulation,
    SigmoidModulation,
    WeightModulation,
)
from models.parts.pooling_encoder import PoolingEncoder
from models.parts.sequential_encoder import SequentialEncoder
from transforms.schema import Feature

TAGS = Feature("tags", "multi", vocabulary_size=3, max_values=2)

# How each layer is made, given the item table of the data set.
LAYERS = {
    "backbone": lambda table: Backbone(4, [3, 2], seed=0),
    "backbone, parts": lambda table: Backbone(4, [3, 2], seed=0),
    "backbone, headless": lambda table: HeadlessBackbone(4, [3, 2], seed=0),
    "backbone, modular": lambda table: ModularBackbone(
        4, num_layers=2, num_modules=3, module_dim=2, seed=0
    ),
    "dense": lambda table: PartwiseDense(3),
    "encoder, gru": lambda table: SequentialEncoder(4, encoder_dim=3, label_dim=2),
    "encoder, orders": lambda table: SequentialEncoder(4, num_orders=3),
    "encoder, mean": lambda table: PoolingEncoder(4, encoder_dim=3, label_dim=2),
    "encoder, max": lambda table: PoolingEncoder(4, pooling="max", encoder_dim=3),
    "entities": lambda table: EntityEmbedding(table, 2, min_id_count=1),
    "feature": lambda table: FeatureEmbedding(TAGS, 2),
    "gru": lambda table: MaskedGRU(3),
    "hybrid, none": lambda table: NoHybrid(),
    "hybrid, dot": lambda table: DotHybrid(),
    "hybrid, dot, parts": lambda table: DotHybrid(),
    "hybrid, mlp": lambda table: MLPHybrid(5),
    "modulation, film": lambda table: FiLMModulation([3, 2], modulation_dim=4),
    "modulation, film, parts": lambda table: FiLMModulation([3, 2], modulation_dim=4),
    "modulation, sigmoid": lambda table: SigmoidModulation([3, 2], modulation_dim=4),
    "modulation, weight": lambda table: WeightModulation(2, modulation_dim=4),
    "modulation, routes": lambda table: RouteModulation(2, 3, modulation_dim=4),
}


def inputs_of(name, batch_size=3, width=5):
    """Call arguments of a layer, [B, S] or [B, Q] being [batch_size, width]."""
    rng = np.random.default_rng(batch_size)

    def floats(*shape):
        return tf.constant(rng.normal(size=shape), tf.float32)

    pairs = floats(batch_size, width, 4)
    parts = [floats(batch_size, 1, 1), floats(batch_size, width, 3)]
    mask = tf.sequence_mask(range(batch_size), width)
    film = [
        (floats(batch_size, width, units), floats(batch_size, width, units))
        for units in (3, 2)
    ]
    of_kind = {
        "backbone": [pairs, film],
        "backbone, parts": [parts, film],
        "backbone, headless": [
            pairs,
            (floats(batch_size, width, 1, 2), floats(batch_size, width, 1)),
        ],
        "backbone, modular": [
            pairs,
            [floats(batch_size, width, 3, 3), floats(batch_size, width, 3)],
        ],
        "dense": [[floats(batch_size, 1, 4), pairs]],
        "encoder": [pairs, floats(batch_size, width), mask],
        "entities": [tf.constant(rng.integers(0, 10, [batch_size, width]))],
        "feature": [tf.constant(rng.integers(0, 4, [batch_size, 2]))],
        "gru": [pairs, mask],
        "hybrid": [floats(batch_size, 4), pairs],
        "hybrid, dot, parts": [floats(batch_size, 4), parts],
        "modulation": [pairs],
        "modulation, film, parts": [parts],
    }
    return of_kind.get(name, of_kind.get(name.partition(",")[0]))


def assert_equal_outputs(outputs, others):
    for one, other in zip(*map(tf.nest.flatten, (outputs, others)), strict=True):
        np.testing.assert_allclose(one, other, atol=1e-6)


@pytest.fixture(params=LAYERS)
def name(request):
    return request.param


@pytest.fixture
def layer(name, dataset):
    tf.keras.utils.set_random_seed(0)
    return LAYERS[name](dataset.items)


def test_one_graph_serves_any_batch_and_any_width(name, layer):
    def spec(value):
        # The batch and the pairs in it may be any; the last of several is a width.
        is_vector = name.startswith(("hybrid", "feature")) and value.shape.rank == 2
        shape = [None, None, *value.shape[2:]]
        if is_vector or value.shape[1] == 1:  # A part is alike everywhere, or nowhere.
            shape = [None, *value.shape[1:]]
        return tf.TensorSpec(shape, value.dtype)

    specs = tf.nest.map_structure(spec, inputs_of(name))
    graph = tf.function(
        lambda *inputs: layer(*inputs), input_signature=specs, autograph=False
    )
    for inputs in (inputs_of(name), inputs_of(name, batch_size=1, width=2)):
        assert_equal_outputs(graph(*inputs), layer(*inputs))


def test_a_checkpoint_brings_back_the_outputs(name, layer, dataset, tmp_path):
    inputs = inputs_of(name)
    outputs = layer(*inputs)
    for number, variable in enumerate(layer.trainable_variables):
        variable.assign(variable + 0.1 * (number + 1))
    changed = layer(*inputs)
    if layer.trainable_variables:
        with pytest.raises(AssertionError):
            assert_equal_outputs(changed, outputs)
    path = tf.train.Checkpoint(layer=layer).save(tmp_path / "weights")
    fresh = LAYERS[name](dataset.items)
    fresh(*inputs)
    tf.train.Checkpoint(layer=fresh).restore(path).assert_consumed()
    assert_equal_outputs(fresh(*inputs), changed)


def test_every_weight_has_a_gradient(name, layer):
    inputs = inputs_of(name)
    layer(*inputs)  # Creates the weights.
    for variable in layer.trainable_variables:
        variable.assign(tf.abs(variable) + 0.1)  # Else a ReLU may stop all of it.
    with tf.GradientTape() as tape:
        outputs = tf.nest.flatten(layer(*inputs))
        loss = tf.add_n([tf.reduce_sum(tf.square(output)) for output in outputs])
    for variable, gradient in zip(
        layer.trainable_variables,
        tape.gradient(loss, layer.trainable_variables),
        strict=True,
    ):
        assert np.any(tf.convert_to_tensor(gradient)), variable.name


def test_makes_no_weight_after_its_first_call(name, layer):
    layer(*inputs_of(name))
    before = [variable.ref() for variable in layer.variables]
    layer(*inputs_of(name, batch_size=1, width=2))
    assert [variable.ref() for variable in layer.variables] == before
