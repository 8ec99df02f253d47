import numpy as np
import pytest

from models.factors.inverse import inverse_above_identity
from models.legacy_keras import tf

ROUNDING = 2e-6  # Of numbers of at most 1, as those of these inverses are.


def matrices(num_pairs, width, scale=1.0):
    """Two matrices I + F'F, F being of normal numbers, of decreasing size."""
    rng = np.random.default_rng(num_pairs + width)
    sizes = scale * np.linspace(1.0, 0.1, width)
    factors = sizes * rng.normal(size=[2, num_pairs, width])
    gram = np.einsum("bsk,bsj->bkj", factors, factors)
    return (np.eye(width) + gram).astype(np.float32)


@pytest.mark.parametrize("width", [1, 2, 25, 32, 33, 70])
@pytest.mark.parametrize("num_pairs", [0, 1, 40, 1000])
def test_the_inverse_is_that_of_float64(num_pairs, width):
    given = matrices(num_pairs, width)
    exact = np.linalg.inv(given.astype(np.float64))
    np.testing.assert_allclose(inverse_above_identity(given), exact, atol=ROUNDING)


def test_eigenvalues_may_differ_by_a_factor_of_ten_thousands():
    given = np.diag([1.0, 7.0, 3e4]).astype(np.float32)[np.newaxis]
    inverse = inverse_above_identity(given)[0].numpy()
    np.testing.assert_allclose(np.diag(inverse), [1.0, 1.0 / 7.0, 1.0 / 3e4], rtol=1e-5)


@pytest.mark.parametrize("width", [25, 70])
def test_no_op_of_it_is_one_that_only_tensorflow_has(width):
    graph = tf.function(inverse_above_identity, autograph=False).get_concrete_function(
        tf.TensorSpec([None, width, width])
    )
    kinds = {op.type for op in graph.graph.get_operations()}
    assert kinds <= {
        *("Placeholder", "Const", "Identity", "BatchMatMulV2", "StridedSlice"),
        *("Abs", "AddV2", "ConcatV2", "Max", "Mul", "Neg", "RealDiv", "Sub", "Sum"),
        *("Transpose",),
    }
