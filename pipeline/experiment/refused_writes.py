"""What a file system says that cannot be written to, whatever library passes it on."""

import errno
import os
import re
import shutil
import sys

_FULL = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)
_IN_THE_WAY = (errno.EEXIST, errno.ENOTDIR, errno.EISDIR)
_NUMBERS = (*_FULL, *_IN_THE_WAY, errno.EROFS, errno.EACCES, errno.EPERM)
_BY_WORDS = {os.strerror(number): number for number in _NUMBERS}
_OF_SYSTEM = re.compile(r"\b(OS|Permission)Error: \[Errno \d+\]")  # As Beam has it.
_QUOTED = re.compile(r": '([^'\n]+)'")  # Python's, after the words.
_PLAIN = re.compile(r"[^\s:;,'\"{}]*/[^\s:;,'\"{}]+")  # TensorFlow's, before them.


def refused_write(error: BaseException) -> OSError | None:
    """Returns the error of the file system that an error is, or stands for.

    TensorFlow has errors of its own, and Beam and `shutil` make new ones, of whose
    words alone a full disk can be told from a bug.

    Args:
        error: Any error.

    Returns:
        An error with number and path; None if files have nothing to do with it.
    """
    if isinstance(error, OSError) and error.errno in _NUMBERS:
        return error
    text = str(error)
    is_wrapped = isinstance(error, RuntimeError) and _OF_SYSTEM.search(text)
    if not is_wrapped and not isinstance(error, OSError | _tensorflow_error()):
        return None
    if isinstance(error, shutil.Error):  # Of all files of a folder that was copied.
        _, target, reason = error.args[0][0]
        text = f"{target}: {reason}"
    words = next((words for words in _BY_WORDS if words in text), None)
    if words is None:
        return None
    before, _, after = text.partition(words)
    quoted = _QUOTED.match(after)
    paths = [quoted[1]] if quoted else _PLAIN.findall(before)
    return OSError(_BY_WORDS[words], words, paths[-1] if paths else "a file")


def in_words(error: OSError) -> str:
    """Returns a sentence that names the path and the cause."""
    cure = "give the permission"
    if error.errno in _FULL:
        cure = "make room"
    elif error.errno in _IN_THE_WAY:
        cure = "move away what is there"
    return (
        f"{error.filename or 'a file'}: {os.strerror(error.errno or 0)}: {cure}, then "
        "start the same command again."
    )


def _tensorflow_error() -> type[Exception]:
    """Returns the class of the errors of TensorFlow; none of it is imported here."""
    tensorflow = sys.modules.get("tensorflow")
    return OSError if tensorflow is None else tensorflow.errors.OpError
