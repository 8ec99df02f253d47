"""A shop whose tables have every fault: each row is accounted for, or one line says."""

import gzip

import pytest
import yaml
from faulty_clicks import write_clicks
from faulty_ratings import write_ratings

from transforms.clicks.schema import load_scenario_info
from transforms.schema import load_dataset_info

SETTINGS = {
    "ratings": (write_ratings, load_dataset_info),
    "clicks": (write_clicks, load_scenario_info),
}


@pytest.fixture
def prepare(cmml, tmp_path):
    """Writes a shop, changed, and prepares it; returns the shop, and what was said."""

    def run(write, change=lambda folder, data: None):
        shop = write(tmp_path)
        change(tmp_path, shop.config["data"])
        values = shop.config | {"prepared_dir": str(tmp_path / "prepared")}
        path = tmp_path / "experiment.yaml"
        path.write_text(yaml.safe_dump(values), encoding="utf-8")
        return shop, cmml("prepare", "--config", path, data_dir=tmp_path)

    return run


@pytest.mark.parametrize("name", SETTINGS)
def test_every_row_of_a_faulty_shop_is_accounted_for(name, prepare):
    write, load = SETTINGS[name]
    shop, done = prepare(write)
    assert done.status == 0, done.stderr
    tables = load(done.stdout.strip()).tables
    for table, counts in tables.items():
        counts.check_sum(table)
        assert +counts.left_out == shop.left_out.get(table, {}), table
        assert +counts.refused == shop.refused.get(table, {}), table
        assert +counts.unreadable == shop.unreadable.get(table, {}), table
    said = done.stderr.splitlines()
    assert sum(line.startswith("prepare: items of ") for line in said) >= 1
    assert any(line.endswith("(the rows are in rejected/)") for line in said)
    assert "Traceback" not in done.stderr


def test_without_normal_ids_the_shop_is_refused_with_examples(prepare):
    _, done = prepare(write_ratings, lambda _, data: data.pop("normalize_ids"))
    assert done.status == 2
    line = done.stderr.splitlines()[-1]
    assert line.startswith("cmml prepare: users of interactions must have one form")
    assert "Write them alike, or set data.normalize_ids: true, which changes" in line


def cut(folder, data):
    """Ends an archive in the middle."""
    path = folder / "ratings/part-2.csv"
    path.write_bytes(path.read_bytes()[:-20])


def name_twice(folder, data):
    path = folder / "ratings/part-1.csv"
    path.write_text("user,item,label,time,label\n")


def lose_a_column(folder, data):
    (folder / "films.csv").write_text("id,title,year,genre\n1,a,2000,b\n")


def break_the_array(folder, data):
    (folder / "people.json").write_text('[{"id": 1, "age": 2}, {"id": 2')


def add_a_folder(folder, data):
    """More part files, a level too deep."""
    (folder / "ratings/more").mkdir()
    (folder / "ratings/part-2.csv").rename(folder / "ratings/more/part-2.csv")


def make_it_wide(folder, data):
    """A column for each item, one of them twice."""
    (folder / "wide.csv").write_text("user,A1,A2,A1\n1,5,5,-5\n")
    data["interactions"]["table"] = {"path": "wide.csv"} | {
        "wide": {"keep": ["user"], "name": "item", "value": "label"}
    }
    for key in ("time_column", "keep"):
        del data["interactions"][key]


def nest_archives(folder, data):
    path = folder / "people.json"
    path.write_bytes(gzip.compress(gzip.compress(path.read_bytes())))


@pytest.mark.parametrize(
    ("change", "named", "cure"),
    [
        (cut, "part-2.csv", "whole file"),
        (name_twice, "part-1.csv", "rename all but the one"),
        (lose_a_column, "films.csv", "no column 'film'"),
        (break_the_array, "people.json", "`format: jsonl`"),
        (add_a_folder, "'more'", "by a pattern"),
        (make_it_wide, "wide.csv", "rename all but the one"),
        (nest_archives, "people.json", "unpack it once"),
    ],
)
def test_a_file_that_no_key_can_mend_ends_with_one_line(change, named, cure, prepare):
    _, done = prepare(write_ratings, change)
    assert done.status == 2
    line = done.stderr.splitlines()[-1]
    assert line.startswith("cmml prepare: ")
    assert named in line
    assert cure in line
    assert "Traceback" not in done.stderr
