"""One model of a server: which of its versions are loaded, and what became of others.

All of it belongs to the event loop; only the loading itself happens in a thread.
"""

import asyncio
import concurrent.futures
import dataclasses
import functools
import logging
import pathlib
from typing import TypeAlias

import grpc
import tensorflow as tf
from tensorflow_serving.apis import get_model_status_pb2

from pipeline.experiment.version_dir import SAVED_MODEL, WARMUP
from pipeline.serving.server.metrics import ServerMetrics
from pipeline.serving.server.options import ServedModelDirectory, ServerOptions
from pipeline.serving.server.request_error import RequestError, code_of, invalid
from pipeline.serving.server.servable import Servable, load

logger = logging.getLogger(__name__)

State = get_model_status_pb2.ModelVersionStatus.State
_Stamp: TypeAlias = tuple[tuple[str, int, int], ...]


@dataclasses.dataclass
class VersionStatus:
    """What is known of a version.

    Attributes:
        state: As GetModelStatus tells it.
        servable: The loaded version while it is AVAILABLE.
        error: Why it could not be loaded.
        stamp: The files that could not be loaded, also where others of the same
            number serve on: they are tried again when they change.
    """

    state: int
    servable: Servable | None = None
    error: RequestError | None = None
    stamp: _Stamp = ()


class ModelVersions:
    """Keeps the selected versions of one model loaded.

    A version that is no longer selected, or deleted, goes only when a selected one
    has come, and only when all requests that it has taken are answered.

    Args:
        directory: Where the versions are and which are selected. May be replaced.
        loader: The thread that loads versions, one after the other.
        options: Of the server.
        metrics: Records what is loaded and unloaded.

    Attributes:
        versions: What is known of each version.
        labels: Version of each label. A label moves when its version is loaded.
    """

    def __init__(
        self,
        directory: ServedModelDirectory,
        loader: concurrent.futures.Executor,
        options: ServerOptions,
        metrics: ServerMetrics,
    ) -> None:
        self.directory = directory
        self.versions: dict[int, VersionStatus] = {}
        self.labels: dict[str, int] = {}
        self._loader = loader
        self._options = options
        self._metrics = metrics
        self._refreshing = asyncio.Lock()
        self._unloading: set[asyncio.Task[None]] = set()
        self._poller: asyncio.Task[None] | None = None

    @property
    def available(self) -> dict[int, Servable]:
        """The loaded versions."""
        return {
            number: status.servable
            for number, status in self.versions.items()
            if status.servable is not None
        }

    def resolve(self, version: int | None) -> Servable:
        """Finds a loaded version.

        Args:
            version: Its number; None for the newest.

        Raises:
            RequestError: If it is not loaded.
        """
        available = self.available
        number = max(available, default=None) if version is None else version
        if number is None or number not in available:
            raise not_found(self.directory.name, version)
        return available[number]

    def version_of(self, label: str) -> int:
        """Returns the version of a label.

        Raises:
            RequestError: If there is no such label.
        """
        if label not in self.labels:
            raise invalid(f"Unrecognized servable version label: {label}")
        return self.labels[label]

    def poll(self) -> None:
        """Looks at the disk from now on, again and again."""
        self._poller = asyncio.get_running_loop().create_task(self._poll())

    async def _poll(self) -> None:
        while True:
            await asyncio.sleep(self._options.poll_s)
            try:
                await self.refresh()
            except Exception:  # A bug, which must not end the looking.
                name = self.directory.name
                logger.exception("model %r: the versions stay as they are", name)

    async def refresh(self) -> None:
        """Loads the selected versions on the disk and drops the others."""
        async with self._refreshing:
            name = self.directory.name
            try:
                present = await asyncio.to_thread(self.directory.find)
            except OSError as error:
                logger.warning("model %r: versions stay as they are: %s", name, error)
                return
            selected = self.directory.select(present)
            for number, path in selected.items():
                await self._ensure_loaded(number, path)
            self._move_labels()
            available = self.available
            if selected.keys() & available.keys():  # Or nothing would take their place.
                for number in available.keys() - selected.keys():
                    self._unload(number)

    def _move_labels(self) -> None:
        """Sets the configured labels, but for those whose version is not loaded."""
        moved = {}
        for label, number in self.directory.labels.items():
            if number in self.available:
                moved[label] = number
            elif label in self.labels:
                moved[label] = self.labels[label]
        self.labels = moved

    async def close(self) -> None:
        """Unloads all versions."""
        if self._poller is not None:
            self._poller.cancel()
        async with self._refreshing:
            for number in self.available:
                self._unload(number)
        if self._unloading:
            await asyncio.wait(self._unloading)

    async def _ensure_loaded(self, number: int, path: pathlib.Path) -> None:
        status = self.versions.get(number)
        if status and status.servable and status.servable.directory == path:
            return
        try:
            stamp = await asyncio.to_thread(_stamp, path)
        except OSError as error:  # It is being deleted, or cannot be read.
            logger.warning("%s is left for the next look: %s", path, error)
            return
        if status and status.stamp and status.stamp == stamp:
            return
        replaced = status.servable if status else None
        if replaced is None:
            self.versions[number] = VersionStatus(State.LOADING)
        name, deadline_s = self.directory.name, self._options.deadline_s
        load_version = functools.partial(load, gently=bool(self.available))
        loading = self._loader.submit(load_version, name, number, path, deadline_s)
        try:
            servable = await asyncio.wrap_future(loading)
        except asyncio.CancelledError:  # Nobody waits for it any longer.
            loading.add_done_callback(_close_loaded)
            raise
        except Exception as error:  # A broken version may raise anything.
            logger.error("model %r: cannot load %s: %s", name, path, error)
            self._metrics.on_load_failed(name)
            if replaced is None:
                self.versions[number] = VersionStatus(
                    State.END, error=_load_error(path, error), stamp=stamp
                )
            else:
                self.versions[number].stamp = stamp  # The replaced one serves on.
            return
        self.versions[number] = VersionStatus(State.AVAILABLE, servable)
        self._metrics.on_loaded(name, number)
        logger.info("model %r: version %d is available", name, number)
        if replaced is not None:
            self._retire(replaced, VersionStatus(State.END))

    def _unload(self, number: int) -> None:
        """Takes a version out of use; it is freed when nobody uses it any more."""
        servable = self.versions[number].servable
        status = self.versions[number] = VersionStatus(State.UNLOADING)
        self._metrics.on_unloaded(self.directory.name, number)
        if servable is not None:
            self._retire(servable, status)

    def _retire(self, servable: Servable, status: VersionStatus) -> None:
        async def free() -> None:
            await servable.until_unused()
            await asyncio.to_thread(servable.close)
            status.state = State.END
            logger.info("%s is unloaded", servable.directory)

        task = asyncio.get_running_loop().create_task(free())
        self._unloading.add(task)
        task.add_done_callback(self._unloading.discard)


def not_found(model_name: str, version: int | None) -> RequestError:
    """Makes the error of a model or version that is not loaded."""
    spec = f"Latest({model_name})"
    if version is not None:
        spec = f"Specific({model_name}, {version})"
    return RequestError(
        grpc.StatusCode.NOT_FOUND, f"Servable not found for request: {spec}"
    )


def _close_loaded(loading: concurrent.futures.Future[Servable]) -> None:
    if not loading.cancelled() and loading.exception() is None:
        loading.result().close()


def _load_error(path: pathlib.Path, error: Exception) -> RequestError:
    is_known = isinstance(error, tf.errors.OpError)
    code = code_of(error) if is_known else grpc.StatusCode.UNKNOWN
    return RequestError(code, f"cannot load {path}: {error}")


def _stamp(path: pathlib.Path) -> _Stamp:
    """Returns path, size and time of the files that decide whether a version loads."""
    variables = sorted((path / "variables").glob("*"))
    files = [path / SAVED_MODEL, *variables, path / WARMUP]
    stats = ((str(file), file.stat()) for file in files if file.exists())
    return tuple((name, stat.st_size, stat.st_mtime_ns) for name, stat in stats)
