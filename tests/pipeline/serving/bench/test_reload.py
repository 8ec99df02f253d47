"""A version published under load, against servers of this process."""

import concurrent.futures
import contextlib
import threading

import pytest

from pipeline.serving.bench import reload as reload_module
from pipeline.serving.bench.load import OK, Call, SteadyLoad
from pipeline.serving.bench.options import Sizes
from pipeline.serving.bench.reload import ReloadError, reload_under_load

SIZES = Sizes(support=(2,), candidates=(3,), concurrency=(1,), seconds=0.1)


def run(version_dir, start_server):
    return reload_under_load(
        version_dir, "cmml", "rest", SIZES, seed=0, start_server=start_server
    )


def test_a_copy_is_published_while_requests_come(version_dir, start_rest_server):
    bases = []

    @contextlib.contextmanager
    def start(model_name, base, version):
        assert version is None  # The newest, whichever it is.
        bases.append((model_name, base, sorted(p.name for p in base.iterdir())))
        with start_rest_server(model_name, base) as server:
            yield server
            published = {p.name for p in base.iterdir()}
            assert published == {"7", "8"}  # And no staging folder.
            same = (base / "8" / "assets" / "item_id.txt").read_bytes()
            assert same == (version_dir / "assets" / "item_id.txt").read_bytes()

    result = run(version_dir, start)
    assert [phase.name for phase in result.phases] == ["before", "during", "after"]
    assert all(phase.requests > 0 for phase in result.phases)
    assert result.errors == 0
    assert result.answers_agree
    ((name, base, versions),) = bases
    assert (name, versions) == ("cmml", ["7"])
    assert not base.exists()
    assert [p.name for p in version_dir.parent.iterdir()] == ["7"]


def test_what_goes_wrong_during_the_reload_is_told(caller, serving_error, monkeypatch):
    state, has_failed = {"fails": False, "score": 1.0}, threading.Event()

    def send(request, timeout_s):
        if state["fails"]:
            has_failed.set()
            raise serving_error("NOT_FOUND", "no version")
        return {"score": [[state["score"]]]}

    def publish():
        state["fails"] = True
        has_failed.wait(5)
        state.update(fails=False, score=2.0)
        return 1.5

    monkeypatch.setattr(caller, "send", send)
    load = SteadyLoad(caller, [("rank", {})], per_second=200.0)
    result = reload_module._swap(caller, load, 0.1, publish)
    before, during, after = result.phases
    assert (before.requests, before.errors) == (20, 0)
    assert 0 < during.errors < during.requests
    assert (after.requests, after.errors) == (20, 0)
    assert result.errors == during.errors
    assert (result.took_s, result.answers_agree) == (1.5, False)


def test_a_reload_that_is_over_at_once_has_requests_too(caller, monkeypatch):
    class AtOnce(concurrent.futures.Executor):
        def __init__(self, workers):
            assert workers == 1

        def submit(self, work):
            future = concurrent.futures.Future()
            future.set_result(work())
            return future

    monkeypatch.setattr(concurrent.futures, "ThreadPoolExecutor", AtOnce)
    monkeypatch.setattr(caller, "send", lambda request, timeout_s: {"score": [[1.0]]})
    load = SteadyLoad(caller, [("rank", {})], per_second=200.0)
    sent = Call(code=OK, started_s=0.0, latency_ms=1.0)
    monkeypatch.setattr(SteadyLoad, "run", lambda self, seconds: [sent])
    result = reload_module._swap(caller, load, 0.1, lambda: 0.0)
    assert [phase.requests for phase in result.phases] == [1, 1, 1]


def test_a_version_that_never_serves_ends_it(
    version_dir, start_rest_server, monkeypatch
):
    monkeypatch.setattr(reload_module, "_LOAD_TIMEOUT_S", 0.3)
    monkeypatch.setattr(reload_module, "_available", lambda status: {7})
    with pytest.raises(ReloadError, match=r"version 8 .* available are \[7\]"):
        run(version_dir, start_rest_server)
