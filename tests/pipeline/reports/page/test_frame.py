import pytest
from page_reader import read

from pipeline.reports.page.frame import Section, page


def test_a_page_stands_in_one_file_that_asks_for_nothing():
    text = page("Title", "told", [])
    reader = read(text)
    assert "default-src 'none'" in text
    assert "://" not in text
    assert not {"link", "img", "iframe"} & set(reader.tags)


def test_text_is_escaped():
    evil = "<script>alert(1)</script>"
    reader = read(page(evil, evil, [Section(evil, "<p>body</p>", evil, "part")]))
    assert reader.tags.count("script") == 1
    assert reader.text.count(evil) == 6  # Twice the title, and once in the list.


def test_sections_with_a_name_are_listed_before_the_first_part():
    parts = ["<p>first</p>", Section("A", "", name="a"), Section("B", "")]
    text = page("Title", "told", parts)
    reader = read(text)
    assert (reader.references, reader.ids) == (["#a"], ["a"])
    assert text.index("<nav") < text.index("<p>first") < text.index('<h2 id="a">')
    assert "<h2>B</h2>" in text


def test_without_named_sections_there_is_no_list():
    assert "nav" not in read(page("Title", "told", [Section("A", "", "note")])).tags


@pytest.mark.parametrize(("note", "shown"), [("", 0), ("a note", 1)])
def test_a_note_is_shown_if_there_is_one(note, shown):
    assert Section("A", "<b>body</b>", note).to_html().count("<p>") == shown
