"""The steps that are killed: their commands, and what looks complete of each."""

import contextlib
import dataclasses
import json
import os
import pathlib
import time
import types
from collections.abc import Callable, Mapping
from typing import Any
from unittest import mock

from benchmarks.faults.made_up import BASE_DIR, CONFIG, GRID, SPACE

_CLOCK = types.SimpleNamespace(time=lambda: 1_700_000_000)
_TRAINING_S = 0.05


@dataclasses.dataclass(frozen=True)
class Step:
    """A step.

    Attributes:
        arguments: Of the command line.
        needs: Steps that come before it.
        looks_complete: Globs of files and folders that are there whole or not at all.
        loose: Ends of names of files that hold numbers of starts, times or sizes.
        spared: What replaces what takes long and writes nothing, while it runs.
    """

    arguments: tuple[str, ...]
    needs: tuple[str, ...] = ()
    looks_complete: tuple[str, ...] = ()
    spared: Callable[[], Mapping[str, Any]] = dict
    loose: tuple[str, ...] = ()

    def run(self) -> int:
        """Runs the command in this process; returns its exit status."""
        from pipeline.cli import main

        os.environ["CMML_DATA_DIR"] = "raw"
        with contextlib.ExitStack() as stack:
            for target, value in self.spared().items():
                stack.enter_context(mock.patch(target, value))
            return main(list(self.arguments))


def _still_clock() -> Mapping[str, Any]:
    """Versions are numbered by the time, and hold their number."""
    return {"pipeline.export.published_version.time": _CLOCK}


def _judged() -> Mapping[str, Any]:
    """The gate takes long and writes no more than its verdict."""
    from pipeline.judging.rule import Rule
    from pipeline.serving.gate.blessing import Blessing

    rules = [Rule("as it is", True, None, None, "")]

    def infra(version_dir: pathlib.Path) -> Blessing:
        return Blessing(rules, version_dir)

    def model(
        config: object, dataset: object, options: object, infra: Blessing, *_: Any
    ) -> Blessing:
        return Blessing(rules, infra.current_model)

    return {
        "pipeline.steps.push.infra_blessing": infra,
        "pipeline.steps.push.model_blessing": model,
    }


def _made_up_trainings() -> Mapping[str, Any]:
    """A training is a pause: those of a search are killed as the step `train` is."""
    from models.whole_files import write_atomically
    from tuning.trial_result import Training

    class Trainer:
        def __init__(self, *_: object) -> None:
            pass

        def __call__(
            self, values: Mapping[str, Any], seed: int, folder: pathlib.Path
        ) -> Training:
            done = folder / f"seed-{seed}" / "done.json"
            if not done.exists():
                with pathlib.Path("trainings").open("a") as file:
                    is_again = (folder / "result.json").exists()
                    file.write("repeated\n" if is_again else "")
                time.sleep(_TRAINING_S)
                write_atomically(done, json.dumps(values["model.dropout"]))
            return Training(json.loads(done.read_text()), 1, 10)

    return {"pipeline.steps.tune.StepTrainer": Trainer}


def _short_timings() -> Mapping[str, Any]:
    """What a method costs is measured here, and not in a process that imports anew."""
    return {
        "pipeline.judging.cost._MIN_SECONDS": 0.05,
        "pipeline.steps.compare.in_own_process": lambda measure, *values: measure(
            *values
        ),
    }


_CONFIG = ("--config", CONFIG)
_FITTED = ("prepare", "pretrain")
_DATASET = "prepared/*/*"
_CARD = ("assets.extra/README.md",)
_VERSION = "runs/*/*/export/*/[0-9]*"
_RUN_RECORD = "runs/**/lineage.json"

STEPS = {
    "prepare": Step(("prepare", *_CONFIG), (), (f"{_DATASET}/_SUCCESS",)),
    "pretrain": Step(
        ("pretrain", *_CONFIG), ("prepare",), (f"{_DATASET}/vectors/*/_SUCCESS",)
    ),
    "train": Step(("train", *_CONFIG), _FITTED, (_RUN_RECORD,)),
    "evaluate": Step(("evaluate", *_CONFIG), (*_FITTED, "train"), (_RUN_RECORD,)),
    "export": Step(
        ("export", *_CONFIG), (*_FITTED, "train"), (_VERSION,), _still_clock, _CARD
    ),
    "push": Step(
        ("push", *_CONFIG, "--to", BASE_DIR),
        (*_FITTED, "train", "export"),
        (f"{BASE_DIR}/*/[0-9]*",),
        _judged,
    ),
    "tune": Step(
        ("tune", *_CONFIG, "--space", SPACE),
        _FITTED,
        ("runs/*/tuning/*/trials/*/result.json",),
        _made_up_trainings,
        ("oracle/oracle.json",),
    ),
    "compare": Step(
        ("compare", *_CONFIG, "--methods", "dcn", "--seeds", "1"),
        _FITTED,
        (_RUN_RECORD,),
        _short_timings,
    ),
    "ablate": Step(
        ("ablate", *_CONFIG, "--grid", GRID, "--seeds", "0"), _FITTED, (_RUN_RECORD,)
    ),
}
