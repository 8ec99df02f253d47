"""Files of the prepared data set, written whole or not at all.

Every worker and the driver must see the same file system at the same path, or the same
bucket.
"""

import contextlib
import dataclasses
import pathlib
import uuid
from collections.abc import Iterable, Iterator
from typing import BinaryIO

from transforms import schema
from transforms.paths import files_below, path_of, remove
from transforms.prepared_files import PreparedFile, look_at

# Where workers leave results for the driver, and files until they are whole.
STAGE_DIR = ".stage"
SCHEMA_PBTXT = "schema.pbtxt"
STATISTICS_PBTXT = "statistics.pbtxt"
ANOMALIES_PBTXT = "anomalies.pbtxt"

# `_SUCCESS` comes first: without it nobody takes the rest for a data set.
_OURS = (
    schema.SUCCESS,
    schema.DATASET_JSON,
    SCHEMA_PBTXT,
    STATISTICS_PBTXT,
    ANOMALIES_PBTXT,
    schema.VOCABULARY_DIR,
    schema.ENTITIES_DIR,
    schema.EPISODES_DIR,
    schema.NAMES_DIR,
    STAGE_DIR,
    schema.REJECTED_DIR,
)


# What nothing is trained from.
_NOT_DATA = (schema.SUCCESS, schema.DATASET_JSON, STAGE_DIR, schema.REJECTED_DIR)


@dataclasses.dataclass(frozen=True)
class OutputFiles:
    """The directory of a prepared data set. Names are relative to it.

    Attributes:
        root: The directory.
        directories: What lies in it beside what all data sets have.
    """

    root: str
    directories: tuple[str, ...] = ()

    @property
    def _ours(self) -> tuple[str, ...]:
        return (*_OURS, *self.directories)

    def path(self, name: str) -> pathlib.Path:
        """Returns the path of a file."""
        return path_of(self.root) / name

    def clear(self) -> None:
        """Makes the directory, without what an earlier run left in it.

        Raises:
            DataError: If it holds anything that is not of a prepared data set.
        """
        root = path_of(self.root)
        root.mkdir(parents=True, exist_ok=True)
        foreign = sorted({path.name for path in root.iterdir()} - {*self._ours})
        if foreign:
            raise schema.DataError(
                f"the output directory must be empty or hold a prepared data set, but "
                f"{self.root!r} has {foreign[0]!r}: choose another one."
            )
        self.remove(*self._ours)

    def finish(self) -> None:
        """Removes the stage folder, then says that the data set is whole."""
        self.remove(STAGE_DIR)
        self.path(schema.SUCCESS).touch()

    def keep_only_rejected(self) -> None:
        """Removes everything but the refused rows, the directory if there are none."""
        self.remove(*(name for name in self._ours if name != schema.REJECTED_DIR))
        if not self.names(schema.REJECTED_DIR):
            remove(path_of(self.root))

    def remove(self, *names: str) -> None:
        """Removes files and directories, if they are there."""
        for path in map(self.path, names):
            remove(path)

    def make_dir(self, name: str) -> None:
        """Makes a directory."""
        self.path(name).mkdir(parents=True, exist_ok=True)

    def write(self, name: str, data: bytes | Iterable[bytes]) -> None:
        """Writes a file whole; see `writing`.

        Args:
            name: The file.
            data: Its content, or the parts of it, of which one at a time is held.

        Raises:
            OSError: As of `writing`.
        """
        with self.writing(name) as file:
            file.writelines((data,) if isinstance(data, bytes) else data)

    @contextlib.contextmanager
    def writing(self, name: str) -> Iterator[BinaryIO]:
        """Opens a file under a temporary name, and renames it in the end.

        Two workers that are given the same work thus leave one whole file.

        Raises:
            OSError: If it cannot be written; it names a path.
        """
        path = self.path(name)
        path.parent.mkdir(parents=True, exist_ok=True)
        temporary = self.path(f"{STAGE_DIR}/{uuid.uuid4().hex}.tmp")
        temporary.parent.mkdir(parents=True, exist_ok=True)
        try:
            with temporary.open("wb") as file:
                yield file
            temporary.replace(path)
        except OSError as error:
            error.filename = error.filename or str(path)
            raise

    def open(self, name: str) -> BinaryIO:
        """Opens a file to be read."""
        return self.path(name).open("rb")

    def written(self) -> dict[str, PreparedFile]:
        """Returns what each file of the data set holds, but the refused rows."""
        kept = {name for name in self._ours if name not in _NOT_DATA}
        return {
            name: look_at(path)
            for name, path in files_below(path_of(self.root)).items()
            if name.partition("/")[0] in kept
        }

    def names(self, directory: str) -> list[str]:
        """Returns the names of the files in a directory, sorted; none if absent."""
        folder = self.path(directory)
        if not folder.is_dir():
            return []
        return sorted(f"{directory}/{path.name}" for path in folder.iterdir())

    def read(self, name: str) -> bytes:
        """Returns the content of a file."""
        return self.path(name).read_bytes()

    def lines(self, name: str) -> list[str]:
        """Returns the lines of a text file."""
        return self.read(name).decode().splitlines()

    def move(self, name: str, new_name: str) -> None:
        """Renames a file."""
        self.path(name).replace(self.path(new_name))
