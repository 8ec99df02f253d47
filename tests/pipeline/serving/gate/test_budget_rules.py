import numpy as np
import pytest

from pipeline.serving.gate.budget_rules import latency_rule, p99_ms, size_rule


def test_the_99th_percentile_is_of_the_calls_that_are_timed():
    asked = []
    now = 0.0

    def call(request):
        nonlocal now
        asked.append(request)
        # The first call of each, not timed, is slow; then 1, 2, ..., 101 ms.
        now += 10.0 if len(asked) <= 2 else (len(asked) - 2) / 1e3

    found = p99_ms(call, ["a", "b"], num_calls=101, clock=lambda: now)
    assert found == pytest.approx(100.0)  # 99 % of the way from 1 to 101.
    assert asked[:5] == ["a", "b", "a", "b", "a"]
    assert len(asked) == 103


@pytest.mark.parametrize(("limit", "passed"), [(1e9, True), (1e-9, False)])
def test_rank_is_timed_with_all_its_recorded_requests(tiny_version, limit, passed):
    rule = latency_rule(tiny_version, limit)
    assert rule.passed == passed
    assert 0.0 < rule.value < 1e9
    assert rule.limit == limit
    # Warm-up has one of rank and one of serving_default, parity one of rank.
    assert rule.detail.endswith("3 recorded requests in turn")


def test_without_a_request_of_rank_nothing_can_be_timed(version, record):
    inputs = {
        "support_label": np.ones((1, 1), np.float32),
        "exclude_item_id": np.array([[b"a"]], object),
    }
    for name in ("tf_serving_warmup_requests", "parity_requests"):
        record(version / "assets.extra" / name, [("recommend", inputs, None)])
    rule = latency_rule(version, 50.0)
    assert not rule.passed
    assert rule.detail == "no recorded request is one of rank"


@pytest.mark.parametrize(("limit", "passed"), [(2.5, True), (2.4, False)])
def test_the_size_is_that_of_the_directory(tmp_path, limit, passed):
    (tmp_path / "variables").mkdir()
    (tmp_path / "variables" / "data").write_bytes(bytes(2_000_000))
    (tmp_path / "saved_model.pb").write_bytes(bytes(500_000))
    rule = size_rule(tmp_path, limit)
    assert (rule.passed, rule.value) == (passed, 2.5)
