"""The base directory that servers read: versions appear whole, or not at all.

    <base>/<model_name>/<version>/     what servers load
    <base>/models.config               which versions, and their labels
    <base>/pushes.jsonl                what was pushed when
    <base>/.push.lock                  held by the push that is going on

Directories whose names are no numbers are not looked at by servers: a version is copied
under such a name and renamed when it is complete, and renamed back before it is
removed.
"""

import contextlib
import hashlib
import os
import pathlib
import shutil
from collections.abc import Collection, Iterator

from models.file_locks import LockedError, locked
from models.whole_files import sync
from pipeline.experiment.version_dir import SAVED_MODEL, versions_in
from transforms.schema import DataError

_LOCK = ".push.lock"
_STAGING = ".staging-"
_RETIRED = ".retired-"


class ModelBase:
    """The versions of one model in a base.

    Args:
        base: The base directory.
        model_name: Name servers know the model by.
    """

    def __init__(self, base: pathlib.Path, model_name: str) -> None:
        self.directory = base / model_name

    def path(self, version: int) -> pathlib.Path:
        """Names the directory of a version."""
        return self.directory / str(version)

    def has(self, version: int) -> bool:
        """Whether a version is there to be loaded."""
        return (self.path(version) / SAVED_MODEL).is_file()

    def versions(self) -> list[int]:
        """Returns the published versions, the oldest first."""
        numbers = [int(path.name) for path in versions_in(self.directory)]
        return [number for number in numbers if self.has(number)]

    def clean_up(self) -> None:
        """Removes what a killed push has left; no server has ever seen it as a version.

        The push lock must be held.
        """
        for prefix in (_STAGING, _RETIRED):
            for leftover in self.directory.glob(f"{prefix}*"):
                shutil.rmtree(leftover)

    def check_same(self, source: pathlib.Path, digest: str) -> None:
        """Checks that the published version of a number is the one that is meant.

        Args:
            source: A version directory, its name the number of a published version.
            digest: `content_digest` of it.

        Raises:
            DataError: If another model has that number.
        """
        target = self.directory / source.name
        if content_digest(target) != digest:
            raise DataError(
                f"{target} is there and differs from {source}: a published version "
                "is never overwritten; export again for a new number."
            )

    def publish(self, source: pathlib.Path, digest: str) -> bool:
        """Copies a version into the base, unless it is there.

        The push lock must be held.

        Args:
            source: A version directory, its name the number of the version.
            digest: `content_digest` of it when it was judged.

        Returns:
            Whether it was not there before.

        Raises:
            DataError: If another model has that number, or the copy is not what was
                judged.
        """
        target = self.directory / source.name
        if target.exists():
            self.check_same(source, digest)
            return False
        self.directory.mkdir(parents=True, exist_ok=True)
        staging = self.directory / f"{_STAGING}{source.name}"
        try:
            shutil.copytree(source, staging)
            sync_tree(staging)
            if content_digest(staging) != digest:
                raise DataError(
                    f"{staging} differs from {source} as it was judged: did it change "
                    "meanwhile? Push again."
                )
            os.rename(staging, target)
        except BaseException:
            shutil.rmtree(staging, ignore_errors=True)
            raise
        sync(self.directory)
        return True

    def retire(self, version: int) -> None:
        """Removes a version; it disappears at once and as a whole."""
        retired = self.directory / f"{_RETIRED}{version}"
        os.rename(self.path(version), retired)
        shutil.rmtree(retired)

    def retire_old(self, keep: int, in_use: Collection[int]) -> list[int]:
        """Removes all but the newest versions, and returns those removed.

        Args:
            keep: Versions that stay.
            in_use: Versions that stay whatever their age.
        """
        old = [v for v in self.versions()[:-keep] if v not in in_use]
        for version in old:
            self.retire(version)
        return old


@contextlib.contextmanager
def push_lock(base: pathlib.Path) -> Iterator[None]:
    """Keeps other pushes away from a base; the system lifts it if we are killed.

    Raises:
        DataError: If another push is going on.
    """
    try:
        with locked(base / _LOCK, wait=False):
            yield
    except LockedError:
        raise DataError(
            f"another push to {base} is going on: wait for it to end."
        ) from None


def sync_tree(directory: pathlib.Path) -> None:
    """Waits until a directory and all that is in it is on the disk."""
    for path in directory.rglob("*"):
        sync(path)
    sync(directory)


def content_digest(directory: pathlib.Path) -> str:
    """Returns a hash, in hex, of the names and the content of all files below."""
    digest = hashlib.sha256()
    files = (path for path in directory.rglob("*") if path.is_file())
    for path in sorted(files, key=lambda path: path.relative_to(directory).parts):
        with path.open("rb") as file:
            content = hashlib.file_digest(file, "sha256").hexdigest()
        name = path.relative_to(directory).as_posix()
        digest.update(f"{name}\0{content}\n".encode())
    return digest.hexdigest()
