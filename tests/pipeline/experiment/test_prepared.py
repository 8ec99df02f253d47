import json
import types

import pytest

from pipeline.experiment.prepared import (
    check_splits,
    directory_of,
    prepared_facts,
    read_ids,
    task_names,
)
from transforms.schema import DataError

ENOUGH = {"meta_train": 2, "meta_validation": 1, "meta_test": 0}


@pytest.fixture
def prepare(tmp_path):
    """Writes what every data set says of itself, whatever its setting."""

    def write(**num_tasks):
        values = {"fingerprint": "f", "num_tasks": {**ENOUGH, **num_tasks}, "more": 1}
        (tmp_path / "dataset.json").write_text(json.dumps(values), encoding="utf-8")
        (tmp_path / "_SUCCESS").touch()
        return tmp_path

    return write


def test_what_all_data_sets_say_is_read(prepare):
    facts = prepared_facts(prepare(meta_test=3))
    assert facts.fingerprint == "f"
    assert facts.num_tasks == {"meta_train": 2, "meta_validation": 1, "meta_test": 3}


def test_an_incomplete_data_set_says_what_to_run(tmp_path):
    with pytest.raises(DataError, match=r"no _SUCCESS\): run `cmml prepare`"):
        prepared_facts(tmp_path)


def test_a_data_set_lies_by_its_name_and_fingerprint(tmp_path):
    config = types.SimpleNamespace(prepared_dir=str(tmp_path), name="own")
    assert directory_of(config, "f00") == tmp_path / "own" / "f00"


def test_two_tasks_to_learn_from_and_one_to_choose_by_are_enough(prepare):
    check_splits(prepare())


@pytest.mark.parametrize(
    ("split", "number", "needed"),
    [
        ("meta_train", 1, "2 meta_train tasks"),
        ("meta_validation", 0, "1 meta_validation task"),
    ],
)
def test_too_few_tasks_to_train_with_are_named(prepare, split, number, needed):
    message = f"at least {needed} to train with, got {number}"
    with pytest.raises(DataError, match=message):
        check_splits(prepare(**{split: number}))


def test_a_split_to_judge_on_must_have_a_task(prepare):
    check_splits(prepare(meta_test=1), judged="meta_test")
    with pytest.raises(DataError, match="holds no meta_test tasks to judge methods on"):
        check_splits(prepare(), judged="meta_test")


def test_what_helps_against_too_few_tasks_looks_at_the_split_file(prepare):
    dataset_dir = prepare(meta_train=1)
    with pytest.raises(
        DataError, match=r"got 1: set another data\.split\.seed or other"
    ):
        check_splits(dataset_dir)
    path = dataset_dir / "dataset.json"
    values = json.loads(path.read_text(encoding="utf-8"))
    values["options"] = {"split": {"path": "mine.json"}}
    path.write_text(json.dumps(values), encoding="utf-8")
    named = r"name more of them in data\.split\.path, mine\.json\.$"
    with pytest.raises(DataError, match=f"got 1: {named}"):
        check_splits(dataset_dir)
    with pytest.raises(DataError, match=f"no meta_test tasks to judge .*: {named}"):
        check_splits(dataset_dir, judged="meta_test")


def test_ids_are_read_by_row_the_first_being_none(tmp_path):
    folder = tmp_path / "vocabulary"
    folder.mkdir()
    (folder / "item_id.txt").write_text("a\nb c\né\n", encoding="utf-8")
    assert read_ids(tmp_path, "item_id").tolist() == ["", "a", "b c", "é"]


def test_a_damaged_description_is_named(prepare):
    directory = prepare()
    (directory / "dataset.json").write_text('{"fingerprint": ')
    with pytest.raises(DataError, match=r"dataset\.json must be .* run `cmml prepare`"):
        prepared_facts(directory)


@pytest.mark.parametrize(
    ("domains", "first"), [(["a"], "Winter"), (["a", "b"], "a: Winter"), ([], "Winter")]
)
def test_tasks_are_called_by_their_names_behind_one_of_several_domains(
    tmp_path, domains, first
):
    for name, text in (
        ("dataset.json", json.dumps({"domains": domains})),
        ("_SUCCESS", ""),
        ("vocabulary/scenario_id.txt", "a:1\nb:2\n"),
        ("names/scenario.txt", "Winter\nSummer\n"),
    ):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text(text, encoding="utf-8")
    assert task_names(tmp_path, "scenario")["a:1"] == first
    assert task_names(tmp_path, "user") == {}
