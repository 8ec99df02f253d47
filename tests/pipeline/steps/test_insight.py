import pytest

from pipeline.experiment.run_dir import RunDir
from pipeline.settings.registry import load_experiment
from pipeline.steps import insight
from transforms.schema import DataError


@pytest.fixture
def map_contexts(experiment, tmp_path):
    """Maps the contexts of users."""

    def run(**options):
        return insight.map_contexts(
            load_experiment(experiment.config_path),
            experiment.dataset_dir,
            RunDir(experiment.run_dir),
            groups=None,
            output=tmp_path,
            **{"split": "all", "max_tasks": 9, **options},
        )

    return run


def test_a_bug_is_no_fault_of_the_data(map_contexts, monkeypatch):
    def fails(*_, **__):
        raise ValueError("shapes differ")

    monkeypatch.setattr(insight, "task_contexts", fails)
    with pytest.raises(ValueError, match="shapes differ") as raised:
        map_contexts()
    assert not isinstance(raised.value, DataError)


def test_a_map_takes_four_contexts(map_contexts):
    with pytest.raises(DataError, match="at least 4 contexts, got 3 of split 'all'"):
        map_contexts(max_tasks=3)


@pytest.mark.parametrize("best_epoch", [0, 1])
def test_contexts_of_an_untrained_encoder_are_said_to_be(
    map_contexts, monkeypatch, best_epoch
):
    monkeypatch.setattr(RunDir, "facts", lambda *_: {"best_epoch": best_epoch})
    text = map_contexts().read_text(encoding="utf-8")
    assert ("of an untrained encoder" in text) == (not best_epoch)
