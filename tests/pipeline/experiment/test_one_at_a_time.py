import threading

from pipeline.experiment import one_at_a_time as waiting
from pipeline.experiment.one_at_a_time import one_at_a_time


def test_who_comes_second_waits_and_says_so(tmp_path, monkeypatch):
    path, held, is_waited_for = tmp_path / "run", threading.Event(), threading.Event()
    lines = []

    def hold():  # A lock is of an open file: two threads are as good as two processes.
        with one_at_a_time("train", path):
            held.set()
            is_waited_for.wait()
            path.write_text("done")

    def say(line):
        lines.append(line)
        is_waited_for.set()

    monkeypatch.setattr(waiting, "say", say)
    thread = threading.Thread(target=hold)
    thread.start()
    held.wait()
    with one_at_a_time("train", path):
        assert path.read_text() == "done"
    thread.join()
    assert lines == [f"train: waiting for another process that writes {path}"]


def test_who_is_alone_waits_for_nobody(tmp_path, capsys):
    with one_at_a_time("train", tmp_path / "runs" / "run"):
        assert [path.name for path in tmp_path.iterdir()] == [".runs-run.lock"]
    assert capsys.readouterr().err == ""
