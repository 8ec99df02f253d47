import pytest

from models.options import CMMLOptions


def test_the_defaults_are_legal():
    assert CMMLOptions().hidden_dims == (64, 64, 64)


@pytest.mark.parametrize(
    "name", ["embedding_dim", "label_dim", "encoder_dim", "modulation_dim"]
)
def test_refuses_a_width_of_nothing(name):
    with pytest.raises(ValueError, match=rf"{name} must be at least 1, got 0\."):
        CMMLOptions(**{name: 0})


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"hidden_dims": (64, -1)}, r"hidden_dims must be at least 1, got -1\."),
        ({"hidden_dims": ()}, r"hidden_dims must name at least one layer, got none\."),
        ({"prior_rank": -1}, r"prior_rank must be at least 0, got -1\."),
        ({"dropout": 1.0}, r"dropout must be in \[0, 1\), got 1\.0\."),
        ({"dropout": -0.1}, r"dropout must be in \[0, 1\), got -0\.1\."),
    ],
)
def test_refuses_what_no_model_can_have(changes, message):
    with pytest.raises(ValueError, match=message):
        CMMLOptions(**changes)


def test_nothing_dropped_and_biases_alone_are_legal():
    options = CMMLOptions(dropout=0.0, prior_rank=0)
    assert (options.dropout, options.prior_rank) == (0.0, 0)
