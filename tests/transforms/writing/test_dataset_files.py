"""The driver with a made-up setting, which writes its files without Beam."""

import dataclasses
import json
import logging
from collections.abc import Sequence
from typing import NamedTuple

import pytest

from transforms.reading.rejected_row import RejectedRow
from transforms.schema import SPLITS, CommonInfo, DataError
from transforms.writing.dataset_files import DatasetKind, stage_info, write_dataset
from transforms.writing.entity_files import encode_entity, write_entities
from transforms.writing.episode_files import write_episodes
from transforms.writing.rejected import RejectedRowsError, write_stretch
from transforms.writing.tfrecord import encode_example


class Basket(NamedTuple):
    items: Sequence[int]
    split: str


@dataclasses.dataclass(frozen=True, kw_only=True)
class BasketInfo(CommonInfo):
    setting = "baskets"
    directories = ("shelves",)

    num_shelves: int = 7


BASKETS = DatasetKind(BasketInfo, "baskets", "Go shopping.")
TASKS = [Basket([2, 1], "meta_train"), Basket([1], "meta_test")]


def refused(line, reason="malformed", table="baskets"):
    return RejectedRow(table, "b.csv", line, reason, "why", {"x": "1"})


def fill(files, tasks=TASKS, rejected=()):
    write_entities(files, "item", [encode_entity(1, "a", 1), encode_entity(2, "b", 0)])
    write_episodes(
        files, 0, 1, tasks, lambda task: encode_example(ints={"item": task.items})
    )
    files.write("shelves/all", b"1")
    if rejected:
        write_stretch(files, "b.csv", 0, rejected)
    info = BasketInfo(
        num_users=0,
        num_items=2,
        num_tasks={split: sum(t.split == split for t in tasks) for split in SPLITS},
        num_dropped={"too_small": 3},
        options={},
    )
    stage_info(files, info, num_legal=96)


def write(directory, *, max_rejected_fraction=0.01, **contents):
    return write_dataset(
        BASKETS,
        lambda files: fill(files, **contents),
        str(directory),
        fingerprint="f",
        max_rejected_fraction=max_rejected_fraction,
    )


def names(directory):
    return sorted(path.name for path in directory.iterdir())


def test_a_data_set_is_whole_in_the_end(tmp_path, read_records):
    info = write(tmp_path)
    assert names(tmp_path) == [
        "_SUCCESS",
        "anomalies.pbtxt",
        "dataset.json",
        "entities",
        "episodes",
        "rejected",
        "shelves",
    ]
    name = "episodes/meta_train-00000-of-00001.tfrecord.gz"
    assert read_records(tmp_path / name) == [{"item": [2, 1]}]
    assert (info.fingerprint, info.num_rejected, info.num_shelves) == ("f", {}, 7)
    content = json.loads((tmp_path / "dataset.json").read_text())
    assert (content["setting"], content["num_tasks"]["meta_test"]) == ("baskets", 1)


def test_refused_rows_are_counted_by_reason(tmp_path):
    rows = [refused(2), refused(4), refused(3, "encoding", "shelves")]
    info = write(tmp_path, rejected=rows, max_rejected_fraction=0.1)
    assert info.num_rejected == {"malformed": 2, "encoding": 1}
    assert "2 rows refused" in (tmp_path / "anomalies.pbtxt").read_text()
    (part,) = (tmp_path / "rejected").iterdir()
    assert [json.loads(row)["line"] for row in part.read_text().splitlines()] == [
        *(2, 3, 4)
    ]


def test_too_many_refused_rows_fail_the_step_and_are_left_to_look_at(tmp_path):
    rows = [refused(line) for line in (2, 3, 4)] + [refused(5, "not_a_number")]
    # 4 of 96 + 4 rows.
    with pytest.raises(
        RejectedRowsError,
        match=r"allows 1\.00% of the baskets .*got 4\.00% \(4 of 100: 3 malformed, "
        r"1 not_a_number\)\. See .*rejected",
    ):
        write(tmp_path, rejected=rows)
    assert names(tmp_path) == ["rejected"]
    (part,) = (tmp_path / "rejected").iterdir()
    assert len(part.read_text().splitlines()) == 4


def test_refused_rows_of_other_tables_have_no_limit(tmp_path):
    rows = [refused(line, table="shelves") for line in range(2, 52)]
    assert write(tmp_path, rejected=rows).num_rejected == {"malformed": 50}


def test_a_data_set_without_a_meta_train_task_is_an_error(tmp_path):
    message = (
        r"task must be in meta-train, got none\. Left out: \{'too_small': 3\}\. "
        r"Go shopping\."
    )
    with pytest.raises(DataError, match=message):
        write(tmp_path, tasks=TASKS[1:])
    assert names(tmp_path) == ["rejected"]


def test_what_an_interrupted_run_left_is_removed(tmp_path, digests):
    write(tmp_path / "clean")
    directory = tmp_path / "interrupted"
    for name in ("episodes/meta_train-00007-of-00009.tfrecord.gz", ".stage/x.tmp"):
        (directory / name).parent.mkdir(parents=True)
        (directory / name).write_text("half")
    write(directory)
    assert digests(directory) == digests(tmp_path / "clean")


def test_an_earlier_data_set_is_no_longer_whole_while_it_is_made_again(tmp_path):
    write(tmp_path)

    def crash(files):
        assert not files.path("_SUCCESS").exists()
        raise KeyError("a bug")

    with pytest.raises(KeyError):
        write_dataset(
            BASKETS, crash, str(tmp_path), fingerprint="f", max_rejected_fraction=0.0
        )
    assert not (tmp_path / "_SUCCESS").exists()


def test_the_driver_logs_its_stages(tmp_path, caplog):
    with caplog.at_level(logging.INFO, logger="transforms"):
        write(tmp_path)
    stages = [record.message.split()[0] for record in caplog.records]
    assert stages == ["Preparing", "Collecting", "Prepared"]
