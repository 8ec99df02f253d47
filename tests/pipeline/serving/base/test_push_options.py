import pydantic
import pytest

from pipeline.experiment.config_section import PushConfig
from pipeline.serving.base.push_options import check_label_and_server


def test_versions_are_not_judged_by_the_test_split_by_default():
    assert PushConfig().split == "meta_validation"


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("split", "meta_train"),
        ("margin", -0.1),
        ("margin", float("inf")),
        ("max_p99_ms", 0.0),
        ("max_size_mb", float("nan")),
        ("keep", 0),
        ("num_resamples", 99),
        ("max_users", 0),
        ("force", True),
    ],
)
def test_values_that_cannot_be_are_refused(key, value):
    with pytest.raises(pydantic.ValidationError, match=key):
        PushConfig(**{key: value})


@pytest.mark.parametrize("server", [None, "localhost:8500", "[::1]:8500"])
@pytest.mark.parametrize("label", ["stable", "canary"])
def test_known_labels_and_addresses_with_a_port_are_fine(label, server):
    check_label_and_server(label, server)


def test_another_label_is_refused():
    with pytest.raises(ValueError, match=r"\['stable', 'canary'\], got 'latest'"):
        check_label_and_server("latest", None)


@pytest.mark.parametrize("server", ["localhost", ":8500", "localhost:grpc", ""])
def test_an_address_without_host_or_port_is_refused(server):
    with pytest.raises(ValueError, match=f"must be host:port, got {server!r}"):
        check_label_and_server("stable", server)
