"""Kills of a server: while it starts, and while it answers."""

import functools
import pathlib
import random
import re
import time
import urllib.request

from benchmarks.faults import tree
from benchmarks.faults.forked import Forked, Moment, fork
from benchmarks.faults.kills import fresh

NEEDS = ("prepare", "pretrain", "train", "export")

_READY = re.compile(r"REST (http://\S+?),")
_REQUESTS = "assets.extra/request_examples"
_TOO_LONG_S = 120.0
_ANSWERING_S = 0.5


def kill(
    before: pathlib.Path, home: pathlib.Path, chance: random.Random, num_kills: int
) -> dict[str, object]:
    """Kills a server so many times; each time it has to start again and answer alike.

    Every other kill comes while it starts, the others while it answers.
    """
    work = fresh(before, home)
    (version,) = work.glob("runs/*/*/export/*/[0-9]*")
    body = (version / _REQUESTS / "rank.json").read_bytes()
    was, faults = tree.state(work), []
    server, url = _started(version, work)
    expected, ready = _answer(url, body), server.cpu_s()
    starting = answering = 0
    server.end()
    for number in range(num_kills):
        if number % 2:
            moment = Moment(cpu_s=chance.uniform(0.0, ready))
            server = _start(version, work)
            starting += server.wait(moment).status == -9
            continue
        server, url = _started(version, work)
        until = time.monotonic() + chance.uniform(0.0, _ANSWERING_S)
        while time.monotonic() < until:
            if _answer(url, body) != expected:
                faults.append(f"after {number} kills it answers otherwise")
        answering += server.end().status == -9
    server, url = _started(version, work)
    if _answer(url, body) != expected:
        faults.append("in the end it answers otherwise")
    server.end()
    if tree.state(work) != was:
        faults.append("it has written to the folder of its model")
    return {
        "kills": starting + answering,
        "starting": starting,
        "answering": answering,
        "faults": faults,
    }


def _start(version: pathlib.Path, work: pathlib.Path) -> Forked:
    from pipeline.cli import main

    work.with_name("log").unlink(missing_ok=True)
    flags = ("--port", "0", "--rest_port", "0", "--server", "embedded")
    return fork(
        functools.partial(main, ["serve", "--model", str(version), *flags]), work
    )


def _started(version: pathlib.Path, work: pathlib.Path) -> tuple[Forked, str]:
    """Starts a server, and returns it and its address when it answers.

    Raises:
        RuntimeError: If it does not.
    """
    server, log = _start(version, work), work.with_name("log")
    give_up = time.monotonic() + _TOO_LONG_S
    while time.monotonic() < give_up:
        if log.exists() and (ready := _READY.search(log.read_text(errors="replace"))):
            return server, ready[1]
        time.sleep(0.02)
    server.end()
    raise RuntimeError(f"the server does not start: see {log}")


def _answer(url: str, body: bytes) -> bytes:
    request = urllib.request.Request(f"{url}/v1/models/cmml:predict", data=body)
    with urllib.request.urlopen(request, timeout=_TOO_LONG_S) as response:
        return bytes(response.read())
