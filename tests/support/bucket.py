"""A bucket that needs no network, as Beam sees one: keys, and no folders.

`bucket:///some/folder/name` is the file /some/folder/name.
"""

import os
import pathlib

from apache_beam.io.filesystem import BeamIOError, FileMetadata, FileSystem

SCHEME = "bucket://"


def url_of(path):
    """Returns the URL of a file or a folder."""
    return f"{SCHEME}{pathlib.Path(path).absolute()}"


class Bucket(FileSystem):
    """Found by Beam, since it is a subclass."""

    @classmethod
    def scheme(cls):
        return "bucket"

    def join(self, basepath, *paths):
        return "/".join([basepath.rstrip("/"), *paths])

    def split(self, path):
        return tuple(path.rsplit("/", 1))

    def has_dirs(self):
        return False

    def mkdirs(self, path):
        raise NotImplementedError(f"a bucket has no folders: {path}")

    def _list(self, dir_or_prefix):
        prefix = _key(dir_or_prefix)
        for folder, _, names in os.walk(os.path.dirname(prefix)):
            for name in names:
                path = os.path.join(folder, name)
                if path.startswith(prefix):
                    yield self.metadata(SCHEME + path)

    def create(self, path, mime_type=None, compression_type=None):
        file = pathlib.Path(_key(path))
        file.parent.mkdir(parents=True, exist_ok=True)
        return file.open("wb")

    def open(self, path, mime_type=None, compression_type=None):
        return open(_key(path), "rb")

    def copy(self, source_file_names, destination_file_names):
        raise NotImplementedError

    def rename(self, source_file_names, destination_file_names):
        for source, target in zip(
            source_file_names, destination_file_names, strict=True
        ):
            pathlib.Path(_key(target)).parent.mkdir(parents=True, exist_ok=True)
            os.rename(_key(source), _key(target))

    def exists(self, path):
        return os.path.isfile(_key(path))

    def size(self, path):
        return os.path.getsize(_key(path))

    def last_updated(self, path):
        return os.path.getmtime(_key(path))

    def checksum(self, path):
        return str(self.size(path))

    def metadata(self, path):
        return FileMetadata(path, self.size(path), self.last_updated(path))

    def delete(self, paths):
        try:
            for path in paths:
                os.remove(_key(path))
        except OSError as error:
            raise BeamIOError("Delete operation failed", {path: error}) from error


def _key(url):
    assert url.startswith(SCHEME), url
    return url.removeprefix(SCHEME)
