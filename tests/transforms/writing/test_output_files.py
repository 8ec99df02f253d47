import pytest

from transforms.writing.output_files import OutputFiles


def test_a_file_is_written_whole_and_leaves_no_temporary_one(tmp_path):
    files = OutputFiles(str(tmp_path))
    files.write("episodes/a", b"1")
    files.write("episodes/a", b"2")
    assert (tmp_path / "episodes/a").read_bytes() == b"2"
    assert files.names("episodes") == ["episodes/a"]
    assert files.names(".stage") == []


def test_clearing_makes_the_directory(tmp_path):
    OutputFiles(str(tmp_path / "a/b")).clear()
    assert (tmp_path / "a/b").is_dir()


def test_clearing_removes_an_earlier_data_set(tmp_path):
    files = OutputFiles(str(tmp_path))
    files.write("_SUCCESS", b"")
    files.write("episodes/a", b"1")
    files.write(".stage/rejected/x.jsonl", b"{}")
    files.clear()
    assert list(tmp_path.iterdir()) == []


def test_files_that_are_not_ours_are_never_removed(tmp_path):
    (tmp_path / "thesis.tex").write_text("years of work")
    (tmp_path / "episodes").mkdir()
    with pytest.raises(ValueError, match=r"must be empty or hold.*has 'thesis\.tex'"):
        OutputFiles(str(tmp_path)).clear()
    assert (tmp_path / "episodes").is_dir()


def test_a_setting_may_have_directories_of_its_own(tmp_path):
    files = OutputFiles(str(tmp_path), ("clicks",))
    files.write("clicks/a", b"1")
    with pytest.raises(ValueError, match=r"must be empty or hold.*has 'clicks'"):
        OutputFiles(str(tmp_path)).clear()
    files.clear()
    assert list(tmp_path.iterdir()) == []


def test_only_the_refused_rows_are_kept(tmp_path):
    files = OutputFiles(str(tmp_path))
    for name in ("rejected/part-00000.jsonl", "episodes/a", "dataset.json"):
        files.write(name, b"{}")
    files.keep_only_rejected()
    assert [path.name for path in tmp_path.iterdir()] == ["rejected"]


def test_where_no_row_was_refused_nothing_is_kept(tmp_path):
    files = OutputFiles(str(tmp_path / "p"))
    files.make_dir("rejected")
    files.write("episodes/a", b"{}")
    files.keep_only_rejected()
    assert list(tmp_path.iterdir()) == []


def test_a_finished_data_set_has_no_stage_folder(tmp_path):
    files = OutputFiles(str(tmp_path))
    files.write("dataset.json", b"{}")
    files.finish()
    assert sorted(path.name for path in tmp_path.iterdir()) == [
        "_SUCCESS",
        "dataset.json",
    ]
