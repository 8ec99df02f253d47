"""What ids, blanks and line breaks are, for every character that there is."""

import re
import sys

import pytest

from transforms.raw_text import (
    BLANK,
    BLANKS_AROUND,
    LINE_BREAK,
    normal_id,
    text_of_time,
    time_of,
)

CHARACTERS = [chr(code) for code in range(sys.maxunicode + 1)]


@pytest.mark.parametrize(
    ("text", "normal"),
    [
        ("007", "7"),
        ("31.0", "31"),
        ("000.", "0"),
        (" A b ", "ab"),
        ("1.5", "1.5"),
        ("v1.0", "v1.0"),
        ("0x7", "0x7"),
        ("\u00a0007\u2003", "7"),
        ("B 7", "b7"),
        ("ÉLO", "élo"),
    ],
)
def test_ids_lose_what_means_nothing(text, normal):
    assert normal_id(text) == normal


def test_patterns_mean_what_python_means():
    text = "".join(CHARACTERS)
    blanks = [character for character in CHARACTERS if not character.strip()]
    assert re.findall(BLANK, text) == blanks
    breaks = [one for one in CHARACTERS if len(f"a{one}a".splitlines()) > 1]
    assert re.findall(LINE_BREAK, text) == breaks
    around = "".join(blanks)
    assert re.sub(BLANKS_AROUND, "", f"{around}a{around}b{around}") == f"a{around}b"


def test_a_normal_id_stays_as_it_is():
    once = normal_id("".join(CHARACTERS))
    assert normal_id(once) == once


@pytest.mark.parametrize(
    ("time", "text"),
    [
        (2024.0, "2024"),
        (19_000.5, "19000.5"),
        (1_748_763_008.0, "1748763008 (2025-06-01T07:30:08Z)"),
        (-315_619_200.0, "-315619200 (1960-01-01T00:00:00Z)"),
        (1_748_763_008_000.0, "1748763008000"),  # In ms: no date of four digits.
        (1e300, f"{1e300:.0f}"),
    ],
)
def test_a_time_is_written_as_it_is_read_with_its_date(time, text):
    assert text_of_time(time) == text
    for form in text.rstrip(")").split(" ("):
        assert time_of(form) == time
