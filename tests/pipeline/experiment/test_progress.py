import io

import pytest

from pipeline.experiment import progress


class Terminal(io.StringIO):
    def isatty(self):
        return True


@pytest.fixture
def clock(monkeypatch):
    """Time stands still until a test moves it."""
    now = [1000.0]
    monkeypatch.setattr(progress.time, "monotonic", lambda: now[0])
    return now


def test_progress_goes_to_stderr_so_that_stdout_holds_results(capsys):
    progress.say("half way")
    assert capsys.readouterr() == ("", "half way\n")


def test_lines_come_at_most_every_five_seconds_and_at_the_end(clock, capsys):
    with progress.progress_bar("fit", 5) as advance:
        for text, seconds in (("a", 0), ("b", 4.9), ("c", 0.1), ("d", 1), ("e", 1)):
            clock[0] += seconds
            advance(text)
    assert capsys.readouterr().err == "fit 1/5  a\nfit 3/5  c\nfit 5/5  e\n"


def test_work_without_an_end_in_sight_is_told_while_it_takes_long(clock, capsys):
    with progress.progress_bar("fit", None) as advance:
        for text, seconds in (("a", 4.9), ("b", 0.2), ("c", 1)):
            clock[0] += seconds
            advance(text)
    assert capsys.readouterr().err == "fit 2  b\n"


def test_units_done_before_count(clock, capsys):
    with progress.progress_bar("fit", 5, 3) as advance:
        advance("a")
    assert capsys.readouterr().err == "fit 4/5  a\n"


def test_a_terminal_shows_a_bar(monkeypatch):
    terminal = Terminal()
    monkeypatch.setattr(progress.sys, "stderr", terminal)
    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.setenv("COLUMNS", "120")
    with progress.progress_bar("fit", 3, 1) as advance:
        advance("a")
        advance("all is well")
    assert "3/3" in terminal.getvalue()
    with progress.progress_bar("search", None) as advance:
        advance("nothing yet")
    assert "1/?" in terminal.getvalue()
    assert "all is well" in terminal.getvalue()
    assert "fit 2/3" not in terminal.getvalue()  # The form of plain lines.
