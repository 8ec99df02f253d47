import json
import pathlib
import shutil
import signal
import subprocess
import sys
import urllib.request

import pytest
from pipeline.commands.serving_steps import _OPTION_OF_FLAG, _SERVER_FLAGS

from pipeline import cli
from pipeline.serving.server.options import ServerOptions

ENTRY_POINT = "from pipeline.cli import entry_point; entry_point()"


def run(capsys, *arguments):
    """Exit status and error output of a command."""
    return cli.main([str(argument) for argument in arguments]), capsys.readouterr().err


def test_the_flags_of_serve_are_the_options_of_a_server():
    known = set(ServerOptions.__dataclass_fields__)
    flags = {_OPTION_OF_FLAG.get(name, name) for name in _SERVER_FLAGS}
    assert flags <= known
    assert known - flags == {"poll_s", "drain_s", "allow_labels_of_missing_versions"}


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["serve", "--model", "nowhere"], "--model must hold an exported model"),
        (["serve", "--model", ".", "--set", "a=1"], "--set goes with --config"),
        (["serve", "--model", ".", "--num_workers", "0"], "num_workers must be at lea"),
        (["validate", "--model", "nowhere"], "nowhere holds no exported model"),
        (["rollback", "--to", "nowhere"], "--to must be a base that has been pushed"),
        (["rollback", "--to", ".", "--label", "old"], "--label must be one of"),
        (["rollback", "--to", ".", "--server", "8500"], "--server must be host:port"),
        (["bench", "--model", "nowhere"], "nowhere holds no"),
        (["bench", "--model", ".", "--support", "a"], "--support"),
        (["bench", "--model", ".", "--typo"], "unknown arguments: --typo"),
    ],
)
def test_what_cannot_be_is_said_in_one_line(
    capsys, monkeypatch, tmp_path, arguments, message
):
    monkeypatch.chdir(tmp_path)
    status, error = run(capsys, *arguments)
    assert status == 2
    assert message in error
    assert error.startswith(f"cmml {arguments[0]}: ")
    assert error.count("\n") == 1


def test_push_keeps_at_least_one_version(capsys, experiment):
    status, error = run(
        *(capsys, "push", "--config", experiment.config_path),
        *("--to", "models", "--keep", "0"),
    )
    assert status == 2
    assert "--keep must be at least 1, got 0" in error


def test_serve_answers_the_request_examples_and_ends_with_0(experiment):
    process = subprocess.Popen(
        [
            *(
                sys.executable,
                "-c",
                "from pipeline.cli import entry_point as run; run()",
            ),
            *("serve", "--server", "embedded", "--config", experiment.config_path),
            *("--port", "0", "--rest_port", "0"),
        ],
        stdout=subprocess.PIPE,
        text=True,
    )
    try:
        line = process.stdout.readline()
        address = line.partition("REST ")[2].partition(",")[0]
        examples = pathlib.Path(experiment.exported, "assets.extra/request_examples")
        scripts = {"ask.py": "recommend"}
        if shutil.which("curl"):
            scripts["ask.sh"] = "rank"
        for script, signature in scripts.items():
            program = "sh" if script.endswith("sh") else sys.executable
            done = subprocess.run(
                [program, examples / script, signature, address.partition("//")[2]],
                capture_output=True,
                text=True,
                check=True,
            )
            assert json.loads(done.stdout)["predictions"]
        with urllib.request.urlopen(f"{address}/") as page:
            assert b"<title>" in page.read()
    finally:
        process.send_signal(signal.SIGTERM)
        assert process.wait(timeout=30) == 0
