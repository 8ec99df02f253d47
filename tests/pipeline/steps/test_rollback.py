import shutil

import pytest

from models.whole_files import write_json
from pipeline.experiment.version_dir import EXTRA, MANIFEST, written_files
from pipeline.serving.base.live_server import LiveServerError
from pipeline.serving.base.model_base import push_lock
from pipeline.serving.base.push_history import PUSH, PushEvent, PushHistory
from pipeline.serving.base.served_labels import ServedLabels
from pipeline.steps.rollback import rollback
from transforms.schema import DataError


@pytest.fixture
def base(tmp_path):
    """A base to which versions 1, 2 and 3 have been pushed."""
    labels, history = ServedLabels(tmp_path, "cmml"), PushHistory(tmp_path)
    for version in (1, 2, 3):
        directory = tmp_path / "cmml" / str(version)
        (directory / EXTRA).mkdir(parents=True)
        (directory / "saved_model.pb").touch()
        files = written_files(directory)
        write_json(directory / MANIFEST, {"files": files})
        previous = labels.labels().get("stable")
        event = PushEvent(PUSH, "cmml", version, directory, "stable", previous)
        history.record(event)
        labels.move("stable", version)
    return tmp_path


def stable(base):
    return ServedLabels(base, "cmml").labels()["stable"]


def test_a_label_goes_back_to_the_version_before(base, capsys):
    assert rollback(base, "cmml") == 0
    assert stable(base) == 2
    assert capsys.readouterr().out == f"{base / 'cmml' / '2'}\n"
    *_, last = PushHistory(base).events()
    assert (last["event"], last["pushed_version"]) == ("rollback", 2)
    assert last["previous_version"] == 3


def test_requests_without_a_label_no_longer_get_what_was_taken_back(base, capsys):
    assert ServedLabels(base, "cmml").listed() == [2, 3]
    rollback(base, "cmml")
    assert ServedLabels(base, "cmml").listed() == [2]
    assert "without a label" not in capsys.readouterr().err


def test_a_canary_that_gets_requests_without_a_label_is_told_of(base, capsys):
    ServedLabels(base, "cmml").move("canary", 3)
    rollback(base, "cmml")
    assert ServedLabels(base, "cmml").listed() == [2, 3]
    assert (
        "rollback: requests without a label get version 3, the newest that is loaded; "
        "version 2 is stable" in capsys.readouterr().err
    )


def test_a_label_goes_back_step_by_step_until_the_first_version(base):
    rollback(base, "cmml")
    rollback(base, "cmml")
    assert stable(base) == 1
    with pytest.raises(DataError, match="no version that was stable before 1: name"):
        rollback(base, "cmml")
    assert stable(base) == 1


def test_a_version_may_be_named(base):
    rollback(base, "cmml", version=1)
    assert stable(base) == 1


def test_a_version_that_has_the_label_keeps_it(base, capsys):
    before = len(PushHistory(base).events())
    assert rollback(base, "cmml", version=3) == 0
    assert "version 3 is stable already" in capsys.readouterr().err
    assert len(PushHistory(base).events()) == before


@pytest.mark.parametrize("version", [None, 2])
def test_a_version_that_is_gone_is_refused(base, version):
    shutil.rmtree(base / "cmml" / "2")
    with pytest.raises(DataError, match=r"version 2 of 'cmml' is not in .* \[1, 3\]"):
        rollback(base, "cmml", version=version)
    assert stable(base) == 3


@pytest.mark.parametrize("version", [None, 2])
def test_a_version_that_is_damaged_is_refused(base, version):
    (base / "cmml" / "2" / "saved_model.pb").write_text("?")
    before = len(PushHistory(base).events())
    cure = "must have 0 bytes, but has 1 bytes: .* name another one with --version"
    with pytest.raises(DataError, match=f"cmml/2 .* saved_model.pb {cure}"):
        rollback(base, "cmml", version=version)
    assert stable(base) == 3
    assert len(PushHistory(base).events()) == before


def test_a_label_that_nobody_has_is_refused(base):
    with pytest.raises(DataError, match=r"is canary, its labels are {'stable': 3}"):
        rollback(base, "cmml", label="canary")


def test_a_rollback_that_the_server_does_not_take_is_withdrawn(base, monkeypatch):
    def refuse(*_, **__):
        raise LiveServerError("cannot load version 2")

    with monkeypatch.context() as patch:
        patch.setattr(ServedLabels, "move", refuse)
        with pytest.raises(LiveServerError, match="cannot load version 2"):
            rollback(base, "cmml")
    assert stable(base) == 3
    first, second = PushHistory(base).events()[-2:]
    assert (first["event"], second["event"]) == ("rollback", "withdrawal")
    assert second["pushed_version"] == first["pushed_version"] == 2
    rollback(base, "cmml")
    assert stable(base) == 2


def test_a_push_that_is_going_on_is_not_disturbed(base):
    with push_lock(base), pytest.raises(DataError, match="another push to"):
        rollback(base, "cmml")
    assert stable(base) == 3


def test_the_only_model_of_a_base_needs_no_name(base):
    assert rollback(base) == 0
    assert stable(base) == 2


def test_models_that_are_there_are_named(base, tmp_path):
    with pytest.raises(DataError, match=r"which are \['cmml'\], got 'shop'"):
        rollback(base, "shop")
    ServedLabels(base, "books").move("stable", 1)
    with pytest.raises(DataError, match=r"which are \['books', 'cmml'\], got none"):
        rollback(base)
    with pytest.raises(DataError, match=r"which are \[\], got none"):
        rollback(base / "cmml")


def test_a_server_that_does_not_answer_leaves_all_as_it_was(base):
    before = PushHistory(base).events()
    with pytest.raises(LiveServerError, match="answers UNAVAILABLE"):
        rollback(base, "cmml", server="127.0.0.1:1")
    assert stable(base) == 3
    assert PushHistory(base).events() == before
