"""What `cmml run` prints, and what it does the second time."""

import json
import types

import pytest

from pipeline.steps import run as run_module
from transforms.schema import DataError

METHODS = {
    "experiment": ["cmml", "closed_form", "support_mean", "bias_ridge"],
    "scenario_experiment": [
        *("cmml", "closed_form", "item_pop", "popularity", "dot_product"),
        *("matrix_factorisation", "item_knn", "ease", "click_knn", "click_mean"),
    ],
}
# Pretraining is a step of scenarios alone.
NUM_STEPS = {"experiment": 4, "scenario_experiment": 5}


@pytest.fixture(params=METHODS)
def name(request):
    """The name of either experiment."""
    return request.param


def test_it_ends_with_a_table_and_the_exported_model(name, request):
    made = request.getfixturevalue(name)
    lines = made.stdout.splitlines()
    assert lines[-1] == str(made.exported)
    rows = [line.split("|")[1].strip() for line in lines if line.startswith("| ")]
    assert rows[0] == "method"
    assert rows[2 : 2 + len(METHODS[name])] == METHODS[name]
    assert ", cmml is " in made.stdout  # How it stands to the best baseline.


def test_a_data_set_without_meta_test_ends_a_run_before_training(tmp_path, monkeypatch):
    facts = {"fingerprint": "f", "num_tasks": {"meta_train": 9, "meta_validation": 2}}
    (tmp_path / "dataset.json").write_text(json.dumps(facts))
    (tmp_path / "_SUCCESS").touch()
    monkeypatch.setattr(run_module, "prepare", lambda config, flags: tmp_path)
    with pytest.raises(DataError, match="holds no meta_test tasks to judge"):
        run_module.run(types.SimpleNamespace(prepared_dir=str(tmp_path)), ())


def test_run_again_skips_every_step(name, request, cmml, raw_dir, scenario_tables):
    made = request.getfixturevalue(name)
    tables = raw_dir if name == "experiment" else scenario_tables
    again = cmml("run", "--config", made.config_path, data_dir=tables)
    assert again.status == 0
    assert again.stderr.count("is up to date") == NUM_STEPS[name]
    assert again.stdout == made.stdout
