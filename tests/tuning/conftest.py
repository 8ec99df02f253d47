"""Searches in processes that can be killed, beside a test."""

import json
import os
import pathlib
import subprocess
import sys

import pytest

ROOT = pathlib.Path(__file__).parents[2]


class ForkedSearches:
    """Starts, waits for and kills searches; each is a fork of one process."""

    def __init__(self, process):
        self._process = process
        self.answer()

    def answer(self):
        line = self._process.stdout.readline()
        assert line, "the process that forks has ended"
        return json.loads(line)

    def ask(self, verb, argument):
        self._process.stdin.write(json.dumps({verb: argument}) + "\n")
        self._process.stdin.flush()
        return self.answer()

    def start(self, folder, space, **command):
        """Begins a search; returns its process id."""
        return self.ask("start", {"folder": str(folder), "space": space, **command})

    def wait(self, pid):
        """Waits for a search; returns its exit status, or minus the signal."""
        return self.ask("wait", pid)

    def kill(self, pid):
        """Kills a search."""
        self.ask("kill", pid)

    def run(self, folder, space, **command):
        """Runs a search to its end; returns its exit status, or minus the signal."""
        return self.wait(self.start(folder, space, **command))


@pytest.fixture(scope="session")
def searches():
    """Searches with a training that is a sum, in processes of their own."""
    paths = os.pathsep.join([str(ROOT), os.environ.get("PYTHONPATH", "")])
    with subprocess.Popen(
        [sys.executable, pathlib.Path(__file__).with_name("forked_searches.py")],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        env={**os.environ, "PYTHONPATH": paths},
    ) as process:
        yield ForkedSearches(process)
        process.stdin.close()


@pytest.fixture
def trainings():
    """Reads the trainings of a search: (trial, seed, "begun" or "repeated")."""

    def read(folder):
        text = folder.with_name(f"{folder.name}.jsonl").read_text(encoding="utf-8")
        return [tuple(json.loads(line)) for line in text.splitlines()]

    return read
