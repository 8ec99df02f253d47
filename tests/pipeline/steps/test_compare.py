"""A comparison from first training to last table, with methods that train nothing."""

import types

import numpy as np
import pytest

from pipeline.experiment.run_dir import RunDir
from pipeline.judging import cost
from pipeline.judging import judge as judging
from pipeline.judging.compared_method import ComparedMethod
from pipeline.judging.cost import Cost
from pipeline.settings.registry import load_experiment, setting_of
from pipeline.steps import compare as step
from pipeline.steps.compare import compare, method_cost, resolve_methods
from transforms.schema import DataError

KINDS = {"mean_0.9": "simple", "ridge_0.8": "simple", "broken": "simple"}
KINDS |= {"melu": "learned", "cmml_0.6": "cmml"}
OPTIONS = {"melu": {"inner_steps": 3}}
ALL = list(KINDS)


class Fake(ComparedMethod):
    """A method whose error is what its name says, "ridge_0.8", or else 0.7."""

    def __init__(self, folder, name):
        self.KIND = KINDS[name]
        self.name = name
        self.candidates = ({},)
        self._folder = folder

    def train(self, changes, seed):
        if self.name == "broken":
            raise DataError("too many items")
        run = RunDir(self._folder / f"{self.name}-{seed}")
        run.path.mkdir(parents=True, exist_ok=True)
        return run

    def load(self, run, changes):
        return float(self.name.partition("_")[2] or 0.7)

    def resolve(self, changes):
        return {**OPTIONS.get(self.name, {}), **changes}

    def build(self, hyperparameters):
        raise NotImplementedError


@pytest.fixture
def timed():
    """Names and hyperparameters of what was timed."""
    return []


@pytest.fixture
def hold(tmp_path, timed, monkeypatch):
    """Compares methods on an experiment; returns what would be reported."""

    def in_own_process(measure, config, dataset_dir, name, hyperparameters):
        assert measure is method_cost
        timed.append((name, dict(hyperparameters)))
        steps = hyperparameters.get("inner_steps", 1)
        return Cost(adapt_ms=1.0 * steps, train_ms=2.0 * steps, peak_mb=3.0)

    def write_report(folder, setup, results, curves, reference):
        return types.SimpleNamespace(
            folder=folder,
            setup=setup,
            results={one.name: one for one in results},
            curves={one.method: one for one in curves},
            reference=reference,
        )

    def judge(method, config, data, split):
        return {"cold": {"mae": np.array([method, method + 0.1])}}, ()

    monkeypatch.setattr(step, "in_own_process", in_own_process)
    monkeypatch.setattr(step, "write_report", write_report)
    monkeypatch.setattr(
        step, "compared_method", lambda name, *_, **__: Fake(tmp_path / "runs", name)
    )
    monkeypatch.setattr(judging, "validation_worth", lambda method, *_: -method)
    monkeypatch.setattr(judging, "judge", judge)

    def run(made, methods, num_seeds=1, split="meta_test", overrides=()):
        limit = "comparison.max_seeds={melu: 1}"
        changes = [f"runs_dir={tmp_path}", limit, *overrides]
        return compare(
            load_experiment(made.config_path, changes),
            made.dataset_dir,
            methods=methods,
            num_seeds=num_seeds,
            split=split,
            command="cmml compare",
        )

    return run


def test_every_method_is_tuned_judged_and_timed(experiment, hold, timed, tmp_path):
    report = hold(experiment, ALL, num_seeds=2)
    assert list(report.results) == ALL
    cmml, melu = report.results["cmml_0.6"], report.results["melu"]
    assert cmml.values["cold"]["mae"].shape == (2, 2)
    assert melu.values["cold"]["mae"].shape == (1, 2)  # Its limit.
    assert melu.adapt_ms == 3.0
    assert {name for name, _ in timed} == set(ALL) - {"broken"}
    assert report.folder == tmp_path / "own" / "compare" / "meta_test"


def test_the_reference_is_the_best_simple_method(experiment, hold):
    assert hold(experiment, ALL).reference == "ridge_0.8"
    assert hold(experiment, ["cmml_0.6"]).reference is None


def test_a_method_that_cannot_be_is_a_failure_and_no_error(experiment, hold):
    broken = hold(experiment, ALL).results["broken"]
    assert broken.failure.startswith("every trial failed, the last: ")
    assert np.isnan(broken.adapt_ms)


def test_curves_are_of_their_own_numbers_of_steps(experiment, hold, timed):
    curves = hold(experiment, ALL).curves
    assert curves.keys() == {"melu", "cmml_0.6"}
    assert curves["melu"].steps == (1, 5, 10, 20)
    assert [cost.adapt_ms for cost in curves["melu"].costs] == [1.0, 5.0, 10.0, 20.0]
    assert curves["cmml_0.6"].steps == ()
    assert ("melu", {"inner_steps": 20}) in timed


def test_what_has_been_timed_is_not_timed_again_unless_it_is_another(
    experiment, hold, timed
):
    hold(experiment, ALL)
    number = len(timed)
    hold(experiment, ALL)
    hold(experiment, ALL, split="meta_validation")  # Costs are alike on any split.
    assert len(timed) == number
    hold(experiment, ALL, overrides=["model.dropout=0.3"])
    assert len(timed) == 2 * number


SETUPS = {
    "experiment": (
        "cold",
        {0: "cold/support_0", 2: "cold/support_2", 6: "cold"},
        ("cold/other_support",),
    ),
    "scenario_experiment": (
        "scenario_mean",
        {
            0: "scenario_mean/support_0",
            4: "scenario_mean/support_4",
            16: "scenario_mean/own_support",
        },
        ("scenario_mean/other_support", "catalogue_mean/other_support"),
    ),
}


@pytest.mark.parametrize("name", SETUPS)
def test_the_setup_says_how_methods_were_compared(name, hold, request):
    main, few_shot, controls = SETUPS[name]
    made = request.getfixturevalue(name)
    setup = hold(made, ["cmml_0.6"], num_seeds=2).setup
    config = load_experiment(made.config_path)
    setting = setting_of(config)
    assert (setup.name, setup.setting) == (config.name, config.setting)
    assert setup.main_group == main
    assert dict(setup.few_shot) == few_shot
    assert setup.controls == controls
    assert all(setup.groups.values())  # Each has words.
    assert setup.primary == setting.metrics[0].name
    assert setup.metrics == [one for one in setting.metrics if one.in_tables]
    assert (setup.seeds, setup.commands) == ((0, 1), ("cmml compare",))
    data = setting.load(config, made.dataset_dir)
    assert setup.num_tasks == data.info.num_tasks["meta_test"]


def test_a_split_without_tasks_is_refused(experiment, hold):
    with pytest.raises(DataError, match="holds no meta_x tasks to judge methods on"):
        hold(experiment, ["cmml_0.6"], split="meta_x")


@pytest.mark.parametrize("name", SETUPS)
def test_what_is_typed_is_checked(name, request):
    config = load_experiment(request.getfixturevalue(name).config_path)
    assert resolve_methods(config, ["cmml", "dcn"], 1) == ["dcn", "cmml"]
    with pytest.raises(ValueError, match="--seeds must be at least 1, got 0"):
        resolve_methods(config, None, 0)
    with pytest.raises(ValueError, match=r"methods must be among .*, got 'melo'"):
        resolve_methods(config, ["melo"], 1)


@pytest.mark.parametrize("name", ["dot_product", "item_knn"])
def test_a_simple_method_of_clicks_can_be_timed(scenario_experiment, name, monkeypatch):
    monkeypatch.setattr(cost, "_MIN_SECONDS", 0.01)
    config = load_experiment(scenario_experiment.config_path)
    found = method_cost(config, scenario_experiment.dataset_dir, name, {})
    assert found.adapt_ms > 0.0
