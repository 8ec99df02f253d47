import json
import subprocess
import sys

import pytest

from models.whole_files import write_atomically
from pipeline.experiment.config_file import to_yaml
from pipeline.experiment.run_dir import RunDir, training_fingerprint
from pipeline.experiment.version_dir import MANIFEST
from pipeline.export.export_of_config import (
    export_fingerprint,
    export_of_config,
    export_of_run,
)
from pipeline.training.trained import REFIT, STEP, refit_fingerprint

DATA = "abcd"


@pytest.fixture
def train(tmp_path):
    """Leaves a finished training of a configuration."""

    def leave(config, name):
        run = RunDir(tmp_path / "runs" / "own" / name)
        write_atomically(run.path / "config.resolved.yaml", to_yaml(config))
        trained = training_fingerprint(config, DATA)
        run.record(STEP, trained, dataset=DATA, best_epoch=1)
        return run

    return leave


@pytest.fixture
def export():
    """Leaves an exported version in a run of a configuration."""

    def leave(config, run, version, refit=None):
        folder = run.export / "cmml" / version
        manifest = {
            "fingerprint": export_fingerprint(config, DATA, refit),
            "export": config.export.model_dump(),
        }
        write_atomically(folder / MANIFEST, json.dumps(manifest))
        (folder / "saved_model.pb").touch()
        return folder

    return leave


def test_the_newest_export_of_equal_keys_has_the_highest_version(
    make_config, train, export
):
    config = make_config()
    run = train(config, "a")
    newest = export(config, run, "1000")
    # 999 is newer as a text, 2000 has no manifest, staging is not finished.
    export(config, run, "999")
    export(config, run, ".staging-9")
    (newest.parent / "2000").mkdir()
    assert export_of_config(make_config("evaluation.seed=1")) == newest


def test_keys_that_are_changed_back_have_their_earlier_export(
    make_config, train, export
):
    config, other = make_config(), make_config("export.top_k=20")
    run = train(config, "a")
    first, second = export(config, run, "1000"), export(other, run, "2000")
    assert export_of_config(config) == export_of_run(config, run) == first
    assert export_of_config(other) == export_of_run(other, run) == second


def test_where_no_export_has_the_keys_those_that_differ_are_named(
    make_config, train, export
):
    config = make_config("export.top_k=20", "export.max_tasks=8")
    run = train(config, "a")
    export(config, run, "1000")
    other = make_config("export.max_tasks=8")
    assert export_of_run(other, run) is None
    found = r"export has the keys of .*/1000, has export.top_k 20 \(here 100\)\. Run"
    with pytest.raises(ValueError, match=found):
        export_of_config(other)


def test_a_refit_has_to_be_exported(make_config, train, export):
    config = make_config("training.refit=all")
    run = train(config, "a")
    trained = export(config, run, "1000")
    assert export_of_config(config) == trained
    run.refit.path.mkdir()
    run.refit.record(REFIT, refit_fingerprint(config, DATA, run))
    with pytest.raises(ValueError, match=r"1000, has other weights or keys\. Run"):
        export_of_config(config)
    refitted = export(config, run, "2000", run.refit)
    assert export_of_config(config) == refitted


def test_the_export_of_another_configuration_does_not_count(make_config, train, export):
    config = make_config("model.encoder=mean")
    mine = export(config, train(config, "mine"), "1000")
    newer = make_config("model.encoder=max")
    export(newer, train(newer, "newer"), "2000")
    old = train(config, "old")
    export(config, old, "3000")
    forgotten = "name: own\nmodel: {forgotten: 1}\n"
    (old.path / "config.resolved.yaml").write_text(forgotten, encoding="utf-8")
    assert export_of_config(config) == mine
    for other in ("model.encoder=gru", "training.seed=1", "export.model_name=other"):
        with pytest.raises(ValueError, match=r"no exported model of this conf.*: run"):
            export_of_config(make_config(other))


def test_the_export_of_a_run_is_found_without_tensorflow(experiment):
    code = (
        "import sys\n"
        "from pipeline.export.export_of_config import export_of_config\n"
        "from pipeline.settings.registry import load_experiment\n"
        f"print(export_of_config(load_experiment({str(experiment.config_path)!r})))\n"
        "assert 'tensorflow' not in sys.modules\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True
    )
    assert done.stdout == f"{experiment.exported}\n"
