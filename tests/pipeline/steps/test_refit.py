"""The refit of a run: on all pairs, for the export alone."""

import dataclasses
import functools
import hashlib
import json
import pathlib
import re
import shutil

import numpy as np
import pytest

from models.legacy_keras import tf
from pipeline.experiment import progress
from pipeline.experiment.run_dir import RunDir
from pipeline.experiment.version_dir import JUDGED, judged_dir, read_manifest
from pipeline.settings.registry import load_experiment, setting_of
from pipeline.steps.evaluate import evaluate
from pipeline.steps.export import export
from pipeline.steps.refit import refit, validate
from pipeline.training.fit import fit_again
from pipeline.training.trained import finished_refit, trained_model


@dataclasses.dataclass(frozen=True)
class Refitted:
    """What `cmml run` makes of a copy of a small run when a refit is wanted.

    Attributes:
        experiment: Of the run that was copied.
        config: The experiment with a refit wanted.
        run: The copy, now with its refit and a version of it.
        arguments: Those of `cmml run`.
        status: Its exit status.
        stdout: What it printed.
        stderr: What it said meanwhile.
    """

    experiment: object
    config: object
    run: RunDir
    arguments: tuple
    status: int
    stdout: str
    stderr: str

    @property
    def version(self):
        return pathlib.Path(self.stdout.splitlines()[-1])


@pytest.fixture
def made(experiment, tmp_path):
    """A copy of the small run of users, and its configuration with a refit wanted."""
    return copied(experiment, experiment.run_dir, tmp_path)


@pytest.fixture(scope="module")
def refitted(experiment, cmml, tmp_path_factory):
    """The same with its refit, to read only."""
    return run_with_refit(experiment, cmml, tmp_path_factory.mktemp("refit"))


@pytest.fixture(scope="module")
def refitted_scenarios(scenario_experiment, scenario_tables, cmml, tmp_path_factory):
    """The same of scenarios."""
    run = functools.partial(cmml, data_dir=scenario_tables)
    return run_with_refit(scenario_experiment, run, tmp_path_factory.mktemp("refit"))


@pytest.fixture(params=["refitted", "refitted_scenarios"])
def each(request):
    """That of either setting."""
    return request.getfixturevalue(request.param)


@pytest.fixture
def again(refitted, tmp_path):
    """A copy of the run of users with its refit."""
    return copied(refitted.experiment, refitted.run.path, tmp_path)


def copied(experiment, run_dir, tmp_path):
    runs = shutil.copytree(run_dir.parents[1], tmp_path / "runs")
    config = load_experiment(
        experiment.config_path, ["training.refit=all", f"runs_dir={runs}"]
    )
    return config, experiment.dataset_dir, RunDir(runs / config.name / run_dir.name)


def run_with_refit(experiment, cmml, folder):
    config, dataset_dir, run = copied(experiment, experiment.run_dir, folder)
    before = digests(dataset_dir)
    changes = "training.refit=all", f"runs_dir={folder / 'runs'}"
    sets = [part for change in changes for part in ("--set", change)]
    arguments = "run", "--config", experiment.config_path, *sets
    done = cmml(*arguments)
    assert digests(dataset_dir) == before
    return Refitted(experiment, config, run, arguments, **vars(done))


def digests(folder, *without):
    return {
        name: hashlib.sha256(path.read_bytes()).hexdigest()
        for path in folder.rglob("*")
        if path.is_file()
        and (name := path.relative_to(folder).as_posix()).split("/")[0] not in without
    }


def skipped(done):
    """Names the steps that `cmml run` found up to date."""
    return set(re.findall(r"^(\w+): .* is up to date$", done.stderr, re.M))


def weights_of(config, dataset_dir, run):
    data = setting_of(config).load(config, dataset_dir)
    return [weight.numpy() for weight in trained_model(config, data, run).weights]


def test_an_export_without_its_refit_says_so(experiment, tmp_path, capsys):
    config, dataset_dir, run = copied(experiment, experiment.run_dir, tmp_path)
    export(config, dataset_dir, run)
    assert "export: of meta-train alone, since `cmml refit`" in capsys.readouterr().err


def test_all_pairs_of_all_users_are_for_training(experiment):
    config = load_experiment(experiment.config_path)
    data = setting_of(config).load(config, experiment.dataset_dir)
    whole = setting_of(config).parts.whole(config, data, None)
    pairs = whole.training_pairs
    assert pairs.label.size == sum(data.info.num_interactions.values())
    assert set(pairs.user) == set(range(1, data.info.num_users + 1))
    assert whole.items.counts.sum() == pairs.label.size
    # What is judged on stays as it was.
    assert data.items.counts.sum() == data.training_pairs.label.size
    assert data.training_pairs.label.size == data.info.num_tasks["meta_train"] * 9


@pytest.mark.parametrize("is_whole", [False, True])
def test_episodes_are_drawn_from_queries_and_other_splits_only_if_whole(
    experiment, is_whole
):
    config = load_experiment(experiment.config_path)
    data = dataclasses.replace(
        setting_of(config).load(config, experiment.dataset_dir), is_whole=is_whole
    )
    plan = setting_of(config).training(config, data)
    allowed = set(zip(data.training_pairs.user, data.training_pairs.item, strict=True))
    drawn = set()
    for batch in plan.episodes(0).take(12 * plan.steps_per_epoch):
        for role in ("support", "query"):
            mask = batch[f"{role}_mask"].numpy()
            rows = (batch[f"{role}_{name}"].numpy()[mask] for name in ("user", "item"))
            drawn |= set(zip(*rows, strict=True))
    assert drawn == allowed


def test_the_refit_takes_the_epochs_that_meta_validation_chose(refitted):
    run = refitted.run
    lines = (run.refit.path / "metrics.jsonl").read_text().splitlines()
    assert len(lines) == run.facts("train")["best_epoch"]
    assert not [name for name in json.loads(lines[0]) if name.startswith("val_")]
    assert run.refit.facts("refit")["epochs"] == len(lines)


def test_a_run_that_wants_a_refit_exports_the_refitted_model(each):
    assert each.status == 0, each.stderr
    assert each.version.name != each.experiment.exported.name
    assert each.version.parents[2] == each.run.path
    # Nothing was trained or judged again.
    expected = {"prepare", "train", "evaluate"}
    if each.config.setting == "scenario":
        expected.add("pretrain")
    assert skipped(each) == expected


def test_the_same_run_again_makes_no_other_refit_or_version(refitted, cmml):
    again = cmml(*refitted.arguments)
    assert skipped(again) == skipped(refitted) | {"refit", "export"}
    assert again.stdout == refitted.stdout


def test_the_refit_leaves_what_was_judged_as_it_was(each, tmp_path):
    before = RunDir(each.experiment.run_dir)
    others = "refit", "export", "lineage.json", "config.resolved.yaml"
    assert digests(each.run.path, *others) == digests(before.path, *others)
    for step in ("train", "evaluate"):
        assert each.run.facts(step) == before.facts(step)
    # Judged once more, now that the refit is there.
    config, dataset_dir, run = copied(each.experiment, each.run.path, tmp_path)
    metrics = (run.evaluation / "metrics.json").read_text()
    shutil.rmtree(run.evaluation)
    evaluate(config, dataset_dir, run)
    assert (run.evaluation / "metrics.json").read_text() == metrics


def test_a_refitted_run_is_exported_with_the_model_that_was_judged(each):
    config, run, version = each.config, each.run, each.version
    dataset_dir = each.experiment.dataset_dir
    manifest = read_manifest(version)
    assert (manifest["trained_on"], manifest["metrics_of"]) == ("all", "meta_train")
    assert judged_dir(version) == version / JUDGED
    card = (version / "assets.extra" / "README.md").read_text()
    assert "trained on all pairs" in card
    assert "before the refit" in card
    setting = setting_of(config)
    data = setting.load(config, dataset_dir)
    whole = setting.parts.whole(config, data, run.refit.path)
    answers = []
    for directory, trained, used in (
        (version, run.refit, whole),
        (judged_dir(version), run, data),
    ):
        model = trained_model(config, used, trained)
        (request, *_) = setting.serving(config, used).recorded(model)
        inputs = {name: tf.constant(value) for name, value in request.inputs.items()}
        rank = tf.saved_model.load(str(directory)).signatures["rank"]
        answers.append(rank(**inputs)["score"].numpy())
        np.testing.assert_allclose(answers[-1], request.outputs["score"], atol=1e-4)
    assert np.abs(answers[0] - answers[1]).max() > 1e-3


def test_a_half_written_refit_is_not_exported_and_goes_on(
    made, refitted, monkeypatch, capsys
):
    config, dataset_dir, run = made
    expected = weights_of(config, dataset_dir, refitted.run.refit)
    run.refit.path.mkdir()
    data = setting_of(config).load(config, dataset_dir).whole()
    monkeypatch.setattr(progress, "_LINE_EVERY_S", 0.0)
    model = setting_of(config).build(config, data, fit=True)
    assert "train: fit 4  of 5\ntrain: fit 5  of 5\n" in capsys.readouterr().err
    fit_again(model, config, data, run.refit, 1)  # And is killed here.
    digest = dataset_dir.name
    assert finished_refit(config, digest, run) is None
    version = export(config, dataset_dir, run)
    assert read_manifest(version)["trained_on"] == "meta_train"
    assert judged_dir(version) == version

    resumed = weights_of(config, dataset_dir, refit(config, dataset_dir, run))
    assert finished_refit(config, digest, run) is not None
    for one, other in zip(expected, resumed, strict=True):
        np.testing.assert_array_equal(one, other)


def test_a_refit_is_not_made_twice_nor_of_another_training(again, capsys):
    config, dataset_dir, run = again
    before = digests(run.path)
    refit(config, dataset_dir, run)
    assert digests(run.path) == before
    assert f"refit: {run.refit.path} is up to date" in capsys.readouterr().err
    facts = run.facts("train") | {"best_epoch": 99}
    facts.pop("finished")
    run.record("train", **facts)
    assert finished_refit(config, dataset_dir.name, run) is None


def test_a_refit_that_is_not_wanted_is_refused_and_not_exported(again):
    config, dataset_dir, run = again
    training = config.training.model_copy(update={"refit": "meta_train"})
    other = config.model_copy(update={"training": training})
    with pytest.raises(ValueError, match="got 'meta_train' and setting 'user'"):
        validate(other)
    # What is exported is what this finds, or the model that was judged.
    assert finished_refit(other, dataset_dir.name, run) is None


def test_what_the_export_is_trained_on_decides_no_other_step(experiment):
    one, other = (
        load_experiment(experiment.config_path, [f"training.refit={name}"])
        for name in ("all", "meta_train")
    )
    assert one.weight_sections == other.weight_sections
