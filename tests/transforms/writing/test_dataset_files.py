"""The driver with a made-up setting, which writes its files without Beam."""

import dataclasses
import json
import logging
from collections import Counter
from collections.abc import Sequence
from typing import NamedTuple

import pytest

from transforms.joins import SPLIT_FILE, id_forms, join_ids
from transforms.reading.rejected_row import RejectedRow
from transforms.row_counts import RowCounts
from transforms.schema import SPLITS, CommonInfo, DataError, check_files
from transforms.specs import CommonSpec, SplitSpec
from transforms.writing.counts import JoinError
from transforms.writing.dataset_files import DatasetKind, stage_info, write_dataset
from transforms.writing.episode_files import write_episodes
from transforms.writing.rejected import RejectedRowsError, write_stretch
from transforms.writing.tfrecord import encode_example, tfrecord_parts


class Basket(NamedTuple):
    items: Sequence[int]
    split: str


@dataclasses.dataclass(frozen=True, kw_only=True)
class BasketInfo(CommonInfo):
    setting = "baskets"
    directories = ("shelves",)

    num_shelves: int = 7


BASKETS = DatasetKind(BasketInfo, lambda files: f"Go to {files.names('shelves')[0]}.")
TASKS = [Basket([2, 1], "meta_train"), Basket([1], "meta_test")]


def refused(line, reason="malformed", table="baskets"):
    return RejectedRow(table, "b.csv", line, reason, "why", {"x": "1"})


def fill(files, tasks=TASKS, rejected=(), **changes):
    items = [encode_example(ints={"row": [row]}) for row in (1, 2)]
    files.write("entities/item-00000-of-00001.tfrecord", tfrecord_parts(items))
    records = [(t.split, encode_example(ints={"item": t.items})) for t in tasks]
    write_episodes(files, 0, 1, records)
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
    refused_rows = Counter((row.table, row.reason) for row in rejected)
    for table in ("baskets", "shelves"):
        counts = RowCounts(read=96, used=96)
        for (name, reason), number in refused_rows.items():
            if name == table:
                counts.read += number
                counts.refused[reason] = number
        content = {"table": table, "counts": counts.to_fields()}
        files.write(f".stage/counts/{table}.json", json.dumps(content).encode())
    stage_info(files, dataclasses.replace(info, **changes), {})


def write(
    directory,
    *,
    max_rejected_fraction=0.01,
    max_unmatched_fraction=0.3,
    split=SplitSpec(),  # noqa: B008
    **contents,
):
    spec = CommonSpec(
        max_rejected_fraction=max_rejected_fraction,
        max_unmatched_fraction=max_unmatched_fraction,
        split=split,
    )
    return write_dataset(
        BASKETS,
        lambda files: fill(files, **contents),
        str(directory),
        fingerprint="f",
        spec=spec,
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


def test_a_disk_that_is_full_is_not_left_so(tmp_path):
    def fill_up(files):
        fill(files)
        raise OSError("No space left on device")

    with pytest.raises(OSError, match="No space"):
        write_dataset(
            BASKETS, fill_up, str(tmp_path), fingerprint="f", spec=CommonSpec()
        )
    assert names(tmp_path) == []
    assert write(tmp_path).fingerprint == "f"


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
        r"1 not_a_number\)\. One is line 2 of b\.csv: why\. See .*rejected",
    ):
        write(tmp_path, rejected=rows)
    assert names(tmp_path) == ["rejected"]
    (part,) = (tmp_path / "rejected").iterdir()
    assert len(part.read_text().splitlines()) == 4


def test_the_limit_holds_for_every_table(tmp_path):
    rows = [refused(line, table="shelves") for line in range(2, 52)]
    with pytest.raises(RejectedRowsError, match=r"of the shelves .*\(50 of 146"):
        write(tmp_path, rejected=rows)


@pytest.mark.parametrize(
    ("reason", "cure"),
    [
        ("malformed", "`table.delimiter`, `table.quote` and `table.extra_fields`"),
        (
            "label_out_of_range",
            "`label_min`, `label_max` and `label_scale`; codes for no label go into "
            "`table.missing`, written as in the table",
        ),
        ("not_a_time", "`time_column`"),
        ("encoding", "`table.encoding`"),
    ],
)
def test_the_keys_that_help_are_named_by_the_reason_of_most_rows(
    tmp_path, reason, cure
):
    rows = [refused(n, reason) for n in range(2, 9)] + [refused(1, "missing_field")]
    message = f"See {cure}.* The rows are in .*rejected"
    with pytest.raises(RejectedRowsError, match=message):
        write(tmp_path, rejected=rows)


def join(left, right):
    return join_ids("items", "baskets", "shelves", left, right)


def test_ids_that_find_nothing_fail_the_step_with_examples_and_the_cause(tmp_path):
    wrong = join({"31.0": 2, "32.0": 1, "7": 1}, {"31", "32", "7"})
    with pytest.raises(
        JoinError,
        match=r"items of baskets must be in shelves: .*allows 30\.00%, got 75\.00% of "
        r"the rows .*\(3 of 4; 1 of 3 ids.*'31\.0', '32\.0'.*'31', '32'.*"
        r"a fraction of zero.*normalize_ids",
    ):
        write(tmp_path / "b", joins=(wrong,))
    assert names(tmp_path) == []


def test_names_of_a_split_file_that_are_of_no_task_are_an_error_with_the_file(tmp_path):
    known = {"ann", "bob", "eve"}
    some = join_ids("users", SPLIT_FILE, "baskets", {"ann": 1, "bob": 1, "x": 1}, known)
    none = join_ids("users", SPLIT_FILE, "baskets", {"x": 1}, known)
    write(tmp_path / "a", joins=(some,), max_unmatched_fraction=0.4)
    with pytest.raises(
        JoinError,
        match=r"users of the split file 's\.json' \(data\.split\.path\) must be in "
        r"baskets: data\.max_unmatched_fraction allows 30\.00%, got 33\.33% of the .*"
        r"\(1 of 3; .*'x'; in baskets only: 'eve'\. Name .*, or raise data\.max_unm",
    ):
        write(tmp_path / "b", joins=(some,), split=SplitSpec(path="s.json"))
    with pytest.raises(JoinError, match=r"at least one must, .*Name .* are there\.$"):
        write(tmp_path / "b", joins=(none,), max_unmatched_fraction=1.0)


def test_a_few_ids_that_differ_in_form_only_are_too_many(tmp_path):
    rows = {str(n): 1 for n in range(98)}
    write(tmp_path / "a", joins=(join({**rows, "none": 5}, {*rows, "x"}),))
    with pytest.raises(JoinError, match=r"1\.00% to differ in form only"):
        write(tmp_path / "b", joins=(join({**rows, "X": 2}, {*rows, "x"}),))


def test_one_table_may_write_texts_in_two_forms_but_not_numbers(tmp_path):
    rows = {"a": 5, "A": 4, "b c": 3, "bc": 4}
    joins = (*id_forms("items", "baskets", rows),)
    assert write(tmp_path / "a", joins=joins).joins == joins
    joins = (*id_forms("items", "baskets", {"7": 5, "07": 3}),)
    with pytest.raises(
        JoinError,
        match=r"items of baskets must have one form each: .* got 37\.50% of the rows "
        r"in another one \(3 of 8\)\. Beside '7' there are '07'\..*normalize_ids",
    ):
        write(tmp_path / "b", joins=joins)


def test_what_became_of_rows_and_what_files_hold_is_kept(tmp_path):
    known = join({"a": 1}, {"a"})
    info = write(
        tmp_path, rejected=[refused(2)], max_rejected_fraction=0.1, joins=(known,)
    )
    assert info.tables["baskets"].refused == {"malformed": 1}
    assert info.joins == (known,)
    num_records = [
        info.files[f"episodes/{split}-00000-of-00001.tfrecord.gz"].records
        for split in SPLITS
    ]
    assert num_records == [1, 0, 1]
    assert info.files["entities/item-00000-of-00001.tfrecord"].records == 2
    assert not [name for name in info.files if name.startswith("rejected")]
    check_files(tmp_path, info)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda data: data[:-1], r"must have \d+ bytes and 2 records, but has"),
        (lambda data: data[:-1] + b"!", "has other content"),
        (None, "is missing"),
    ],
)
def test_a_file_that_is_cut_or_damaged_is_named(tmp_path, change, message):
    info = write(tmp_path)
    path = tmp_path / "entities/item-00000-of-00001.tfrecord"
    if change is None:
        path.unlink()
    else:
        path.write_bytes(change(path.read_bytes()))
    with pytest.raises(DataError, match=rf"entities/item-.*tfrecord {message}"):
        check_files(tmp_path, info)


def test_rows_that_nobody_accounts_for_are_a_bug(tmp_path):
    def lose(files):
        fill(files)
        content = {"table": "baskets", "counts": RowCounts(read=9).to_fields()}
        files.write(".stage/counts/baskets.json", json.dumps(content).encode())

    with pytest.raises(RuntimeError, match="of the 9 rows of baskets, 0 were used"):
        write_dataset(BASKETS, lose, str(tmp_path), fingerprint="f", spec=CommonSpec())


def test_a_data_set_without_a_meta_train_task_is_an_error(tmp_path):
    message = (
        r"task must be in meta-train, got none\. Left out: 3 too_small\. "
        r"Go to shelves/all\."
    )
    with pytest.raises(DataError, match=message):
        write(tmp_path / "p", tasks=TASKS[1:])
    assert names(tmp_path) == []


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
        write_dataset(BASKETS, crash, str(tmp_path), fingerprint="f", spec=CommonSpec())
    assert not (tmp_path / "_SUCCESS").exists()


def test_the_driver_logs_its_stages(tmp_path, caplog):
    with caplog.at_level(logging.INFO, logger="transforms"):
        write(tmp_path)
    stages = [record.message.split()[0] for record in caplog.records]
    assert stages == ["Preparing", "Collecting", "Prepared"]
