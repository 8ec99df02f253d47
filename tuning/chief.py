"""The chief of a distributed search: hands out trials to workers over gRPC.

The protocol is KerasTuner's. A worker that works shows it by its calls, and by calling
`GetTrial` again and again during a trial; one that does not has died.
"""

import time
from collections.abc import Callable
from concurrent import futures
from typing import Any

import grpc

from transforms.schema import DataError
from tuning.keras_tuner_parts import HyperParameters, OracleServicer, Trial, protos
from tuning.key_values import SEARCH_NAME
from tuning.search_oracle import SearchOracle

_LOOK_EVERY_S = 0.5
_TRY_S = 1.0
_PATIENCE_S = 3600.0  # To wait for a chief, or for a worker to come.
_FRESH = [("grpc.use_local_subchannel_pool", 1)]


class ChiefServicer(OracleServicer):
    """Answers workers, and remembers when each was last heard of.

    Args:
        oracle: Hands out trials.
        silence_s: Seconds after which a worker that is not heard of counts as dead.
        say: Prints a line of progress.
    """

    def __init__(
        self, oracle: SearchOracle, *, silence_s: float, say: Callable[[str], None]
    ) -> None:
        super().__init__(oracle)
        self._search_name = oracle.search_name
        self._silence_s = silence_s
        self._say = say
        self._heard: dict[str, float] = {}
        self.last_heard = time.monotonic()

    def CreateTrial(self, request: Any, context: Any) -> Any:  # noqa: N802
        """Hands out a trial."""
        self._hear(request.tuner_id)
        trial = self.oracle.create_trial(request.tuner_id)
        response = protos.get_service().CreateTrialResponse
        return response(trial=self._to_proto(trial))

    def GetTrial(self, request: Any, context: Any) -> Any:  # noqa: N802
        """Returns a trial, and takes it that whoever has it is alive."""
        for tuner_id, trial in list(self.oracle.ongoing_trials.items()):
            if trial.trial_id == request.trial_id:
                self._hear(tuner_id)
        trial = self.oracle.get_trial(request.trial_id)
        return protos.get_service().GetTrialResponse(trial=self._to_proto(trial))

    def UpdateTrial(self, request: Any, context: Any) -> Any:  # noqa: N802
        """Takes the metrics of a trial."""
        trial = self.oracle.update_trial(
            request.trial_id, request.metrics, step=request.step
        )
        response = protos.get_service().UpdateTrialResponse
        return response(trial=self._to_proto(trial))

    def give_back_from_dead(self) -> None:
        """Puts the trials of dead workers up for others."""
        now = time.monotonic()
        busy = list(self.oracle.ongoing_trials)
        for tuner_id in {*busy, *self.oracle.tuner_ids}:
            if now - self._heard.get(tuner_id, now) > self._silence_s:
                trial_id = self.oracle.give_back(tuner_id)
                lost = f", its trial {trial_id} is free" if trial_id else ""
                self._say(f"tune: worker {tuner_id!r} is silent{lost}")

    def is_over(self) -> bool:
        """Whether all trials have ended and all workers that live know it."""
        return self.oracle.is_finished() and not self.oracle.tuner_ids

    def _hear(self, tuner_id: str) -> None:
        if tuner_id not in self._heard:
            self._say(f"tune: worker {tuner_id!r} has come")
        self._heard[tuner_id] = self.last_heard = time.monotonic()

    def _to_proto(self, trial: Trial) -> Any:
        """Writes a trial with the name of the search, and without the space."""
        bare = HyperParameters()
        bare.values = {**trial.hyperparameters.values, SEARCH_NAME: self._search_name}
        return Trial(bare, trial.trial_id, trial.status).to_proto()


def serve_oracle(
    oracle: SearchOracle,
    address: str,
    say: Callable[[str], None],
    *,
    silence_s: float = 60.0,
) -> None:
    """Hands out trials to workers until the search has ended.

    Args:
        oracle: Hands out trials.
        address: Host and port to listen at.
        say: Prints a line of progress.
        silence_s: Seconds after which a worker that is not heard of counts as dead.

    Raises:
        DataError: If the port is taken, or no worker comes.
    """
    # One port, one chief; one call at a time, which is what the oracle is made for.
    options = [("grpc.so_reuseport", 0)]
    server = grpc.server(futures.ThreadPoolExecutor(1), options=options)
    servicer = ChiefServicer(oracle, silence_s=silence_s, say=say)
    protos.get_service_grpc().add_OracleServicer_to_server(servicer, server)
    try:
        server.add_insecure_port(address)
    except RuntimeError as error:
        raise DataError(
            f"the chief cannot listen at {address}: {error}. Is the port taken? See "
            "KERASTUNER_ORACLE_IP and KERASTUNER_ORACLE_PORT."
        ) from None
    server.start()
    say(f"tune: chief, listening at {address} for workers")
    try:
        while not servicer.is_over():
            time.sleep(_LOOK_EVERY_S)
            servicer.give_back_from_dead()
            if time.monotonic() - servicer.last_heard > _PATIENCE_S:
                raise DataError(
                    f"no worker was heard of for {_PATIENCE_S:.0f} s: start workers "
                    "and the chief again, the search goes on where it was."
                )
    finally:
        server.stop(grace=1.0).wait()


def wait_for_chief(address: str, *, patience_s: float = _PATIENCE_S) -> None:
    """Waits until a chief listens.

    Raises:
        DataError: If none does in that time.
    """
    end = time.monotonic() + patience_s
    while (left_s := end - time.monotonic()) > 0.0:
        # A channel that was refused once may never try again by itself.
        with grpc.insecure_channel(address, _FRESH) as channel:
            try:
                grpc.channel_ready_future(channel).result(min(_TRY_S, left_s))
                return
            except grpc.FutureTimeoutError:
                continue
    raise DataError(
        f"no chief listens at {address}, for {patience_s:.0f} s: start one with "
        "KERASTUNER_TUNER_ID=chief."
    )
