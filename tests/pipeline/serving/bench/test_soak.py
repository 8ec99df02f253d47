"""The slope of the memory, minutes, and the verdict, on made-up figures."""

import itertools
import math

import pytest

from pipeline.serving.bench import soak as soak_module
from pipeline.serving.bench.load import Call, SteadyLoad
from pipeline.serving.bench.soak import by_minute, memory_slope, soak


def test_the_slope_is_that_of_the_memory_after_it_has_settled():
    # 100 MB come in the first half, and 3 MB in every minute.
    growing = [
        (60.0 * i, 500.0 + 3.0 * i - (100.0 if i < 4 else 0.0)) for i in range(8)
    ]
    assert memory_slope(growing) == pytest.approx(3.0)
    assert memory_slope([(s, 700.0) for s, _ in growing]) == pytest.approx(0.0)


@pytest.mark.parametrize("samples", [[], [(0.0, 1.0)]])
def test_too_few_samples_have_no_slope(samples):
    assert math.isnan(memory_slope(samples))


def test_calls_and_memory_go_to_the_minute_they_began_in():
    calls = [Call(1.0, 5.0, "OK"), Call(59.9, 7.0, "X"), Call(60.1, 9.0, "OK")]
    first, second = by_minute(calls, [(10.0, 100.0), (50.0, 120.0)])
    assert (first.number, first.calls.requests, first.calls.errors) == (0, 2, 1)
    assert (first.calls.p50_ms, first.memory_mb) == (5.0, 120.0)
    assert (second.number, second.calls.p99_ms) == (1, 9.0)
    assert math.isnan(second.memory_mb)


@pytest.fixture
def load(caller):
    return SteadyLoad(caller, [("rank", {})], per_second=100.0)


def test_a_soak_keeps_its_rate_and_watches_memory(load):
    result = soak(load, 0.3 / 60, lambda: 100.0)
    assert (result.requests, result.errors) == (30, 0)
    assert result.slope_mb_per_minute == pytest.approx(0.0, abs=1e-6)
    assert result.minutes[0].memory_mb == 100.0
    assert result.is_flat is None  # Much too short to tell.


@pytest.mark.parametrize(("growth", "is_flat"), [(0.0, True), (5.0, False)])
def test_a_soak_that_is_long_enough_tells_growth(load, monkeypatch, growth, is_flat):
    monkeypatch.setattr(soak_module, "_SHORTEST_MINUTES", 0.0)
    memory = itertools.count(100.0, growth)
    assert soak(load, 0.2 / 60, lambda: next(memory)).is_flat is is_flat


def test_a_server_out_of_reach_has_no_memory(load):
    result = soak(load, 0.05 / 60, None)
    assert result.is_flat is None
    assert math.isnan(result.slope_mb_per_minute)
