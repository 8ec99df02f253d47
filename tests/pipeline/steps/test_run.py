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
        *("matrix_factorisation", "item_knn", "ease", "ease_click"),
        *("click_knn", "click_mean"),
    ],
}
# Beside the best baselines, or of too few tasks to tell.
HOW_IT_STANDS = {
    "experiment": "Overall level: beside the best baseline",
    "scenario_experiment": "How cmml stands beside baselines cannot be told of only 5",
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
    assert HOW_IT_STANDS[name] in made.stdout


def test_what_takes_long_is_said_before_it(experiment, scenario_experiment):
    starts = (
        ("train: fitting factors of 14 items to 351 pairs", "train: epochs"),
        ("train: epochs of 39 tasks in 3 steps; ", "train: epoch 1/4"),
        ("export: saving the model with 14 items", "export: wrote"),
    )
    for before, after in starts:
        text, _, rest = experiment.stderr.partition(before)
        assert after in rest
        assert after not in text
    said = scenario_experiment.stderr
    assert "fitting factors" not in said  # `pretrain` has.
    before, _, after = said.partition("train: judging the start on 3 tasks of ")
    assert "pretrain: fitting candidates to 744 known clicks\n" in before
    assert after.startswith("meta-validation\ntrain: epochs of 32 tasks in 8 steps; ")


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
