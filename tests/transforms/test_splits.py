import json

import pytest

from transforms.row_counts import RowCounts
from transforms.schema import META_TEST, META_TRAIN, META_VALIDATION
from transforms.specs import SplitSpec
from transforms.splits import TaskSplitter, about_times, load_splitter


def write(folder, **lists):
    (folder / "split.json").write_text(json.dumps(lists))
    return SplitSpec(path="split.json", validation_fraction=0.0)


def test_shares_of_the_hash_split_are_those_of_the_specification():
    splitter = TaskSplitter(SplitSpec(test_fraction=0.2, validation_fraction=0.1))
    splits = [splitter.split_of(str(number)) for number in range(5000)]
    assert splits.count(META_TEST) / 5000 == pytest.approx(0.2, abs=0.02)
    # A tenth of the other 80 %.
    assert splits.count(META_VALIDATION) / 5000 == pytest.approx(0.08, abs=0.02)


def test_another_seed_gives_another_split():
    first, second = TaskSplitter(SplitSpec(seed=0)), TaskSplitter(SplitSpec(seed=1))
    ids = [str(number) for number in range(50)]
    assert [*map(first.split_of, ids)] != [*map(second.split_of, ids)]


def test_without_a_meta_test_share_no_task_is_in_it():
    splitter = TaskSplitter(SplitSpec(test_fraction=0.0, validation_fraction=0.0))
    assert {splitter.split_of(str(n)) for n in range(50)} == {META_TRAIN}


def test_the_split_file_decides_and_leaves_other_tasks_out(tmp_path):
    spec = write(tmp_path, meta_train_users=[1, "2"], meta_test_users=[3])
    splitter = load_splitter(spec, str(tmp_path))
    splits = [splitter.split_of(task_id) for task_id in ("1", "2", "3", "4")]
    assert splits == [META_TRAIN, META_TRAIN, META_TEST, None]


def test_meta_validation_is_drawn_from_meta_train_of_the_file(tmp_path):
    write(tmp_path, meta_train_users=list(range(1000)), meta_test_users=[2000])
    spec = SplitSpec(path="split.json", validation_fraction=0.25)
    splitter = load_splitter(spec, str(tmp_path))
    splits = [splitter.split_of(str(number)) for number in range(1000)]
    assert splits.count(META_VALIDATION) / 1000 == pytest.approx(0.25, abs=0.05)
    assert splitter.split_of("2000") == META_TEST


def test_meta_validation_of_the_file_is_taken_as_it_is(tmp_path):
    write(
        tmp_path,
        meta_train_users=list(range(100)),
        meta_validation_users=[200],
        meta_test_users=[],
    )
    spec = SplitSpec(path="split.json", validation_fraction=0.5)
    splitter = load_splitter(spec, str(tmp_path))
    assert {splitter.split_of(str(n)) for n in range(100)} == {META_TRAIN}
    assert splitter.split_of("200") == META_VALIDATION


def test_a_task_in_two_lists_is_an_error(tmp_path):
    spec = write(tmp_path, meta_train_users=[1], meta_test_users=["1"])
    with pytest.raises(ValueError, match="has '1' for meta_train and meta_test"):
        load_splitter(spec, str(tmp_path))


def test_a_split_file_without_a_list_is_an_error(tmp_path):
    spec = write(tmp_path, meta_train_users=[1], test=[2])
    with pytest.raises(
        ValueError, match=r"'meta_test_users'.*has \['meta_train_users', 'test'\]"
    ):
        load_splitter(spec, str(tmp_path))


@pytest.mark.parametrize("text", ["{", "[1, 2]"])
def test_a_split_file_is_a_json_object(tmp_path, text):
    (tmp_path / "split.json").write_text(text)
    with pytest.raises(ValueError, match=r"split\.path must name a JSON"):
        load_splitter(SplitSpec(path="split.json"), str(tmp_path))


def test_a_missing_split_file_is_named(tmp_path):
    with pytest.raises(ValueError, match=r"split\.path.*'split\.json': no such file"):
        load_splitter(SplitSpec(path="split.json"), str(tmp_path))


def test_the_times_of_a_split_are_said_to_be_among_those_that_there_are():
    tables = {"clicks": RowCounts(times=[2.0, 9.0]), "pools": RowCounts()}
    told = about_times(SplitSpec(test_from=20), tables)
    assert "such as 20, must be among the times of clicks from 2 to 9: dates" in told


@pytest.mark.parametrize(
    ("split", "times"), [(SplitSpec(), [2.0, 9.0]), (SplitSpec(test_from=20), [])]
)
def test_nothing_is_said_of_times_where_there_are_none(split, times):
    assert about_times(split, {"clicks": RowCounts(times=times)}) == ""
