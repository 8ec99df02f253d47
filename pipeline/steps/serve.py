"""The step `serve`: an exported model behind TensorFlow Serving or the server in here.

`check` decides everything before anything starts; what it returns then serves.
"""

import contextlib
import pathlib
import shutil
import signal
import threading
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING

from pipeline.experiment import quiet
from pipeline.experiment.progress import say
from pipeline.experiment.version_dir import SAVED_MODEL, is_version
from pipeline.serving.server import stock_server
from pipeline.serving.server.access import TOKEN_VARIABLE
from pipeline.serving.server.options import (
    ServedModelDirectory,
    ServerError,
    ServerOptions,
)
from pipeline.serving.server.stock_server import STOCK_SERVER
from transforms.schema import DataError

if TYPE_CHECKING:
    from pipeline.serving.server.model_server import ModelServer

AUTO = "auto"
EMBEDDED = "embedded"


def resolve(
    *,
    model: pathlib.Path | None,
    models_config: pathlib.Path | None,
    model_name: str | None = None,
    server: str = AUTO,
    options: ServerOptions,
) -> Callable[[], int]:
    """Finds the models and the server.

    Args:
        model: A version, or the directory of the versions of a model.
        models_config: A `models.config` where there is no `model`, as TensorFlow
            Serving takes it.
        model_name: What clients call the model; by default the name of the directory
            that holds its versions.
        server: `EMBEDDED`, `STOCK_SERVER`, or `AUTO`: the latter if it is on the PATH.
        options: Where to listen, and the limits.

    Returns:
        What serves until SIGINT or SIGTERM. The stock server
        takes the place of this process.

    Raises:
        ServerError: If there is no model or no such server.
    """
    if models_config is not None:
        _check_config(models_config, model_name)
    directory = None if model is None else directory_of(model, model_name)
    executable = None if server == EMBEDDED else shutil.which(STOCK_SERVER)
    if executable is not None:
        stock_server.validate(options)
        return lambda: stock_server.replace_process(
            executable, directory or models_config, options
        )
    if server == STOCK_SERVER:
        raise ServerError(
            f"{STOCK_SERVER} must be on the PATH for --server {STOCK_SERVER}, "
            f"it is not: take --server {EMBEDDED}."
        )
    _check_open(options)
    return lambda: _serve_embedded(directory, models_config, options)


def directory_of(model: pathlib.Path, model_name: str | None) -> ServedModelDirectory:
    """Finds the versions of a model.

    Args:
        model: A version, or the directory of the versions.
        model_name: What clients call it; None for the name of the directory.

    Raises:
        ServerError: If there is no version.
    """
    path = model.resolve()
    if (path / SAVED_MODEL).is_file():
        if not is_version(path):
            raise ServerError(
                "--model must be a version, a directory named by a number, or hold "
                f"versions, got {str(model)!r}."
            )
        name = model_name or path.parent.name
        return ServedModelDirectory(name, path.parent, versions=(int(path.name),))
    directory = ServedModelDirectory(model_name or path.name, path)
    if not path.is_dir() or not directory.find():
        raise ServerError(
            f"--model must hold an exported model, got {str(model)!r}: "
            "run `cmml export`."
        )
    return directory


def _check_config(path: pathlib.Path, name: str | None) -> None:
    """Makes sure that `models.config` is there, and names the models itself."""
    if name is not None:
        raise ServerError(f"--model_name goes with --model, got {name!r} without.")
    if not path.is_file():
        raise ServerError(f"--models_config must be a file, got {str(path)!r}.")


def _check_open(options: ServerOptions) -> None:
    """Makes sure that nobody opens a server to the network unawares.

    Raises:
        ServerError: If it is, has no token, and this is not said to be meant.
    """
    if options.is_loopback:
        return
    if not options.token and not options.allow_unauthenticated:
        raise ServerError(
            f"--host {options.host} opens the server to the network, and nobody is "
            f"asked who they are: give --token_file or {TOKEN_VARIABLE}, or "
            "--allow_unauthenticated if a proxy or a firewall is in front."
        )
    if not options.token:
        say(f"serve: --host {options.host} is open to the network without a token.")
    if options.token and options.tls is None:
        say("serve: the token goes over the network as plain text: give --tls_key.")
    if options.allow_reload:
        say("serve: clients may exchange the models by HandleReloadConfigRequest.")


def _serve_embedded(
    directory: ServedModelDirectory | None,
    config_path: pathlib.Path | None,
    options: ServerOptions,
) -> int:
    """Serves until a signal comes; the requests in flight are answered first."""
    with quiet.without_chatter():  # They import TensorFlow.
        from pipeline.serving.server.model_config_list import read_directories
        from pipeline.serving.server.model_server import ModelServer
        from pipeline.serving.server.problem_log import write_json_lines

        quiet.look_for_gpus()
    write_json_lines()
    directories, applied = [directory] if directory else [], b""
    if config_path is not None:
        applied = config_path.read_bytes()
        directories = read_directories(config_path)
    for served in directories:
        say(f"serve: loading {served.name} from {served.base_path}")
    with _ending_by_signal() as stop, ModelServer(directories, options) as server:
        print(
            f"serve: gRPC {server.grpc_address}, REST {server.rest_url}, "
            f"page {server.rest_url}/",
            flush=True,
        )
        if config_path is None:
            stop.wait()
        else:
            _follow(config_path, applied, stop, server, options.poll_s)
        say("serve: answering what is in flight, then ending")
    return 0


@contextlib.contextmanager
def _ending_by_signal() -> Iterator[threading.Event]:
    """Yields what SIGINT and SIGTERM set; afterwards they do what they did before."""
    stop = threading.Event()
    before = {
        number: signal.signal(number, lambda *_: stop.set())
        for number in (signal.SIGINT, signal.SIGTERM)
    }
    try:
        yield stop
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def _follow(
    config_path: pathlib.Path,
    applied: bytes,
    stop: threading.Event,
    server: "ModelServer",
    poll_s: float,
) -> None:
    """Gives the server its `models.config` as it changes, until the end.

    Args:
        config_path: The file.
        applied: What it held before the server started.
        stop: Is set to end it.
        server: Runs.
        poll_s: Seconds between two looks.
    """
    from pipeline.serving.server.model_config_list import read_directories

    while not stop.wait(poll_s):
        try:
            content = config_path.read_bytes()
            if content == applied:
                continue
            applied = content  # Also if it is refused: once is enough to hear of it.
            server.reload(read_directories(config_path))
            say(f"serve: took over {config_path}")
        except (OSError, DataError) as error:
            say(f"serve: the models stay as they are: {error}")
