"""A server on this machine that has loaded one version, for as long as it is needed."""

import contextlib
import pathlib
from collections.abc import Callable, Iterator
from typing import Protocol, TypeAlias

from pipeline.serving.server.model_server import (
    ModelServer,
    ServedModelDirectory,
    ServerOptions,
)


class Addresses(Protocol):
    """Where a running server listens."""

    @property
    def grpc_address(self) -> str:
        """Host and port."""
        ...

    @property
    def rest_url(self) -> str:
        """Scheme, host and port."""
        ...


# Takes the name of the model and the directory of the version.
OpenServer: TypeAlias = Callable[
    [str, pathlib.Path], contextlib.AbstractContextManager[Addresses]
]


@contextlib.contextmanager
def open_server(model_name: str, version_dir: pathlib.Path) -> Iterator[Addresses]:
    """Runs the embedded server on free ports of the loopback interface.

    Yields:
        Where it listens, once the version is available.

    Raises:
        ServerError: A `DataError`, if the version cannot be loaded.
    """
    model = ServedModelDirectory(
        name=model_name,
        base_path=version_dir.parent,
        versions=(int(version_dir.name),),
    )
    with ModelServer([model], ServerOptions(grpc_port=0, rest_port=0)) as server:
        yield server
