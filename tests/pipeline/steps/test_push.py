import json
import shutil

import numpy as np
import pytest

from models.legacy_keras import tf
from models.recommender import split_episode
from models.whole_files import write_json
from pipeline.experiment.config_section import PushConfig
from pipeline.experiment.version_dir import MANIFEST, read_manifest, written_files
from pipeline.export.saved_graph import signatures_of
from pipeline.serving.base.live_server import LiveServerError
from pipeline.serving.base.model_base import content_digest, push_lock
from pipeline.serving.base.models_config import (
    labels_of,
    read_models_config,
    versions_of,
)
from pipeline.serving.base.push_history import PushHistory
from pipeline.serving.base.served_labels import ServedLabels
from pipeline.serving.gate import verdict as gate
from pipeline.serving.gate.infra_rules import infra_blessing
from pipeline.serving.gate.task_figures import TaskFigures
from pipeline.settings.registry import load_experiment
from pipeline.settings.user.data import load_user_data
from pipeline.settings.user.metrics import MAE
from pipeline.settings.user.serving import user_requests
from pipeline.steps import push as step
from pipeline.steps.push import push
from transforms.schema import DataError

OPTIONS = PushConfig(num_resamples=100, max_p99_ms=1e6, keep=2)
GOOD, BAD = 0.5, 0.9  # Errors; the baseline has 0.7.


@pytest.fixture
def base(tmp_path):
    return tmp_path / "base"


@pytest.fixture
def make_version(tiny_version, tmp_path):
    """Makes versions that differ in their number and in a note."""

    def make(number, folder="export"):
        target = tmp_path / folder / "cmml" / str(number)
        shutil.copytree(tiny_version, target)
        (target / "note").write_text(str(number))
        return target

    return make


@pytest.fixture
def pusher(tmp_path, base, write_config, monkeypatch):
    """Pushes versions whose errors are made up."""
    config = load_experiment(write_config(tmp_path))
    dataset_dir = tmp_path / "data"
    dataset_dir.mkdir()
    info = '{"fingerprint": "data", "num_tasks": {}}'
    (dataset_dir / "dataset.json").write_text(info)
    (dataset_dir / "_SUCCESS").touch()
    made_up = {"candidate": GOOD}

    def task_figures(config, dataset_dir, options, versions):
        names = [*versions, "bias_ridge"]
        values = {name: np.full(9, made_up.get(name, 0.7)) for name in names}
        return TaskFigures(MAE, values)

    monkeypatch.setattr(gate, "task_figures", task_figures)

    def run(version_dir, *, error=GOOD, judge=infra_blessing, options=OPTIONS, **to):
        monkeypatch.setattr(step, "infra_blessing", judge)
        made_up["candidate"] = error
        status = push(config, dataset_dir, options, version_dir, base, **to)
        made_up[version_dir.name] = error
        return status

    return run


def never(*_):
    raise AssertionError("it must not be served")


def published(base):
    """Names of all that is in the folder of the model."""
    folder = base / "cmml"
    return sorted(path.name for path in folder.iterdir()) if folder.exists() else []


def served(base):
    config = read_models_config(base / "models.config")
    return versions_of(config, "cmml"), labels_of(config, "cmml")


def marker(version_dir):
    folder = version_dir.parent / ".validation" / version_dir.name
    names = [path.name for path in folder.rglob("*") if path.suffix != ".json"]
    return sorted(name for name in names if name.endswith("BLESSED"))


def test_a_good_version_is_published_as_stable(pusher, base, make_version, capsys):
    version = make_version(11)
    before = content_digest(version)
    assert pusher(version) == 0
    assert published(base) == ["11"]
    assert content_digest(base / "cmml" / "11") == content_digest(version) == before
    assert served(base) == ([11], {"stable": 11})
    assert marker(version) == ["BLESSED", "INFRA_BLESSED"]
    out = capsys.readouterr().out.splitlines()
    assert out[-1] == str(base / "cmml" / "11")
    assert [line for line in out if line.startswith("BLESSED: all 5 rules passed")]


def test_what_was_pushed_is_noted(pusher, base, make_version):
    pusher(make_version(11))
    pusher(make_version(12))
    first, second = PushHistory(base).events()
    assert (first["pushed_version"], first["previous_version"]) == (11, None)
    assert (second["pushed_version"], second["previous_version"]) == (12, 11)
    assert second["destination"] == str(base / "cmml" / "12")
    assert second["blessing"] == "all 5 rules passed"


def test_a_version_that_is_not_good_enough_is_not_published(
    pusher, base, make_version, capsys
):
    version = make_version(11)
    assert pusher(version, error=BAD) == 1
    assert published(base) == []
    assert served(base) == ([], {})
    assert PushHistory(base).events() == []
    assert marker(version) == ["INFRA_BLESSED", "NOT_BLESSED"]
    path = version.parent / ".validation" / "11" / "model" / "validations.json"
    message = json.loads(path.read_text())["blessing_message"]
    assert message.startswith("broken: better than bias_ridge: mae 0.9000 against 0.7")
    assert f"NOT_BLESSED: {message}" in capsys.readouterr().out


def test_a_version_that_no_server_can_use_is_not_published(pusher, base, make_version):
    version = make_version(11)
    (version / "assets.extra" / "parity_requests").unlink()
    assert pusher(version) == 1
    assert published(base) == []
    assert marker(version) == ["INFRA_NOT_BLESSED", "NOT_BLESSED"]


def test_a_damaged_version_is_refused_before_it_is_judged(pusher, base, make_version):
    version = make_version(11)
    manifest = read_manifest(version) | {"files": written_files(version)}
    write_json(version / MANIFEST, manifest)
    (version / "note").unlink()
    with pytest.raises(DataError, match="but note is missing: copy it again"):
        pusher(version, judge=never)
    assert not base.exists()


def test_a_version_that_is_worse_than_the_one_that_serves_changes_nothing(
    pusher, base, make_version
):
    pusher(make_version(11), error=0.2)
    before = content_digest(base)
    version = make_version(12)
    assert pusher(version, error=0.3) == 1
    assert content_digest(base) == before
    path = version.parent / ".validation" / "12" / "model" / "validations.json"
    verdict = json.loads(path.read_text())
    assert verdict["blessing_message"].startswith("broken: not worse than 11: ")
    assert verdict["baseline_model"] == str(base / "cmml" / "11")


def test_a_version_that_serves_already_is_left_alone(
    pusher, base, make_version, capsys
):
    version = make_version(11)
    pusher(version)
    before = content_digest(base)
    assert pusher(version, judge=never) == 0
    assert content_digest(base) == before
    assert "version 11 is stable in" in capsys.readouterr().err


def test_another_model_of_the_number_that_serves_is_refused(pusher, base, make_version):
    pusher(make_version(11))
    other = make_version(11, "other")
    (other / "note").write_text("other")
    with pytest.raises(DataError, match="a published version is never overwritten"):
        pusher(other, judge=never)


def test_a_version_that_changes_while_it_is_judged_is_not_published(
    pusher, base, make_version
):
    version = make_version(11)
    before = content_digest(version)

    def judge_and_change(version_dir):
        blessing = infra_blessing(version_dir)
        (version_dir / "note").write_text("changed")
        return blessing

    with pytest.raises(DataError, match=r"differs from .* as it was judged"):
        pusher(version, judge=judge_and_change)
    assert served(base) == ([], {})
    path = version.parent / ".validation" / "11" / "model" / "validations.json"
    assert json.loads(path.read_text())["current_model_sha256"] == before


def test_a_canary_is_compared_with_the_stable_version_and_leaves_it(
    pusher, base, make_version
):
    pusher(make_version(11), error=0.3)
    assert pusher(make_version(12), error=0.5, label="canary") == 1
    canary = make_version(13)
    assert pusher(canary, error=0.2, label="canary") == 0
    assert served(base) == ([11, 13], {"stable": 11, "canary": 13})
    assert pusher(canary, error=0.2) == 0  # Now for all.
    assert served(base) == ([11, 13], {"stable": 13, "canary": 13})
    assert published(base) == ["11", "13"]


def test_old_versions_are_removed_but_for_those_in_use(pusher, base, make_version):
    pusher(make_version(11), label="canary")
    for number in (12, 13, 14, 15):
        assert pusher(make_version(number)) == 0
    assert published(base) == ["11", "14", "15"]
    assert served(base) == ([11, 14, 15], {"stable": 15, "canary": 11})


def test_the_version_before_stays_while_servers_load_it(pusher, base, make_version):
    options = OPTIONS.model_copy(update={"keep": 1})
    for number in (11, 12, 13):
        assert pusher(make_version(number), options=options) == 0
    assert served(base) == ([12, 13], {"stable": 13})
    assert published(base) == ["12", "13"]


def test_another_model_of_the_same_number_is_refused(pusher, base, make_version):
    pusher(make_version(11))
    pusher(make_version(12))
    other = make_version(11, "other")
    (other / "note").write_text("other")
    with pytest.raises(DataError, match="a published version is never overwritten"):
        pusher(other)
    assert served(base) == ([11, 12], {"stable": 12})


@pytest.mark.parametrize("key", ["model_name", "dataset_fingerprint"])
def test_a_version_of_another_experiment_is_refused(pusher, base, make_version, key):
    version = make_version(11)
    path = version / "assets.extra" / "manifest.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | {key: "other"}))
    with pytest.raises(DataError, match=f"{key} in manifest.json must be .* 'other'"):
        pusher(version, judge=never)
    assert not base.exists()


def test_two_pushes_at_once_are_refused(pusher, base, make_version):
    with push_lock(base), pytest.raises(DataError, match="another push to"):
        pusher(make_version(11), judge=never)


def test_a_push_that_was_killed_before_the_label_moved_can_be_repeated(
    pusher, base, make_version, monkeypatch
):
    pusher(make_version(11))
    version = make_version(12)

    def kill(*_):
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(ServedLabels, "move", kill)
        with pytest.raises(KeyboardInterrupt):
            pusher(version)
    assert served(base) == ([11], {"stable": 11})
    assert pusher(version) == 0
    assert served(base) == ([11, 12], {"stable": 12})
    assert PushHistory(base).before("cmml", "stable", 12) == 11


class FakeLiveServer:
    """Takes everything, or refuses to load."""

    cannot_load = False

    def __init__(self, address):
        assert address == "localhost:8500"

    def ping(self, model_name):
        assert model_name == "cmml"

    def reload(self, config):
        pass

    def is_available(self, model_name, version):
        return False

    def wait_available(self, model_name, version):
        if self.cannot_load:
            raise LiveServerError(f"cannot load version {version}")


def test_a_running_server_is_told(pusher, base, make_version, monkeypatch):
    monkeypatch.setattr(step, "LiveServer", FakeLiveServer)
    assert pusher(make_version(11), server="localhost:8500") == 0
    assert served(base) == ([11], {"stable": 11})


def test_a_version_that_the_server_cannot_load_is_withdrawn(
    pusher, base, make_version, monkeypatch
):
    pusher(make_version(11))
    monkeypatch.setattr(step, "LiveServer", FakeLiveServer)
    monkeypatch.setattr(FakeLiveServer, "cannot_load", True)
    with pytest.raises(LiveServerError, match="cannot load version 12"):
        pusher(make_version(12), server="localhost:8500")
    assert published(base) == ["11"]
    assert served(base) == ([11], {"stable": 11})
    events = [event["event"] for event in PushHistory(base).events()]
    assert events == ["push", "push", "withdrawal"]


def test_a_version_that_was_there_before_stays_though_the_server_cannot_load_it(
    pusher, base, make_version, monkeypatch
):
    version = make_version(11)
    pusher(version)
    pusher(make_version(12))
    monkeypatch.setattr(step, "LiveServer", FakeLiveServer)
    monkeypatch.setattr(FakeLiveServer, "cannot_load", True)
    with pytest.raises(LiveServerError, match="cannot load version 11"):
        pusher(version, server="localhost:8500")
    assert published(base) == ["11", "12"]
    assert served(base) == ([11, 12], {"stable": 12})


def test_a_version_is_not_said_to_serve_where_the_server_cannot_load_it(
    pusher, base, make_version, monkeypatch, capsys
):
    version = make_version(11)
    pusher(version)
    capsys.readouterr()
    monkeypatch.setattr(step, "LiveServer", FakeLiveServer)
    monkeypatch.setattr(FakeLiveServer, "cannot_load", True)
    with pytest.raises(LiveServerError, match="cannot load version 11"):
        pusher(version, server="localhost:8500")
    assert "already" not in capsys.readouterr().err
    assert served(base) == ([11], {"stable": 11})


def test_a_server_that_is_not_there_stops_a_push_before_it_begins(
    pusher, base, make_version
):
    with pytest.raises(LiveServerError, match=r"127.0.0.1:1 answers UNAVAILABLE"):
        pusher(make_version(11), server="127.0.0.1:1", judge=never)
    assert not base.exists()


@pytest.fixture
def exported(experiment, tmp_path, record):
    """A real version, with requests of its own and the answers to them."""
    version = shutil.copytree(
        experiment.exported, tmp_path / "export" / "cmml" / experiment.exported.name
    )
    data = load_user_data(experiment.dataset_dir)
    episode = next(iter(data.episodes("meta_validation", 40, 3)))
    request = user_requests(data)(*split_episode(episode))
    rank = tf.saved_model.load(str(version)).signatures["rank"]
    answer = {"score": rank(**request)["score"].numpy()}
    request = {name: values.numpy() for name, values in request.items()}
    extra = version / "assets.extra"
    record(extra / "tf_serving_warmup_requests", [("rank", request, None)])
    record(extra / "parity_requests", [("rank", request, answer)])
    manifest = json.loads((extra / "manifest.json").read_text(encoding="utf-8"))
    manifest |= {"signatures": signatures_of(version), "files": written_files(version)}
    (extra / "manifest.json").write_text(json.dumps(manifest), encoding="utf-8")
    return version


def test_a_trained_model_is_judged_by_what_it_answers(experiment, exported, base):
    config = load_experiment(experiment.config_path)
    options = OPTIONS.model_copy(update={"baselines": ("global_mean",)})
    status = push(config, experiment.dataset_dir, options, exported, base)
    path = exported.parent / ".validation" / exported.name / "model/validations.json"
    verdict = json.loads(path.read_text())
    rules = {rule["name"]: rule for rule in verdict["rules"]}
    assert rules["infra"]["passed"], rules["infra"]["detail"]
    assert rules["size"]["passed"]
    assert rules["latency"]["passed"]
    assert "mae" in rules["better than global_mean"]["detail"]
    # Three epochs on made-up ratings: whether it is better is for the rule to say.
    is_better = rules["better than global_mean"]["passed"]
    assert status == (0 if is_better else 1)
    assert published(base) == ([exported.name] if is_better else [])
