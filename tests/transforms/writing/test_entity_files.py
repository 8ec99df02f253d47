import pytest
from rated_tasks import texts

from transforms.writing.entity_files import (
    EntityRows,
    IdRows,
    write_names,
    write_vocabulary,
)
from transforms.writing.output_files import OutputFiles


@pytest.fixture
def files(tmp_path):
    return OutputFiles(str(tmp_path))


def test_vocabularies_and_names_have_one_value_a_line(files):
    write_vocabulary(files, "genre", ["é", "b"])
    write_names(files, "item", ["One", ""])
    assert files.path("vocabulary/genre.txt").read_bytes() == "é\nb\n".encode()
    assert files.path("names/item.txt").read_bytes() == b"One\n\n"


def test_rows_are_read_from_the_vocabularies_of_ids_whatever_an_id_holds(files):
    write_vocabulary(files, "user_id", ["b", "a\r", "\u2028"])
    write_vocabulary(files, "item_id", [])
    rows = EntityRows(files)
    assert rows.users.ids.to_pylist() == ["b", "a\r", "\u2028"]
    assert rows.items.ids.to_pylist() == []


def test_rows_of_some_ids_are_looked_up_at_once(files):
    write_vocabulary(files, "user_id", ["b", "é", "a"])
    rows = IdRows.read(files, "user_id")
    assert rows.of(texts(["a", "b", "a"])).tolist() == [3, 1, 3]
    with pytest.raises(KeyError, match="ab"):
        rows.of(texts(["a", "ab"]))
