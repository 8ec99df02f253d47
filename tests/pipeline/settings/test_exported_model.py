from pipeline.settings.exported_model import KnownValues


def test_what_a_vocabulary_lacks_is_named_once(tmp_path):
    (tmp_path / "item_id.txt").write_text("a\nz\u00e9 1\n", encoding="utf-8")
    known = KnownValues(tmp_path)
    assert known.of("item_id") == {"a", "z\u00e9 1"}
    assert known.missing("item_id", ["b", "a", "", "b"]) == ["b", ""]
    assert known.path("item_id") == tmp_path / "item_id.txt"


def test_a_vocabulary_without_a_value_has_no_file(tmp_path):
    assert KnownValues(tmp_path).missing("gender", ["F"]) == ["F"]
