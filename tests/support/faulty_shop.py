"""A made-up shop whose tables have every fault that tables of people have.

`faulty_ratings` and `faulty_clicks` write its tables in either setting, and return the
configuration and what must become of each row.
"""

import dataclasses
from collections import Counter

NUM_USERS, NUM_ITEMS = 60, 40

TINY_MODEL = {
    "label_dim": 4,
    "encoder_dim": 8,
    "modulation_dim": 8,
    "hidden_dims": [16, 16],
}


@dataclasses.dataclass(frozen=True)
class Shop:
    """The tables of one setting.

    Attributes:
        config: The configuration, as YAML would give it.
        left_out: Rows of each table that are left out, by reason.
        refused: Rows of each table that are refused, by reason.
        unreadable: Rows of each table with a value of a feature that cannot be read.
    """

    config: dict
    left_out: dict[str, Counter]
    refused: dict[str, Counter]
    unreadable: dict[str, Counter]


def odd_number(number, salt):
    """A number as an id, now and then in another form."""
    forms = (f"{number:03d}", f"{number}.0", f" {number} ")
    return forms[salt % 3] if salt % 11 == 0 else str(number)


def odd_text(text, salt):
    """A text as an id, now and then in another form."""
    forms = (text.lower(), f"{text[0]} {text[1:]}", f"{text}\t")
    return forms[salt % 3] if salt % 7 == 0 else text
