import numpy as np
import pytest

from models.legacy_keras import tf
from pipeline.experiment.run_dir import training_fingerprint
from pipeline.settings.registry import load_experiment
from pipeline.steps.train import train

SCALARS = {
    *("health/gradient_norm", "health/dead_units", "health/context_norm"),
    *("adaptation_gain/over_empty", "adaptation_gain/over_other"),
    "speed/episodes_per_s",
}


def events(run_dir):
    """Returns steps and values by name, in the order of steps."""
    found = {}
    for path in (run_dir / "logs" / "insight").glob("events.*"):
        for event in tf.compat.v1.train.summary_iterator(str(path)):
            for value in event.summary.value:
                one = event.step, tf.make_ndarray(value.tensor)
                found.setdefault(value.tag, []).append(one)
    return found


@pytest.mark.parametrize("setting", ["experiment", "scenario_experiment"])
def test_a_training_writes_what_goes_on_inside(setting, request):
    found = events(request.getfixturevalue(setting).run_dir)
    assert found.keys() == SCALARS | {"modulation"}
    steps = [step for step, _ in found["speed/episodes_per_s"]]
    assert steps == list(range(len(steps)))  # Every epoch.
    ((step, norm),) = found["health/gradient_norm"]  # Every fifth, from the first.
    assert (step, bool(norm > 0.0)) == (0, True)
    ((_, picture),) = found["modulation"]
    assert picture[2].startswith(b"\x89PNG")  # After width and height.


def test_looking_inside_and_profiling_change_no_weight(experiment, tmp_path):
    changes = ["tensorboard.insight_every=0", "tensorboard.profile=true"]
    config = load_experiment(experiment.config_path, [f"runs_dir={tmp_path}", *changes])
    run = train(config, experiment.dataset_dir)
    assert not (run.logs / "insight").exists()
    assert list(run.logs.rglob("*.xplane.pb"))
    assert not list((experiment.run_dir / "logs").rglob("*.xplane.pb"))
    first, second = (
        tf.train.load_checkpoint(str(folder / "checkpoints" / "last"))
        for folder in (run.path, experiment.run_dir)
    )
    names = first.get_variable_to_shape_map().keys() - {"_CHECKPOINTABLE_OBJECT_GRAPH"}
    assert len(names) > 20
    for name in names:
        same = first.get_tensor(name), second.get_tensor(name)
        np.testing.assert_array_equal(*same, name)


@pytest.mark.parametrize("setting", ["experiment", "scenario_experiment"])
@pytest.mark.parametrize("change", ["insight_every=1", "profile=true"])
def test_what_is_watched_does_not_decide_the_weights(setting, change, request):
    path = request.getfixturevalue(setting).config_path
    plain = load_experiment(path)
    watched = load_experiment(path, [f"tensorboard.{change}"])
    assert watched != plain
    assert training_fingerprint(watched, "x") == training_fingerprint(plain, "x")
