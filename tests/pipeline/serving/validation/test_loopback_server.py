import shutil

import pytest

from pipeline.serving.validation.infra_rules import infra_blessing
from pipeline.serving.validation.loopback_server import open_server
from transforms.schema import DataError


def test_the_embedded_server_is_one_that_a_version_can_be_tried_with(version):
    newer = shutil.copytree(version, version.with_name("1700000002"))
    shutil.rmtree(newer / "variables")  # Not to be loaded: another one is asked for.
    blessing = infra_blessing(version, open_server)
    assert [rule.name for rule in blessing.rules if not rule.passed] == []
    assert len(blessing.rules) == 7


def test_a_version_that_cannot_be_loaded_is_an_error(version):
    (version / "saved_model.pb").write_bytes(b"no graph")
    with (
        pytest.raises(DataError, match=str(version)),
        open_server("cmml", version),
    ):
        pass
