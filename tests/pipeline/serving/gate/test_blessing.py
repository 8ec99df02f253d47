import json

import pytest

from pipeline.judging.rule import Rule
from pipeline.serving.base.model_base import content_digest
from pipeline.serving.gate.blessing import Blessing, write
from transforms.schema import DataError

GOOD = Rule("size", True, 2.5, 500.0, "MB on disk")
BAD = Rule("latency", False, 71.0, 50.0, "p99 in ms")
WORSE = Rule("better than popularity", False, None, 0.0, "no tasks")


@pytest.fixture
def version_dir(tmp_path):
    version_dir = tmp_path / "cmml" / "17"
    version_dir.mkdir(parents=True)
    (version_dir / "saved_model.pb").write_bytes(b"graph")
    return version_dir


def test_a_version_is_blessed_if_every_rule_is_passed(version_dir):
    assert Blessing([GOOD], version_dir).passed
    assert not Blessing([GOOD, BAD], version_dir).passed


def test_the_message_names_all_rules_that_are_broken(version_dir):
    broken = Blessing([GOOD, BAD, WORSE], version_dir)
    assert broken.message == (
        "broken: latency: p99 in ms; better than popularity: no tasks"
    )
    other = Rule("ops", True, 0.0, 0.0, "stock")
    passed = Blessing([other, GOOD], version_dir)
    assert passed.message == "all 2 rules passed"


def test_the_table_has_a_line_for_each_rule(version_dir):
    lines = Blessing([GOOD, WORSE], version_dir).table().splitlines()
    cells = [[cell.strip() for cell in line.split("|")[1:-1]] for line in lines]
    assert cells[0] == ["rule", "", "value", "limit", "detail"]
    assert cells[2:] == [
        ["size", "passed", "2.5", "500", "MB on disk"],
        ["better than popularity", "BROKEN", "-", "0", "no tasks"],
    ]


def test_what_was_found_is_written_beside_the_version(version_dir):
    before = content_digest(version_dir)
    blessing = Blessing([GOOD, BAD], version_dir, version_dir.parent / "16")
    marker = write(blessing, "model", "0a1b")
    assert content_digest(version_dir) == before
    folder = version_dir.parent / ".validation" / "17" / "model"
    assert marker == folder / "NOT_BLESSED"
    assert marker.read_bytes() == b""
    found = json.loads((folder / "validations.json").read_text(encoding="utf-8"))
    assert found == {
        "blessing_message": "broken: latency: p99 in ms",
        "current_model": str(version_dir),
        "current_model_sha256": "0a1b",
        "baseline_model": str(version_dir.parent / "16"),
        "rules": [
            {
                "name": "size",
                "passed": True,
                "value": 2.5,
                "limit": 500.0,
                "detail": "MB on disk",
            },
            {
                "name": "latency",
                "passed": False,
                "value": 71.0,
                "limit": 50.0,
                "detail": "p99 in ms",
            },
        ],
    }


@pytest.mark.parametrize(
    ("judge", "names"),
    [
        ("infra", ("INFRA_BLESSED", "INFRA_NOT_BLESSED")),
        ("model", ("BLESSED", "NOT_BLESSED")),
    ],
)
def test_a_later_verdict_takes_the_place_of_an_earlier_one(version_dir, judge, names):
    directory = version_dir.parent / ".validation" / "17" / judge
    write(Blessing([BAD], version_dir), judge, "0a1b")
    assert {p.name for p in directory.iterdir()} == {names[1], "validations.json"}
    write(Blessing([GOOD], version_dir), judge, "0a1b")
    assert {p.name for p in directory.iterdir()} == {names[0], "validations.json"}


def test_a_folder_that_cannot_be_written_is_an_error(version_dir):
    (version_dir.parent / ".validation").touch()  # A file, so that no folder can be.
    with pytest.raises(DataError, match=r"beside the version, to .*17/infra: "):
        write(Blessing([GOOD], version_dir), "infra", "0a1b")
