"""Texts of raw tables and of requests: blanks, line breaks, ids that mean the same.

The patterns mean the same to `re` and to RE2, which TensorFlow has, so that a served
graph reads a request as preparation reads a table (`models.serving.raw_text`).
"""

import datetime
import functools
import math
import re

# What `str.strip` takes for a blank, and `str.splitlines` for the end of a line.
BLANK = "[\t-\r\x1c-\x20\x85\xa0\u1680\u2000-\u200a\u2028\u2029\u202f\u205f\u3000]"
LINE_BREAK = "[\n-\r\x1c-\x1e\x85\u2028\u2029]"
BLANKS_AROUND = f"^{BLANK}+|{BLANK}+$"

# Beside blanks what leaves no trace on paper: hyphens of which nothing shows, joiners
# without width, and the mark at the start of a file that was put behind another one.
IGNORED = BLANK.removesuffix("]") + "\u00ad\u200b-\u200d\u2060\ufeff]"

# A whole number in ASCII digits, zeros in front and a fraction of zero apart.
WHOLE_NUMBER = r"^0*([0-9]+)(?:\.0*)?$"

# The least number that is shown as a date too: years and days since 1970 are less.
FIRST_DATE = 1e8

_ignored, _whole_number = re.compile(IGNORED), re.compile(WHOLE_NUMBER)


@functools.lru_cache(maxsize=1 << 20)
def normal_id(text: str) -> str:
    """Returns an id without what ids that mean the same may differ in.

    Blanks and what cannot be seen are taken out, letters made small; of whole numbers
    zeros in front and a fraction of zero are cut: "007", "7.0" and " 7" are "7".
    """
    return _whole_number.sub(r"\1", _ignored.sub("", text).lower())


def time_of(text: str) -> float:
    """Returns a time: a number as it is, a date in seconds since 1970.

    A date without a zone is in UTC.

    Raises:
        ValueError: If the text is neither.
    """
    try:
        number = float(text)
    except ValueError:
        moment = datetime.datetime.fromisoformat(text)
        return moment.replace(tzinfo=moment.tzinfo or datetime.UTC).timestamp()
    if not math.isfinite(number) or "_" in text:
        raise ValueError(f"expected a time, got {text!r}.")
    return number


def text_of_time(time: float) -> str:
    """Returns a time as `time_of` takes it, with its date if it may be one.

    A number from 100,000,000 on, or below 0 so far, may be a date: seconds since 1970.
    """
    text = f"{time:.0f}" if time.is_integer() else repr(time)
    if abs(time) < FIRST_DATE:
        return text
    try:
        date = datetime.datetime.fromtimestamp(int(time), datetime.UTC)
    except (ValueError, OverflowError, OSError):
        return text
    return f"{text} ({date.isoformat().replace('+00:00', 'Z')})"


def is_whole_number(text: str) -> bool:
    """Whether an id without blanks is a whole number, in whatever form."""
    return _whole_number.match(text) is not None
