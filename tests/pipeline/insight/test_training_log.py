import numpy as np
import pytest
from pipeline.insight.training_pictures import modulation_pictures
from pipeline.insight.user_probe import UserProbe
from pipeline.settings.user.loaded_dataset import load_dataset

from models.episodes.rating_episodes import fixed_episodes
from models.evaluation.rating_metrics import mae
from models.legacy_keras import tf
from pipeline.experiment.run_dir import RunDir, training_fingerprint
from pipeline.insight.training_health import dead_share, training_health
from pipeline.settings.registry import load_config, load_experiment
from pipeline.steps.train import train, trained_model

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


@pytest.fixture(scope="module")
def trained(experiment):
    """The model, the data set and the configuration of the shared experiment."""
    config = load_config(experiment.config_path)
    dataset = load_dataset(experiment.dataset_dir)
    model = trained_model(config, dataset, RunDir(experiment.run_dir))
    return model, dataset, config


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
    config = load_config(experiment.config_path, [f"runs_dir={tmp_path}", *changes])
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


@pytest.mark.parametrize("change", ["insight_every=1", "profile=true"])
def test_what_is_watched_does_not_decide_the_weights(experiment, change):
    plain = load_experiment(experiment.config_path)
    watched = load_experiment(experiment.config_path, [f"tensorboard.{change}"])
    assert watched != plain
    assert training_fingerprint(watched, "x") == training_fingerprint(plain, "x")


def test_the_gain_is_what_the_error_falls_by(trained):
    model, dataset, config = trained
    gain = UserProbe(dataset, config.evaluation).adaptation_gain(model)

    def error(support_size, shift):
        (episode,) = fixed_episodes(
            dataset.directory,
            "meta_validation",
            max_support_size=support_size,
            batch_size=128,
        )
        shown = {
            name: np.roll(value, shift, axis=0) if name.startswith("support") else value
            for name, value in episode.items()
        }
        scores = model(shown)
        return mae(episode["query_label"], scores, episode["query_mask"]).mean()

    own = error(6, 0)
    assert gain["over_empty"] == pytest.approx(error(0, 0) - own, abs=1e-5)
    assert gain["over_other"] == pytest.approx(error(6, 1) - own, abs=1e-5)


def test_a_unit_is_dead_if_no_real_pair_wakes_it():
    layer = tf.constant([[[0.0, 2.0, 0.0], [0.0, 0.0, 5.0]]])
    both, first = tf.constant([[True, True]]), tf.constant([[True, False]])
    assert dead_share([layer], both) == pytest.approx(1 / 3)
    assert dead_share([layer], first) == pytest.approx(2 / 3)
    assert dead_share([layer, layer[..., :1]], both) == pytest.approx(2 / 4)


def test_health_sees_dead_units_and_leaves_the_model_as_it_was(trained, experiment):
    _, dataset, config = trained
    model = trained_model(config, dataset, RunDir(experiment.run_dir))
    for weight in model.modulation.heads[0].weights + model.modulation.heads[1].weights:
        weight.assign(tf.zeros_like(weight))  # A scale of 1 and a shift of 0.
    probe = UserProbe(dataset, config.evaluation)
    hidden = model.backbone.hidden
    activate = hidden.activate
    hidden.biases[0].assign(tf.fill([16], 1e3))
    hidden.biases[1].assign(tf.fill([16], 1e6))
    assert training_health(model, probe.episode)["dead_units"] == 0.0
    hidden.biases[0].assign(tf.fill([16], -1e3))  # Half of all units.
    assert training_health(model, probe.episode)["dead_units"] == 0.5
    assert hidden.activate is activate


def test_the_gradient_norm_is_that_of_the_loss(trained):
    model, dataset, config = trained
    episode = UserProbe(dataset, config.evaluation).episode
    found = training_health(model, episode)["gradient_norm"]
    weight = model.backbone.last_bias
    with tf.GradientTape() as tape:
        loss = model.compute_loss(episode, training=False)
    by_bias = tape.gradient(loss, weight)
    assert found >= float(tf.norm(by_bias)) > 0.0


def test_pictures_are_of_two_tasks(trained):
    model, dataset, config = trained
    found = UserProbe(dataset, config.evaluation).modulations(model)
    assert len(found) == 2
    for name, values in found.items():
        assert name.startswith("user ü")
        assert list(values) == model.modulation.value_names
        assert values["scale_0"].shape == (16,)


def test_routes_have_a_graph_beside_the_heat_maps():
    task = {"routes_0": np.full([2, 2], 0.5), "routes_1": np.array([0.2, 0.8])}
    pictures = dict(modulation_pictures({"a": task, "b": task}))
    assert list(pictures) == ["routes", "modulation"]
    for picture in pictures.values():
        assert picture.dtype == np.uint8
        assert picture.shape[0::3] == (1, 4)
        assert picture.min() < picture.max()  # Something is drawn.
