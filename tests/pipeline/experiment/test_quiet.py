import logging
import os
import subprocess
import sys

import pytest

from models.legacy_keras import tf
from pipeline.experiment import quiet

CHATTER = (
    "WARNING: All log messages before absl::InitializeLog() is called are written\n"
    "I0000 00:00:1700000000.123456 port.cc:153] oneDNN custom operations are on.\n"
    "E0000 00:00:1700000000.123456 cuda.cc:467] Unable to register cuFFT factory\n"
)


@pytest.fixture
def written(capfd):
    """What is left of the bytes that a library writes to file descriptor 2."""

    def write(text):
        with quiet.without_chatter():
            os.write(2, text.encode())
        return capfd.readouterr().err

    return write


def test_known_chatter_is_dropped(written):
    assert written(CHATTER) == ""


def test_what_is_no_chatter_comes_through(written):
    assert written("first\n" + CHATTER + "Error 42\n") == "first\nError 42\n"


def test_a_failure_inside_shows_what_was_written(capfd):
    def fail():
        with quiet.without_chatter():
            os.write(2, b"a hint\n")
            raise ImportError("no such thing")

    with pytest.raises(ImportError, match="no such thing"):
        fail()
    os.write(2, b"afterwards\n")
    assert capfd.readouterr().err == "a hint\nafterwards\n"


def test_tensorflow_does_not_say_that_there_is_no_gpu():
    code = (
        "from pipeline.experiment import quiet; quiet.import_tensorflow();"
        "import tensorflow as tf; print(tf.constant(1.0).numpy())"
    )
    done = subprocess.run(
        [sys.executable, "-c", code],
        env=os.environ | {"TF_CPP_MIN_LOG_LEVEL": "2"},
        capture_output=True,
        text=True,
        check=True,
    )
    assert (done.stdout, done.stderr) == ("1.0\n", "")


@pytest.mark.parametrize(("has_driver", "looks"), [(False, 1), (True, 0)])
def test_where_a_driver_is_tensorflow_is_heard(monkeypatch, has_driver, looks):
    asked = []
    monkeypatch.setattr(tf.config, "list_physical_devices", lambda: asked.append(1))
    monkeypatch.setattr(quiet, "_has_gpu_driver", lambda: has_driver)
    quiet.look_for_gpus()
    assert len(asked) == looks


def test_beam_is_imported_without_its_word_on_a_client(tmp_path, monkeypatch, caplog):
    text = """
import logging
logging.warning("apitools not found, and client libraries are not available.")
logging.warning("something else")
"""
    (tmp_path / "apache_beam.py").write_text(text)
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.setitem(sys.modules, "apache_beam", None)  # To be as it was at the end.
    del sys.modules["apache_beam"]
    quiet.import_beam()
    logging.warning("apitools not found")  # Said by somebody else, later.
    assert caplog.messages == ["something else", "apitools not found"]


@pytest.mark.parametrize(("given", "level"), [(None, "3"), ("0", "0")])
def test_a_log_level_that_is_set_stays(monkeypatch, given, level):
    monkeypatch.delenv("TF_CPP_MIN_LOG_LEVEL", raising=False)
    if given is not None:
        monkeypatch.setenv("TF_CPP_MIN_LOG_LEVEL", given)
    quiet.quieten()
    assert os.environ["TF_CPP_MIN_LOG_LEVEL"] == level
