import errno
import shutil

import pytest

from models.legacy_keras import tf
from pipeline.experiment.refused_writes import in_words, refused_write

FULL = "/disk/ckpt-1_temp/part; No space left on device [Op:SaveV2]"
RELATIVE = "{{/job:localhost/device:CPU:0}} runs/a/.e.tmp; No space left on device"
DENIED = [("a", "/base/a", "[Errno 13] Permission denied: '/base/a'")]
OF_BEAM = "OSError: [Errno 30] Read-only file system: '/out/x' [while running 'Write']"


@pytest.mark.parametrize(
    ("error", "number", "path"),
    [
        (OSError(errno.ENOSPC, "No space left", "/disk/a"), errno.ENOSPC, "/disk/a"),
        (
            tf.errors.ResourceExhaustedError(None, None, FULL),
            errno.ENOSPC,
            "/disk/ckpt-1_temp/part",
        ),
        (
            tf.errors.ResourceExhaustedError(None, None, RELATIVE),
            errno.ENOSPC,
            "runs/a/.e.tmp",
        ),
        (FileExistsError(errno.EEXIST, "File exists", "runs"), errno.EEXIST, "runs"),
        (shutil.Error(DENIED), errno.EACCES, "/base/a"),
        (RuntimeError(OF_BEAM), errno.EROFS, "/out/x"),
    ],
)
def test_what_a_file_system_refuses_is_known_whoever_says_it(error, number, path):
    refusal = refused_write(error)
    assert (refusal.errno, refusal.filename) == (number, path)


@pytest.mark.parametrize(
    "error",
    [
        ValueError("No space left on device"),
        FileNotFoundError(errno.ENOENT, "No such file", "/a"),
        tf.errors.InvalidArgumentError(None, None, "shapes differ"),
    ],
)
def test_other_errors_are_none_of_the_file_system(error):
    assert refused_write(error) is None


def test_a_full_disk_and_a_lacking_permission_have_different_cures():
    full = OSError(errno.ENOSPC, "No space left on device", "/disk/a")
    assert in_words(full) == (
        "/disk/a: No space left on device: make room, then start the same command "
        "again."
    )
    assert "give the permission" in in_words(PermissionError(errno.EACCES, "no", "/a"))
    assert "move away what is there" in in_words(FileExistsError(errno.EEXIST, "", "a"))
