import dataclasses
import json
import shutil

import numpy as np
import pytest

from models.evaluation.metric import NotFiniteError
from pipeline.experiment.config_section import PushConfig
from pipeline.judging.rule import Rule
from pipeline.serving.gate import verdict as gate
from pipeline.serving.gate.blessing import Blessing
from pipeline.serving.gate.task_figures import TaskFigures
from pipeline.serving.gate.verdict import (
    latency_rule,
    model_blessing,
    p99_ms,
    size_rule,
)
from pipeline.settings.registry import load_experiment
from pipeline.settings.user.metrics import MAE
from transforms.schema import DataError

OPTIONS = PushConfig(num_resamples=100, max_p99_ms=1e6)


@dataclasses.dataclass
class Judge:
    """Judges a version with made-up figures, and keeps which versions were asked."""

    config: object
    version: object
    figures: dict
    asked: dict = dataclasses.field(default_factory=dict)

    def __call__(self, *, options=OPTIONS, infra=True, serving=None):
        found = Rule("ops", infra, 0.0, 0.0, "stock ops")
        blessing = Blessing([found], self.version)
        return model_blessing(self.config, None, options, blessing, serving)

    def task_figures(self, config, dataset_dir, options, versions):
        self.asked = dict(versions)
        arrays = {n: np.array(v, np.float64) for n, v in self.figures.items()}
        return TaskFigures(MAE, arrays)


@pytest.fixture
def judge(version, tmp_path, write_config, monkeypatch):
    figures = {"candidate": [0.5] * 9, "bias_ridge": [0.7] * 9, "1700000000": [0.6] * 9}
    config = load_experiment(write_config(tmp_path))
    judge = Judge(config, version, figures)
    monkeypatch.setattr(gate, "task_figures", judge.task_figures)
    return judge


@pytest.fixture
def serving(version, tmp_path):
    """The version that serves now."""
    return shutil.copytree(version, tmp_path / "base" / "cmml" / "1700000000")


def names(blessing):
    return [rule.name for rule in blessing.rules]


def broken(blessing):
    return [rule.name for rule in blessing.rules if not rule.passed]


def test_a_good_first_version_is_blessed_with_a_rubber_stamp(judge):
    blessing = judge()
    assert names(blessing) == [
        "infra",
        "size",
        "latency",
        "better than bias_ridge",
        "not worse than serving",
    ]
    assert blessing.passed
    assert blessing.baseline_model is None
    assert "rubber stamp: no version serves yet" in blessing.rules[-1].detail


def test_a_good_next_version_is_compared_with_the_one_that_serves(judge, serving):
    blessing = judge(serving=serving)
    assert blessing.passed
    assert names(blessing)[-1] == "not worse than 1700000000"
    assert blessing.baseline_model == serving
    assert judge.asked == {"candidate": judge.version, "1700000000": serving}


def test_a_version_that_no_server_can_load_is_not_judged_any_further(judge):
    blessing = judge(infra=False)
    assert names(blessing) == broken(blessing) == ["infra"]
    assert blessing.message == "broken: infra: broken: ops: stock ops"
    assert judge.asked == {}


@pytest.mark.parametrize(
    ("change", "rule"),
    [
        ({"options": OPTIONS.model_copy(update={"max_size_mb": 1e-6})}, "size"),
        ({"options": OPTIONS.model_copy(update={"max_p99_ms": 1e-9})}, "latency"),
    ],
)
def test_the_budget_alone_decides(judge, change, rule):
    blessing = judge(**change)
    assert broken(blessing) == [rule]
    assert blessing.message.startswith(f"broken: {rule}: ")


def test_a_baseline_alone_decides(judge, serving):
    judge.figures["bias_ridge"] = [0.4] * 9
    assert broken(judge(serving=serving)) == ["better than bias_ridge"]


def test_every_baseline_counts(judge):
    judge.figures |= {"item_mean": [0.4] * 9, "als": [0.9] * 9}
    options = OPTIONS.model_copy(update={"baselines": ("als", "item_mean")})
    blessing = judge(options=options)
    assert broken(blessing) == ["better than item_mean"]
    assert "better than als" in names(blessing)


def test_the_version_that_serves_alone_decides(judge, serving):
    judge.figures["1700000000"] = [0.3] * 9
    assert broken(judge(serving=serving)) == ["not worse than 1700000000"]


def change_manifest(version_dir, **changes):
    path = version_dir / "assets.extra" / "manifest.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | changes))


def test_a_version_for_other_data_is_compared_all_the_same(judge, serving):
    change_manifest(serving, dataset_fingerprint="other")
    judge.figures["1700000000"] = [0.3] * 9
    blessing = judge(serving=serving)
    assert broken(blessing) == ["not worse than 1700000000"]
    assert blessing.baseline_model == serving
    assert blessing.rules[-1].detail.endswith(
        "; 1700000000 was made for data set 'other', this one for 'data'"
    )


def test_a_version_without_manifest_is_not_compared(judge, serving):
    (serving / "assets.extra" / "manifest.json").unlink()
    blessing = judge(serving=serving)
    assert blessing.passed
    assert "1700000000, which serves, has no manifest" in blessing.rules[-1].detail


def test_a_damaged_manifest_of_the_version_that_serves_is_an_error(judge, serving):
    (serving / "assets.extra" / "manifest.json").write_text("{half")
    with pytest.raises(DataError, match=f"cannot read {serving}.*roll back"):
        judge(serving=serving)


def test_scores_that_are_no_numbers_break_a_rule(judge, monkeypatch):
    def no_numbers(*_):
        raise NotFiniteError("scores of real pairs must be finite, got nan.")

    monkeypatch.setattr(gate, "task_figures", no_numbers)
    assert judge().message == (
        "broken: finite scores: scores of real pairs must be finite, got nan."
    )


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
