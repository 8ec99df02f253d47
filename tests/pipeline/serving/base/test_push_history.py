import contextlib
import dataclasses
import datetime
import pathlib

import pytest

from pipeline.serving.base.live_server import LiveServerError
from pipeline.serving.base.push_history import PUSH, ROLLBACK, PushEvent, PushHistory
from transforms.schema import DataError


@pytest.fixture
def history(tmp_path):
    return PushHistory(tmp_path)


def note(history, event, version, previous, *, label="stable", model_name="cmml"):
    history.record(
        PushEvent(
            event=event,
            model_name=model_name,
            pushed_version=version,
            destination=pathlib.Path("base") / model_name / str(version),
            label=label,
            previous_version=previous,
            blessing="gut",
        )
    )


def test_a_push_is_a_line_with_all_there_is_to_know(history):
    note(history, PUSH, 2, 1)
    (event,) = history.events()
    time = datetime.datetime.fromisoformat(event.pop("time"))
    assert time.tzinfo == datetime.UTC
    assert event == {
        "event": "push",
        "model_name": "cmml",
        "pushed_version": 2,
        "destination": "base/cmml/2",
        "label": "stable",
        "previous_version": 1,
        "blessing": "gut",
    }


def test_lines_are_added_in_order(history, tmp_path):
    for version in (1, 2, 3):
        note(history, PUSH, version, None)
    assert [event["pushed_version"] for event in history.events()] == [1, 2, 3]
    assert len((tmp_path / "pushes.jsonl").read_text().splitlines()) == 3


def test_without_a_file_nothing_has_happened(history):
    assert history.events() == []
    assert history.before("cmml", "stable", 1) is None


def test_the_version_before_is_that_of_the_latest_push(history):
    note(history, PUSH, 1, None)
    note(history, PUSH, 2, 1)
    note(history, PUSH, 3, 2)
    note(history, PUSH, 2, 3)  # Pushed again.
    assert history.before("cmml", "stable", 3) == 2
    assert history.before("cmml", "stable", 2) == 3
    assert history.before("cmml", "stable", 1) is None


def test_a_rollback_does_not_lead_forward_again(history):
    note(history, PUSH, 1, None)
    note(history, PUSH, 2, 1)
    note(history, PUSH, 3, 2)
    note(history, ROLLBACK, 2, 3)
    assert history.before("cmml", "stable", 2) == 1


def test_a_push_that_puts_a_directory_back_is_no_step_back(history):
    note(history, PUSH, 1, None)
    note(history, PUSH, 2, 1)
    note(history, PUSH, 2, 2)  # Its directory was gone, its label was not.
    assert history.before("cmml", "stable", 2) == 1


def test_labels_and_models_have_histories_of_their_own(history):
    note(history, PUSH, 2, 1)
    note(history, PUSH, 2, None, label="canary")
    note(history, PUSH, 2, 7, model_name="other")
    assert history.before("cmml", "stable", 2) == 1
    assert history.before("cmml", "canary", 2) is None
    assert history.before("other", "stable", 2) == 7


@pytest.mark.parametrize("line", ["{half", "[1]", ""])
def test_a_damaged_line_is_named(history, tmp_path, line):
    note(history, PUSH, 1, None)
    with (tmp_path / "pushes.jsonl").open("a", encoding="utf-8") as file:
        file.write(f"{line}\n")
    with pytest.raises(DataError, match=r"pushes.jsonl, line 2: must be a JSON object"):
        history.events()


@pytest.mark.parametrize(
    ("error", "events"),
    [(None, ["push"]), (LiveServerError, ["push", "withdrawal"]), (OSError, ["push"])],
)
def test_only_what_a_server_refuses_is_withdrawn(history, error, events):
    event = PushEvent(PUSH, "cmml", 2, pathlib.Path("base/cmml/2"), "stable", 1)
    expected = contextlib.nullcontext() if error is None else pytest.raises(error)
    with expected, history.recorded(event):
        assert [line["event"] for line in history.events()] == ["push"]
        if error is not None:
            raise error("not now")
    assert [line["event"] for line in history.events()] == events


def test_a_push_that_is_killed_and_started_again_is_one_line(history):
    event = PushEvent(PUSH, "cmml", 2, pathlib.Path("base/cmml/2"), "stable", 1, "gut")
    with history.recorded(event):
        pass  # Killed here.
    with history.recorded(event):
        pass
    assert len(history.events()) == 1
    with history.recorded(dataclasses.replace(event, label="canary")):
        pass
    assert len(history.events()) == 2
