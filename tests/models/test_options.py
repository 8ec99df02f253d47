import pytest

from models.options import CMMLOptions


def test_the_defaults_are_legal():
    assert CMMLOptions().hidden_dims == (64, 64, 64)


@pytest.mark.parametrize(
    "name",
    [
        *("embedding_dim", "label_dim", "encoder_dim", "hybrid_dim"),
        *("modulation_dim", "module_layers", "num_modules", "module_dim"),
        "num_orders",
    ],
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
        ({"prior_full_rank_items": -1}, r"prior_full_rank_items must be at least 0"),
        ({"dropout": 1.0}, r"dropout must be in \[0, 1\), got 1\.0\."),
        ({"dropout": -0.1}, r"dropout must be in \[0, 1\), got -0\.1\."),
        ({"film_scale_offset": float("nan")}, r"film_scale_offset must be finite, "),
        (
            {"encoder": "lstm"},
            r"encoder must be one of \(.*'moments'\), got 'lstm'\.",
        ),
        ({"activation": "gelu"}, r"activation must be one of .*, got 'gelu'\."),
        ({"num_orders": 9}, r"num_orders must be at most 8, got 9\."),
    ],
)
def test_refuses_what_no_model_can_have(changes, message):
    with pytest.raises(ValueError, match=message):
        CMMLOptions(**changes)


@pytest.mark.parametrize(
    ("switch", "legal", "illegal"),
    [
        ({"num_orders": 2}, {"encoder": "gru"}, {"encoder": "max"}),
        (
            {"modulation_position": "after_activation"},
            {"modulation": "sigmoid"},
            {"modulation": "weight"},
        ),
        (
            {"film_scale_offset": 0.0},
            {"modulation": "film"},
            {"modulation": "sigmoid"},
        ),
        ({"route_axis": "source"}, {"modulation": "soft"}, {"modulation": "film"}),
    ],
)
def test_refuses_a_switch_that_its_member_does_not_have(switch, legal, illegal):
    CMMLOptions(**switch, **legal)
    ((key, value),) = switch.items()
    ((member_key, member),) = illegal.items()
    message = (
        rf"{key} = {value!r} goes with {member_key} '.*' only, "
        rf"got {member_key} {member!r}\."
    )
    with pytest.raises(ValueError, match=message):
        CMMLOptions(**switch, **illegal)


def test_refuses_to_detach_embeddings_that_learn_nothing():
    CMMLOptions(detach_support=True, embeddings="both")
    with pytest.raises(ValueError, match="nothing to detach where embeddings are 'fi"):
        CMMLOptions(detach_support=True, embeddings="fixed")


@pytest.mark.parametrize("embeddings", ["fixed", "both"])
def test_refuses_a_learned_prior_beside_fixed_factors(embeddings):
    CMMLOptions(prior="learned", embeddings="learned")
    with pytest.raises(
        ValueError, match=f"'learned' only, got embeddings .{embeddings}"
    ):
        CMMLOptions(prior="learned", embeddings=embeddings)


def test_a_learned_prior_has_factors():
    with pytest.raises(ValueError, match="at least 1, got 0"):
        CMMLOptions(prior="learned", embeddings="learned", prior_rank=0)


@pytest.mark.parametrize("most", [0.0, -1.0, float("nan"), float("inf")])
def test_surprises_are_cut_at_some_deviations(most):
    with pytest.raises(ValueError, match=r"max_surprise must be above 0 .*, got "):
        CMMLOptions(max_surprise=most)


def test_surprises_need_factors_that_expect_something():
    CMMLOptions(max_surprise=1.0, prior="constant", embeddings="fixed")
    with pytest.raises(ValueError, match=r"max_surprise needs factors .* 'constant'"):
        CMMLOptions(max_surprise=1.0, prior="constant", embeddings="learned")


def test_nothing_dropped_and_biases_alone_are_legal():
    options = CMMLOptions(dropout=0.0, prior_rank=0)
    assert (options.dropout, options.prior_rank) == (0.0, 0)
