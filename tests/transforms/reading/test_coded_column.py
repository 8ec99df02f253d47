import numpy as np

from transforms.reading.coded_column import (
    coded_numbers,
    coded_texts,
    join_texts,
    recoded,
    small,
)


def test_each_text_is_held_once():
    column = coded_texts(["b", "a", "b"])
    assert column.codes.tolist() == [0, 1, 0]
    assert column.values.to_pylist() == ["b", "a"]
    assert column.to_list() == ["b", "a", "b"]


def test_some_rows_hold_no_text_of_the_others():
    part = coded_texts(["b", "a", "c", "a"]).take(np.array([3, 2]))
    assert part.to_list() == ["a", "c"]
    assert sorted(part.values.to_pylist()) == ["a", "c"]


def test_numbers_are_held_bit_by_bit():
    column = coded_numbers(np.array([0.0, 2.5, -0.0, 2.5]))
    assert list(map(str, column.to_list())) == ["0.0", "2.5", "-0.0", "2.5"]
    assert len(column.values) == 3


def test_equal_texts_of_several_columns_have_one_code():
    joined = join_texts([coded_texts(["a", "b"]), coded_texts(["b", "c"])])
    assert joined.to_list() == ["a", "b", "b", "c"]
    assert joined.values.to_pylist() == ["a", "b", "c"]
    assert join_texts([]).to_list() == []


def test_values_that_have_become_equal_have_one_code():
    column = recoded(np.array([0, 1, 2, 0]), ["a", "b", "a"])
    assert column.to_list() == ["a", "b", "a", "a"]
    assert len(column.values) == 2


def test_integers_take_as_few_bytes_as_they_can():
    assert small(np.array([255])).dtype == np.uint8
    assert small(np.array([256])).dtype == np.uint16
    assert small(np.zeros(0, np.int64)).dtype == np.uint8
