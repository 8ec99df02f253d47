"""A search from its start to its end, in one process or as a part of several."""

import dataclasses
import functools
import os
import pathlib
from collections.abc import Callable, Mapping

import grpc

from models.file_locks import LockedError, locked
from transforms.schema import DataError
from tuning.chief import serve_oracle, wait_for_chief
from tuning.grid import Refusal, check_values
from tuning.hparams_log import write_experiment
from tuning.oracles import make_oracle
from tuning.results import SearchResults, read_search, write_search
from tuning.training import Trainer
from tuning.tuner import SearchTuner

_TUNER_ID = "KERASTUNER_TUNER_ID"
_IP = "KERASTUNER_ORACLE_IP"
_PORT = "KERASTUNER_ORACLE_PORT"


@dataclasses.dataclass(frozen=True)
class Budget:
    """What a search may cost.

    Attributes:
        max_trials: Trials of the whole search; None for no limit.
        max_hours: Hours after which no trial is started, from the start of this
            process; None for no limit.
        max_epochs: Most epochs that Hyperband gives to a trial.
    """

    max_trials: int | None = None
    max_hours: float | None = None
    max_epochs: int = 100


@dataclasses.dataclass(frozen=True)
class Role:
    """What this process is in a search.

    Attributes:
        tuner_id: Its name among several; "" if it is alone.
        address: Host and port of the chief; "" if it is alone.
    """

    tuner_id: str = ""
    address: str = ""

    @property
    def is_chief(self) -> bool:
        """Whether it hands out trials to others."""
        return "chief" in self.tuner_id  # As KerasTuner has it.

    @property
    def is_worker(self) -> bool:
        """Whether it runs trials that a chief hands out."""
        return bool(self.tuner_id) and not self.is_chief


def role_of(environment: Mapping[str, str] = os.environ) -> Role:
    """Reads KerasTuner's three variables.

    Raises:
        DataError: If some of them are set and others not.
    """
    variables = {name: environment.get(name, "") for name in (_TUNER_ID, _IP, _PORT)}
    missing = [name for name, value in variables.items() if not value]
    if len(missing) == len(variables):
        return Role()
    if missing:
        raise DataError(
            f"a distributed search needs {_TUNER_ID}, {_IP} and {_PORT}, got no "
            f"{' and no '.join(missing)}."
        )
    if not variables[_PORT].isdigit():
        raise DataError(f"{_PORT} must be a number, got {variables[_PORT]!r}.")
    return Role(variables[_TUNER_ID], f"{variables[_IP]}:{variables[_PORT]}")


def run_search(
    search: SearchResults,
    search_dir: pathlib.Path,
    *,
    refusal: Refusal,
    trainer: Trainer,
    say: Callable[[str], None],
    budget: Budget = Budget(),
) -> SearchResults:
    """Runs the trials that are missing.

    Args:
        search: What is searched for.
        search_dir: Its folder.
        refusal: Says why the configuration refuses values.
        trainer: Trains once.
        say: Prints a line of progress.
        budget: What it may cost.

    Returns:
        The search with all trials that have ended.

    Raises:
        DataError: If values can never be tried, another process runs this search, or
            chief and worker do not find each other.
        SearchFailedError: If three trials in a row fail alike.
    """
    role = role_of()
    oracle = make_oracle(
        search,
        search_dir,
        refusal=refusal,
        max_trials=budget.max_trials,
        max_seconds=budget.max_hours and budget.max_hours * 3600.0,
        max_epochs=budget.max_epochs,
    )
    tuner = functools.partial(
        SearchTuner, oracle, search, search_dir, trainer=trainer, say=say
    )
    if role.is_worker:
        _work(tuner, role.address, say)
        return read_search(search_dir)
    try:
        with locked(search_dir / ".lock", wait=False):
            check_values(search.space, refusal)
            write_search(search_dir, search)
            write_experiment(search_dir, search)
            oracle.resume()
            if role.is_chief:
                serve_oracle(oracle, role.address, say)
            else:
                tuner().search()
    except LockedError:
        raise DataError(
            f"{search_dir} is being searched by another process: wait for it, or start "
            f"a chief and workers, with {_TUNER_ID}."
        ) from None
    return read_search(search_dir)


def _work(
    tuner: Callable[[], SearchTuner], address: str, say: Callable[[str], None]
) -> None:
    """Runs trials for a chief; if it is gone, waits for it to be started again."""
    while True:
        wait_for_chief(address)
        try:
            return tuner().search()
        except grpc.RpcError as error:
            if error.code() != grpc.StatusCode.UNAVAILABLE:
                raise
            say(f"tune: the chief at {address} is gone, waiting for it to come back")
