"""What a bench came to, as JSON and as tables."""

import dataclasses
import json
import pathlib
from collections.abc import Sequence
from typing import Any

from models.whole_files import finite
from pipeline.reports.page.result_table import layout
from pipeline.serving.bench.fuzz import Fuzz
from pipeline.serving.bench.grid import Cell, size
from pipeline.serving.bench.load import Summary
from pipeline.serving.bench.reload import Reload
from pipeline.serving.bench.soak import FLAT_MB_PER_MINUTE, Soak
from transforms.plural import counted, plural

BENCH_JSON = "bench.json"
BENCH_MD = "bench.md"


@dataclasses.dataclass(frozen=True)
class Measured:
    """One combination over one transport."""

    transport: str
    cell: Cell
    calls: Summary


@dataclasses.dataclass(frozen=True)
class Bench:
    """All that was measured; what was not requested is empty.

    Attributes:
        about: Model, version, machine and libraries, by name.
        grid: Latency and throughput.
        missing: Signatures that the export does not have.
        soak: The long load.
        reload: The new version under load.
        fuzz: The malformed requests.
    """

    about: dict[str, Any]
    grid: list[Measured] = dataclasses.field(default_factory=list)
    missing: list[str] = dataclasses.field(default_factory=list)
    soak: Soak | None = None
    reload: Reload | None = None
    fuzz: Fuzz | None = None

    @property
    def is_sound(self) -> bool:
        """Whether nothing failed that must not: no error, flat memory, no harm."""
        no_errors = all(row.calls.errors == 0 for row in self.grid)
        held = self.soak is None or (
            self.soak.errors == 0 and self.soak.is_flat is not False
        )
        swapped = self.reload is None or (
            self.reload.errors == 0 and self.reload.answers_agree
        )
        unharmed = self.fuzz is None or self.fuzz.is_unharmed
        return no_errors and held and swapped and unharmed


def write(bench: Bench, directory: pathlib.Path) -> str:
    """Writes `bench.json` and `bench.md`, and returns the text of the latter."""
    directory.mkdir(parents=True, exist_ok=True)
    values = {key: value for key, value in dataclasses.asdict(bench).items() if value}
    as_json = json.dumps(finite(values), indent=1, allow_nan=False) + "\n"
    (directory / BENCH_JSON).write_text(as_json, encoding="utf-8")
    text = markdown(bench)
    (directory / BENCH_MD).write_text(text, encoding="utf-8")
    return text


def markdown(bench: Bench) -> str:
    """Lays out all that was measured."""
    about = "\n".join(f"- {name}: {value}" for name, value in bench.about.items())
    parts = ["# Bench", about]
    if bench.grid:
        parts.append("## Latency and throughput\n\n" + _grid_table(bench.grid))
    if bench.missing:
        parts.append(f"Not in this export: {', '.join(bench.missing)}.")
    if bench.soak:
        parts.append("## Soak\n\n" + _soak_text(bench.soak))
    if bench.reload:
        parts.append("## Reload under load\n\n" + _reload_text(bench.reload))
    if bench.fuzz:
        parts.append("## Malformed requests\n\n" + _fuzz_text(bench.fuzz))
    return "\n\n".join(parts) + "\n"


def _grid_table(grid: Sequence[Measured]) -> str:
    header = [
        *("transport", "signature", "support", "candidates", "at once"),
        *("p50 ms", "p90 ms", "p99 ms", "requests/s", "errors"),
    ]
    rows = [
        [
            row.transport,
            row.cell.signature,
            size(row.cell.support),
            size(row.cell.candidates),
            str(row.cell.concurrency),
            *_figures(row.calls.p50_ms, row.calls.p90_ms, row.calls.p99_ms),
            f"{row.calls.per_second:.0f}",
            str(row.calls.errors),
        ]
        for row in grid
    ]
    return layout(header, rows)


def _soak_text(soak: Soak) -> str:
    header = ["minute", "requests", "errors", "p50 ms", "p99 ms", "memory MB"]
    rows = [
        [
            str(minute.number),
            str(minute.calls.requests),
            str(minute.calls.errors),
            *_figures(minute.calls.p50_ms, minute.calls.p99_ms),
            f"{minute.memory_mb:.1f}",
        ]
        for minute in soak.minutes
    ]
    word = {None: "too short to tell", True: "flat", False: "growing"}[soak.is_flat]
    return (
        f"{counted(soak.requests, 'request')} of `rank` at {soak.per_second:.0f} a "
        f"second, {counted(soak.errors, 'error')}. Memory of the server: {word}, "
        f"{soak.slope_mb_per_minute:+.2f} MB a minute (flat is below "
        f"{FLAT_MB_PER_MINUTE:g}).\n\n{layout(header, rows)}"
    )


def _reload_text(reload: Reload) -> str:
    header = ["phase", "requests", "errors", "p50 ms", "p99 ms"]
    rows = [
        [
            phase.name,
            str(phase.requests),
            str(phase.errors),
            *_figures(phase.p50_ms, phase.p99_ms),
        ]
        for phase in reload.phases
    ]
    answers = "the same" if reload.answers_agree else "OTHER"
    return (
        f"Requests of `rank` at {reload.per_second:.0f} a second; the copy served "
        f"after {reload.took_s:.1f} s and gave {answers} scores.\n\n"
        f"{layout(header, rows)}"
    )


def _fuzz_text(fuzz: Fuzz) -> str:
    header = ["transport", "what was wrong", "answer", "times"]
    rows = [[a.transport, a.kind, a.code, str(a.count)] for a in fuzz.answers]
    state = "alive and correct" if fuzz.is_unharmed else "HARMED"
    memory = ""
    if fuzz.memory_mb:
        values = [fuzz.memory_mb[0], max(fuzz.memory_mb), fuzz.memory_mb[-1]]
        memory = " Memory in MB: {:.0f} at first, {:.0f} at most, {:.0f} at last."
        memory = memory.format(*values)
    return (
        f"{counted(fuzz.requests, 'request')}; the server is {state}: "
        f"{fuzz.wrong_answers} of {counted(fuzz.good_requests, 'good request')} in "
        f"between {plural(fuzz.wrong_answers, 'was', 'were')} answered otherwise than "
        f"at first.{memory}\n\n{layout(header, rows)}"
    )


def _figures(*values: float) -> list[str]:
    return [f"{value:.2f}" for value in values]
