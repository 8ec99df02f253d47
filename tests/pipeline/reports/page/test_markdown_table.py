from pipeline.reports.page.markdown_table import narrow_layouts


def test_a_narrow_table_stays_one():
    assert narrow_layouts(["a", "b"], [["1", "22"]]) == [
        "| a | b  |\n| - | -- |\n| 1 | 22 |"
    ]


def test_a_wide_table_becomes_several_that_begin_with_the_same_column():
    header = ["aa", "b" * 43, "c" * 43, "d" * 43]
    first, second = narrow_layouts(header, [["1", "2", "3", "4"]])
    assert [len(line) for line in first.splitlines()] == [
        98
    ] * 3  # 2 + 43 + 43 + 3 * 3 + 1.
    assert first.splitlines()[2].split() == ["|", "1", "|", "2", "|", "3", "|"]
    assert second.splitlines()[2].split() == ["|", "1", "|", "4", "|"]


def test_a_column_that_is_too_wide_has_a_table_of_its_own():
    tables = narrow_layouts(["a", "b" * 120, "c"], [["1", "2", "3"]])
    assert [len(table.splitlines()[0]) for table in tables] == [128, 9]


def test_lines_of_exactly_the_width_are_not_cut():
    (table,) = narrow_layouts(["a", "b" * 45, "c" * 44], [["1", "2", "3"]])
    assert len(table.splitlines()[0]) == 100
