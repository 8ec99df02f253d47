import argparse
import json
import pathlib
import shutil
import signal
import subprocess
import sys
import urllib.request

from pipeline.commands.serve import _ALLOWED, _OPTION_OF_FLAG, _SERVER_FLAGS, COMMAND
from pipeline.export import export_of_config
from pipeline.serving.server.options import ServerOptions
from pipeline.steps import serve


def test_the_flags_of_serve_are_the_options_of_a_server():
    known = set(ServerOptions.__dataclass_fields__)
    flags = {_OPTION_OF_FLAG.get(name, name) for name in _SERVER_FLAGS}
    flags |= {*_ALLOWED, "token", "tls"}
    assert flags <= known
    assert known - flags == {"poll_s", "drain_s"}


def test_what_opens_a_server_is_taken_from_the_flags(tmp_path, monkeypatch):
    given = {}
    monkeypatch.setattr(serve, "resolve", lambda **named: given.update(named))
    token = tmp_path / "token"
    token.write_text("0123456789abcdef")
    parser = argparse.ArgumentParser()
    COMMAND.add_arguments(parser)
    flags = ["--host", "0.0.0.0", "--token_file", str(token), "--allow_reload"]
    COMMAND.resolve(parser.parse_args(["--model", str(tmp_path), *flags]))
    options = given["options"]
    assert (options.host, options.token.secret) == ("0.0.0.0", "0123456789abcdef")
    assert (options.allow_reload, options.allow_unauthenticated) == (True, False)


def test_serve_follows_newer_versions_unless_there_is_a_newer_one_of_other_keys(
    experiment, tmp_path, monkeypatch
):
    given = {}
    monkeypatch.setattr(serve, "resolve", lambda **named: given.update(named))
    mine = tmp_path / "cmml" / "7"
    monkeypatch.setattr(export_of_config, "export_of_config", lambda config: mine)
    parser = argparse.ArgumentParser()
    COMMAND.add_arguments(parser)
    arguments = parser.parse_args(["--config", str(experiment.config_path)])
    served = {"7": mine.parent, "8": mine}
    for version, expected in served.items():
        (mine.parent / version).mkdir(parents=True)
        (mine.parent / version / "saved_model.pb").touch()
        COMMAND.resolve(arguments)
        assert given["model"] == expected


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
