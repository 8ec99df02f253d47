"""Half of the peak rate, for a caller that answers at once."""

import pytest

from pipeline.serving.bench import load as load_module
from pipeline.serving.bench.load import Call, half_of_peak
from pipeline.serving.bench.options import Sizes
from pipeline.serving.bench.workload import Workload

SIZES = Sizes(support=(0, 5), candidates=(100, 10, 1), concurrency=(1,), seconds=0.02)


def test_the_rate_is_half_of_the_peak(version_dir, caller, monkeypatch):
    # 30 answers, the last after 0.5 s: 60 a second.
    calls = [Call(0.0, 500.0, "OK")] * 30
    monkeypatch.setattr(load_module, "closed_loop", lambda *args, **options: calls)
    load = half_of_peak(caller, Workload(version_dir, caller, 0), SIZES)
    assert load.per_second == pytest.approx(30.0)
    _, inputs = load.requests[0]
    assert len(inputs["support_item_id"][0]) == 5
    assert len(inputs["query_item_id"][0]) == 10


def test_a_server_that_answers_nothing_has_no_peak(
    version_dir, caller, monkeypatch, serving_error
):
    def refuse(request, timeout_s):
        raise serving_error("UNAVAILABLE", "full")

    monkeypatch.setattr(caller, "send", refuse)
    with pytest.raises(RuntimeError, match=r"none of \d+ requests was answered"):
        half_of_peak(caller, Workload(version_dir, caller, 0), SIZES)
