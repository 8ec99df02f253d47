"""A version gets into a registry of MLflow as it gets into a base: if it is blessed."""

import json
import shutil

import numpy as np
import pytest

from pipeline.experiment.config_section import PushConfig
from pipeline.serving.gate import verdict as gate
from pipeline.serving.gate.task_figures import TaskFigures
from pipeline.settings.registry import load_experiment
from pipeline.settings.user.metrics import MAE
from pipeline.steps.register import register
from transforms.schema import DataError

OPTIONS = PushConfig(num_resamples=100, max_p99_ms=1e6)
GOOD, BAD = 0.5, 0.9  # Errors; the baseline has 0.7.


class Registry:
    """Keeps versions in memory, as their folders."""

    uri, name = "memory", "cmml"

    def __init__(self):
        self.folders, self.labels = [], {}

    def labelled(self, label):
        return self.labels.get(label)

    def exported(self, number):
        return self.folders[int(number) - 1].name

    def download(self, number, folder):
        return shutil.copytree(self.folders[int(number) - 1], folder / "model")

    def add(self, folder, label, tags, *, params, metrics):
        assert tags["cmml.blessing"]
        self.params, self.metrics = params, metrics
        self.folders.append(folder)
        self.labels[label] = str(len(self.folders))
        return self.labels[label]


@pytest.fixture
def make_version(tiny_version, tmp_path):
    """Makes a version and its export to MLflow, of which the SavedModel counts."""

    def make(number):
        version = tmp_path / "export" / "cmml" / str(number)
        shutil.copytree(tiny_version, version)
        folder = tmp_path / "export" / "cmml.mlflow" / str(number)
        shutil.copytree(tiny_version, folder / "data" / "saved_model")
        (folder / "manifest.json").write_text('{"files": {}}')
        return version

    return make


@pytest.fixture
def ask(tmp_path, write_config, monkeypatch):
    """Registers versions whose errors are made up."""
    config = load_experiment(write_config(tmp_path))
    dataset_dir = tmp_path / "data"
    dataset_dir.mkdir()
    info = '{"fingerprint": "data", "num_tasks": {}}'
    (dataset_dir / "dataset.json").write_text(info)
    (dataset_dir / "_SUCCESS").touch()
    errors = {"bias_ridge": 0.7}

    def task_figures(config, dataset_dir, options, versions):
        names = [*versions, "bias_ridge"]
        return TaskFigures(MAE, {name: np.full(9, errors[name]) for name in names})

    monkeypatch.setattr(gate, "task_figures", task_figures)

    def run(version, registry, label="stable", error=GOOD):
        errors["candidate"] = errors[version.name] = error
        return register(config, dataset_dir, OPTIONS, version, registry, label)

    return run


def test_a_good_version_is_registered_once(ask, make_version, capsys):
    registry, version = Registry(), make_version(11)
    assert ask(version, registry) == 0
    assert capsys.readouterr().out.splitlines()[-1] == "models:/cmml/1"
    assert [folder.parent.name for folder in registry.folders] == ["cmml.mlflow"]
    assert registry.labels == {"stable": "1"}
    assert ask(version, registry) == 0
    assert "stable in memory already" in capsys.readouterr().err
    assert len(registry.folders) == 1


def test_what_is_known_of_a_version_is_registered_too(ask, make_version, tmp_path):
    registry, version = Registry(), make_version(11)
    path = version / "assets.extra" / "manifest.json"
    metrics = {"all": {"mae": {"mean": 0.5, "low": 0.4, "high": 0.6, "num_tasks": 9}}}
    manifest = json.loads(path.read_text("utf-8"))
    path.write_text(json.dumps(manifest | {"epochs": 3, "metrics": metrics}))
    keys = "model: {encoder: mean, hidden_dims: [8, 8]}\ntraining: {seed: 0}\n"
    (tmp_path / "config.resolved.yaml").write_text(keys)
    ask(version, registry)
    assert registry.metrics == {"meta_test/all/mae": 0.5}
    assert registry.params == {
        "dataset_fingerprint": "data",
        "epochs": "3",
        "model.encoder": "mean",
        "model.hidden_dims": "[8, 8]",
        "training.seed": "0",
    }


def test_a_version_that_is_not_good_enough_is_not_registered(ask, make_version):
    registry = Registry()
    assert ask(make_version(11), registry, error=BAD) == 1
    assert registry.folders == []


def test_it_is_compared_with_the_stable_one(ask, make_version):
    registry = Registry()
    assert ask(make_version(11), registry, error=0.3) == 0
    worse = make_version(12)
    assert ask(worse, registry, "canary", error=0.5) == 1
    folder = worse.parent / ".validation" / "12" / "model"
    verdict = json.loads((folder / "validations.json").read_text("utf-8"))
    assert {r["name"]: r["passed"] for r in verdict["rules"]}[
        "not worse than 11"
    ] is False
    assert registry.labels == {"stable": "1"}
    assert ask(make_version(13), registry, "canary", error=0.2) == 0
    assert registry.labels == {"stable": "1", "canary": "2"}


def test_it_must_have_been_exported_to_mlflow(ask, make_version, tmp_path):
    version = make_version(11)
    shutil.rmtree(tmp_path / "export" / "cmml.mlflow")
    with pytest.raises(DataError, match=r"cmml\.mlflow/11 is missing: run `cmml exp"):
        ask(version, Registry())


@pytest.mark.parametrize("flag", ["--keep=2", "--server=localhost:1"])
def test_what_is_of_a_base_is_refused(cmml, experiment, flag):
    config = experiment.config_path
    done = cmml("push", "--config", config, "--to", "mlflow:sqlite:///r.db", flag)
    assert done.status == 2
    assert f"{flag.split('=')[0]} is not for a registry" in done.stderr


def test_a_registry_has_a_uri(cmml, experiment):
    done = cmml("push", "--config", experiment.config_path, "--to", "mlflow:")
    assert done.status == 2
    assert "--to mlflow: needs the URI of a registry" in done.stderr


def test_versions_in_a_registry_of_mlflow(tmp_path, monkeypatch):
    pytest.importorskip("mlflow")
    from mlflow import MlflowClient

    from pipeline.serving.base.mlflow_registry import MlflowRegistry

    monkeypatch.chdir(tmp_path)  # Where MLflow keeps artifacts by default.
    registry = MlflowRegistry(f"sqlite:///{tmp_path}/registry.db", "cmml")
    assert registry.labelled("stable") is None
    folder = tmp_path / "cmml.mlflow" / "11"
    folder.mkdir(parents=True)
    (folder / "MLmodel").write_text("flavors: {}\n")
    tags, known = {"cmml.blessing": "good"}, {"params": {"epochs": "3"}}
    known["metrics"] = {"meta_test/all/ndcg@5": 0.5}
    assert registry.add(folder, "stable", tags, **known) == "1"
    assert registry.labelled("stable") == "1"
    assert registry.labelled("canary") is None
    assert registry.exported("1") == "11"
    assert registry.add(folder, "canary", {}, **known) == "1"  # Not a second time.
    client = MlflowClient(registry.uri)
    run = client.get_run(client.get_model_version("cmml", "1").run_id)
    assert run.data.params == {"epochs": "3"}
    assert run.data.metrics == {"meta_test/all/ndcg_at_5": 0.5}
    (tmp_path / "copy").mkdir()
    copy = registry.download("1", tmp_path / "copy")
    assert (copy / "MLmodel").read_text() == "flavors: {}\n"


@pytest.mark.parametrize(
    ("uri", "reason"),
    [
        ("http://127.0.0.1:1", r"\[Errno \d+\] Connection refused$"),
        ("nothing://here", "Model registry functionality is unavailable; got unsuppor"),
        ("sqlite:///made.db", r"\(sqlite3.DatabaseError\) file is not a database"),
        ("sqlite:///made.db/r.db", r"\[Errno \d+\] File exists: 'made.db'"),
    ],
)
def test_a_registry_that_does_not_answer_is_named(tmp_path, monkeypatch, uri, reason):
    pytest.importorskip("mlflow")
    from pipeline.serving.base.mlflow_registry import MlflowRegistry, RegistryError

    monkeypatch.setenv("MLFLOW_HTTP_REQUEST_MAX_RETRIES", "0")
    monkeypatch.chdir(tmp_path)
    (tmp_path / "made.db").write_text("no database, " * 100)
    named = f"the registry {uri} must do what it is asked, but: {reason}"
    with pytest.raises(RegistryError, match=named) as raised:
        MlflowRegistry(uri, "cmml").labelled("stable")
    assert len(str(raised.value).splitlines()) == 1
