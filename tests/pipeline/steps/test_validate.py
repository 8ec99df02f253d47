import pytest

from pipeline.serving.base.model_base import content_digest
from pipeline.steps.validate import validate
from transforms.schema import DataError


def found(version):
    folder = version.parent / ".validation" / version.name / "infra"
    return {path.name for path in folder.iterdir()}


def test_a_version_that_a_server_can_use_is_blessed(version, capsys):
    before = content_digest(version)
    assert validate(version) == 0
    assert found(version) == {"INFRA_BLESSED", "validations.json"}
    assert content_digest(version) == before
    lines = capsys.readouterr().out.splitlines()
    assert len(lines) == 10  # A header, a rule below it, seven rules, the verdict.
    assert lines[-1].startswith("INFRA_BLESSED: all 7 rules passed (see ")


def test_a_version_that_answers_otherwise_is_not_blessed(version, capsys):
    (version / "assets.extra" / "parity_requests").unlink()
    assert validate(version) == 1
    assert found(version) == {"INFRA_NOT_BLESSED", "validations.json"}
    out = capsys.readouterr().out
    assert "INFRA_NOT_BLESSED: broken: parity, gRPC: " in out


def test_what_is_no_version_is_an_error(tmp_path):
    with pytest.raises(DataError, match=r"holds no saved_model.pb"):
        validate(tmp_path)
