import pyarrow as pa

from transforms.entities.vocabularies import (
    frequent_values,
    id_order,
    order_of_ids,
    vocabulary_rows,
)


def test_number_ids_come_first_by_value_then_texts():
    ids = ["b", "10", "9", "09", "a", "-1", "100", "²"]
    assert sorted(ids, key=id_order) == ["09", "9", "10", "100", "-1", "a", "b", "²"]


def test_ids_of_any_length_can_be_ordered():
    longest = "9" * 10_000
    assert sorted([longest, "1"], key=id_order) == ["1", longest]


def test_values_are_ordered_by_count_then_text():
    counts = {"b": 1, "x": 3, "a": 1}
    assert frequent_values(counts, min_count=1) == ["x", "a", "b"]
    assert frequent_values(counts, min_count=2) == ["x"]


def test_rows_start_at_one():
    assert vocabulary_rows(["x", "y"]) == {"x": 1, "y": 2}


def test_ids_by_column_have_the_same_order():
    ids = [
        "b",
        "10",
        "9",
        "007",
        "7",
        "0",
        "00",
        "a1",
        "\u0664",
        "Z",
        "é",
        "1" * 30,
        "",
    ]
    order = order_of_ids(pa.array(ids))
    assert [ids[place] for place in order] == sorted(ids, key=id_order)
    assert order_of_ids(pa.array([], pa.string())).tolist() == []
