"""Lines of JSON about requests that were not answered."""

import io
import json
import logging

import grpc
import pytest

from pipeline.serving.server import problem_log
from pipeline.serving.server.problem_log import AtMost, JsonLines
from pipeline.serving.server.request_error import RequestError, invalid

SECRET = "what the client sent"


@pytest.fixture
def lines():
    """Returns what has been written since, as objects."""
    stream = io.StringIO()
    handler = logging.StreamHandler(stream)
    handler.setFormatter(JsonLines())
    problem_log.logger.addHandler(handler)
    yield lambda: [json.loads(line) for line in stream.getvalue().splitlines()]
    problem_log.logger.removeHandler(handler)


def report(error):
    problem_log.report(error, entrypoint="REST", method="POST /v1", request="r1")


def test_a_refused_request_is_one_line_without_what_was_sent(lines):
    report(invalid(SECRET))
    (line,) = lines()
    assert line.pop("time")
    assert line == {
        "level": "warning",
        "event": "request refused",
        "request_id": "r1",
        "entrypoint": "REST",
        "method": "POST /v1",
        "code": "INVALID_ARGUMENT",
    }


def test_a_bug_is_one_line_with_its_place_and_without_its_words(lines):
    try:
        raise KeyError(SECRET)
    except KeyError as bug:
        error = RequestError(grpc.StatusCode.INTERNAL, "see the log")
        error.__cause__ = bug
    report(error)
    (line,) = lines()
    assert (line["level"], line["error"]) == ("error", "KeyError")
    assert "test_problem_log.py" in line["where"][-1]
    assert SECRET not in json.dumps(line)


def test_an_exception_in_any_other_line_is_told_likewise(lines):
    try:
        raise ValueError(SECRET)
    except ValueError:
        problem_log.logger.exception("a version\ncannot be loaded")
    (line,) = lines()
    assert (line["event"], line["error"]) == (
        "a version\ncannot be loaded",
        "ValueError",
    )
    assert SECRET not in json.dumps(line)


def test_an_id_of_the_client_is_kept_if_it_is_one():
    assert problem_log.request_id("trace-1.a_B") == "trace-1.a_B"
    for given in (None, "", "a b", "x" * 65, "a\nb", '"}'):
        made = problem_log.request_id(given)
        assert made not in (given, problem_log.request_id(given))
        assert len(made) == 16


def test_a_flood_of_problems_is_cut_and_counted(monkeypatch):
    now = [0.0]
    monkeypatch.setattr(problem_log.time, "monotonic", lambda: now[0])
    at_most = AtMost(2)
    records = [logging.makeLogRecord({}) for _ in range(6)]
    assert [at_most.filter(record) for record in records[:5]] == [True] * 2 + [
        False
    ] * 3
    now[0] = 1.0
    assert at_most.filter(records[5])
    assert records[5].suppressed == 3
