import dataclasses
import functools
import json
import shutil

import numpy as np
import pytest

from models.legacy_keras import tf
from models.serving.served_user_model import ServedUserModel
from pipeline.experiment.run_dir import RunDir
from pipeline.export.published_version import ExportError
from pipeline.export.recorded_requests import read_requests
from pipeline.settings.registry import load_experiment
from pipeline.settings.user import serving
from pipeline.steps import export as step
from pipeline.steps.export import export
from transforms.schema import DataError


@pytest.fixture
def run(experiment, tmp_path):
    """A copy of the run that a test may export from."""
    return RunDir(shutil.copytree(experiment.run_dir, tmp_path / "run"))


@pytest.fixture(scope="module")
def config(experiment):
    """Other than the one that has been exported."""
    return load_experiment(experiment.config_path, ["export.top_k=3"])


@pytest.fixture(scope="module")
def load():
    """Loads a version, once."""
    return functools.cache(lambda version: tf.saved_model.load(str(version)))


@pytest.fixture
def _saves_a_copy(experiment, monkeypatch):
    """Copies the graph of the experiment, whose weights are those of the run."""

    def save(self, directory):
        shutil.copytree(experiment.exported, directory, dirs_exist_ok=True)

    monkeypatch.setattr(ServedUserModel, "save", save)


def test_an_exported_version_has_graph_weights_and_what_people_want(experiment):
    names = {
        path.relative_to(experiment.exported).as_posix()
        for path in experiment.exported.rglob("*")
        if path.is_file()
    }
    assert {
        "saved_model.pb",
        "variables/variables.index",
        "assets/item_id.txt",
        "assets/gender.txt",
        "assets.extra/README.md",
        "assets.extra/manifest.json",
        "assets.extra/tf_serving_warmup_requests",
        "assets.extra/parity_requests",
        "assets.extra/request_examples/ask.sh",
        "assets.extra/request_examples/ask.py",
        "assets.extra/item_names.json",
        "assets.extra/request_examples/rank.json",
        "assets.extra/request_examples/recommend.json",
    } <= names
    assert [path.name for path in experiment.exported.parent.glob("[!.]*")] == [
        experiment.exported.name
    ]


def test_the_vocabulary_of_users_is_not_exported(experiment):
    for path in experiment.exported.rglob("*"):
        if path.is_file() and "request_examples" not in path.parts:
            assert "ü1\n".encode() not in path.read_bytes(), path


def test_the_manifest_says_where_a_version_is_from(experiment):
    path = experiment.exported / "assets.extra" / "manifest.json"
    manifest = json.loads(path.read_text(encoding="utf-8"))
    metrics = experiment.run_dir / "eval" / "metrics.json"
    assert manifest.pop("metrics") == json.loads(metrics.read_text("utf-8"))["cmml"]
    assert manifest.pop("created") >= int(experiment.exported.name)
    assert manifest.pop("tensorflow") == tf.__version__
    assert manifest.pop("fingerprint")
    assert manifest.pop("size_bytes") > 10_000
    files = manifest.pop("files")
    assert {"saved_model.pb", "assets/item_id.txt"} < files.keys()
    extras = {name for name in files if name.startswith("assets.extra")}
    assert "assets.extra/item_names.json" in extras
    assert "assets.extra/manifest.json" not in extras
    assert not any("card" in name or "request_examples" in name for name in extras)
    assert manifest.pop("largest_difference") <= 1e-5
    assert {"MatMul", "LookupTableFindV2"} <= set(manifest.pop("ops"))
    signatures = manifest.pop("signatures")
    assert signatures["score"]["inputs"] == {
        "context": {"dtype": "float32", "shape": [None, None]},
        "query_item_id": {"dtype": "string", "shape": [None, None]},
    }
    assert manifest.pop("context").keys() == {"width", "holds", "max_updated_support"}
    assert set(manifest.pop("modulation").values()) == {16}
    assert (
        manifest.pop("epochs")
        == RunDir(experiment.run_dir).facts("train")["best_epoch"]
    )
    assert manifest == {
        "trained_on": "meta_train",
        "export": load_experiment(experiment.config_path).export.model_dump(),
        "metrics_of": "meta_train",
        "normalize_ids": False,
        "model_name": "cmml",
        "model_version": int(experiment.exported.name),
        "setting": "user",
        "run": experiment.run_dir.name,
        "dataset_fingerprint": experiment.dataset_dir.name,
        "label_min": 1.0,
        "label_max": 5.0,
        "num_items": 14,
        "num_candidates": 14,
        "shortlist_size": 0,
        "limits": {
            "max_tasks": 1024,
            "max_support": 1000,
            "max_query": 10_000,
            "max_scored": 4_000_000,
            "max_explained": 128,
            "top_k": 5,
        },
        "user_features": ["gender", "language", "age"],
        "feature_separators": {"language": ","},
    }


@pytest.mark.parametrize("made", ["experiment", "scenario_experiment"])
@pytest.mark.parametrize(
    ("name", "output", "width"), [("rank", "score", None), ("recommend", "item_id", 5)]
)
def test_the_request_examples_work_as_they_are(
    made, name, output, width, request, load
):
    exported = request.getfixturevalue(made).exported
    path = exported / "assets.extra/request_examples" / f"{name}.json"
    body = json.loads(path.read_text(encoding="utf-8"))
    loaded = load(exported)
    signature = loaded.signatures[body["signature_name"]]
    _, specs = signature.structured_input_signature
    (row,) = body["instances"]
    inputs = {key: tf.constant([value], specs[key].dtype) for key, value in row.items()}
    assert inputs.keys() == specs.keys()
    width = width or len(row["query_item_id"])
    assert signature(**inputs)[output].shape == (1, width)


def test_the_example_of_clicks_shows_that_a_user_prefers_what_they_clicked(
    scenario_experiment, load
):
    folder = scenario_experiment.exported / "assets.extra/request_examples"
    (row,) = json.loads((folder / "rank.json").read_text())["instances"]
    rank = load(scenario_experiment.exported).signatures["rank"]
    inputs = {key: tf.constant([value]) for key, value in row.items()}
    (scores,) = rank(**inputs)["score"].numpy()
    assert len(scores) == 8
    (user,) = set(row["query_user_id"])
    # What shares the taste of the shopper was clicked far more often.
    alike = [int(item[1:]) % 4 == int(user[1:]) % 4 for item in row["query_item_id"]]
    assert scores[np.array(alike)].mean() > scores[~np.array(alike)].mean()


@pytest.mark.parametrize("made", ["experiment", "scenario_experiment"])
def test_the_graph_has_stock_ops_only(made, request):
    graph = request.getfixturevalue(made).exported / "saved_model.pb"
    text = graph.read_bytes()
    for name in (b"PyFunc", b"EagerPyFunc", b"XlaLaunch", b"CudnnRNN"):
        assert name not in text


def test_an_export_that_is_up_to_date_is_skipped(experiment, capsys):
    config = load_experiment(experiment.config_path)
    run = RunDir(experiment.run_dir)
    assert export(config, experiment.dataset_dir, run) == experiment.exported
    assert f"export: {experiment.exported} is up to date" in capsys.readouterr().err


def test_another_configuration_becomes_another_version(experiment, config, run, capsys):
    base = run.export / "cmml"
    (base / ".staging-1").mkdir()
    (base / ".staging-1" / "saved_model.pb").touch()
    version = export(config, experiment.dataset_dir, run)
    assert not (base / ".staging-1").exists()
    assert sorted(path.name for path in base.glob("[!.]*")) == [
        *(experiment.exported.name, version.name),
    ]
    recommend = tf.saved_model.load(str(version)).signatures["recommend"]
    assert recommend.structured_outputs["item_id"].shape == (None, 3)
    facts = run.facts("export")
    assert facts["version"] == version.name
    assert facts["largest_difference"] <= 1e-5
    assert f"export: wrote {version}, scores agree" in capsys.readouterr().err


@pytest.mark.usefixtures("_saves_a_copy")
def test_a_version_that_scores_otherwise_is_never_seen(
    experiment, config, run, monkeypatch
):
    recorded = serving._recorded

    def off_by_little(*args):
        for request in recorded(*args):
            score = request.outputs["score"] + 1e-3
            yield dataclasses.replace(request, outputs={"score": score})

    monkeypatch.setattr(serving, "_recorded", off_by_little)
    with pytest.raises(ExportError, match=r"within 5e-05, got a difference of 0\.00"):
        export(config, experiment.dataset_dir, run)
    versions = [path.name for path in (run.export / "cmml").glob("[0-9]*")]
    assert versions == [experiment.exported.name]
    assert run.facts("export")["version"] == experiment.exported.name


@pytest.mark.usefixtures("_saves_a_copy")
def test_scores_that_are_not_numbers_do_not_agree(experiment, config, run, monkeypatch):
    monkeypatch.setattr(step, "largest_difference", lambda *args: float("nan"))
    with pytest.raises(ExportError, match="got a difference of nan"):
        export(config, experiment.dataset_dir, run)


@pytest.mark.usefixtures("_saves_a_copy")
def test_without_a_task_to_check_with_nothing_is_exported(
    experiment, config, run, monkeypatch
):
    monkeypatch.setattr(serving, "_recorded", lambda *args: iter(()))
    with pytest.raises(DataError, match=r"hold a task .*: set another data.split.seed"):
        export(config, experiment.dataset_dir, run)
    versions = [path.name for path in (run.export / "cmml").glob("[!.]*")]
    assert experiment.exported.name in versions
    assert len([name for name in versions if name.isdecimal()]) == 1


def test_item_names_are_by_id(experiment):
    path = experiment.exported / "assets.extra" / "item_names.json"
    names = json.loads(path.read_text(encoding="utf-8"))
    assert names == {f"f{item}": f"Film {item}" for item in range(1, 15)}


def test_one_difference_that_is_no_number_makes_the_largest_one_none(experiment, load):
    (path,) = experiment.exported.glob("assets.extra/parity_requests")
    first, second = read_requests(path)[:2]
    wrong = dataclasses.replace(
        second, outputs={"score": np.full_like(second.outputs["score"], np.nan)}
    )
    loaded = load(experiment.exported)
    assert np.isnan(step.largest_difference(loaded, [first, wrong]))
    assert step.largest_difference(loaded, [first, second]) <= 1e-5
