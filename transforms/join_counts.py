"""How ids of two tables find each other, counted in parts that add up.

All ids that differ in form only must be counted in one part, and an id in one part
alone: `transforms.entities.forms_of_ids` parts them so.
"""

import dataclasses
import heapq
from collections.abc import Collection, Iterable, Mapping
from typing import Self

from transforms.raw_text import is_whole_number, normal_id

NUM_COMPARED = 1000  # Ids without a match that causes are looked for of.
# Unmatched ids of the other table that these are compared with. Those of a table may be
# as many as its ids, which must not come to one worker.
_NUM_OTHERS = 10_000


@dataclasses.dataclass
class JoinCounts:
    """Ids of a left table that are looked up in a right one.

    Attributes:
        num_left: Different ids of the left table.
        num_right: Different ids of the right one.
        num_both: Those in both.
        num_rows: Rows of the left table.
        num_rows_unmatched: Those whose id is not in the right one.
        num_rows_alike: Of these, rows whose id is there in another form.
        alike: Of such ids the first ones in text order, each with its other form.
        missed: Of the left ids without a match the first ones.
        others: Of the right ids without a match the first ones.
    """

    num_left: int = 0
    num_right: int = 0
    num_both: int = 0
    num_rows: int = 0
    num_rows_unmatched: int = 0
    num_rows_alike: int = 0
    alike: dict[str, str] = dataclasses.field(default_factory=dict)
    missed: list[str] = dataclasses.field(default_factory=list)
    others: list[str] = dataclasses.field(default_factory=list)

    def merge(self, other: Self) -> None:
        """Adds those of another part."""
        for name, value in vars(other).items():
            if isinstance(value, int):
                setattr(self, name, getattr(self, name) + value)
        both = self.alike | other.alike
        self.alike = {one: both[one] for one in _first(both, NUM_COMPARED)}
        self.missed = _first([*self.missed, *other.missed], NUM_COMPARED)
        self.others = _first([*self.others, *other.others], _NUM_OTHERS)

    def add_matched(self, num_ids: int, num_rows: int) -> None:
        """Adds ids that are in both tables."""
        self.num_left += num_ids
        self.num_right += num_ids
        self.num_both += num_ids
        self.num_rows += num_rows


def count_join(rows: Mapping[str, int], known: Collection[str]) -> JoinCounts:
    """Looks the ids of one table up in another one.

    Args:
        rows: Rows of the left table by id.
        known: Ids of the right one, a set or a mapping.
    """
    missed = {one: count for one, count in rows.items() if one not in known}
    alike = _alike(missed, known) if missed else {}
    return JoinCounts(
        num_left=len(rows),
        num_right=len(known),
        num_both=len(rows) - len(missed),
        num_rows=sum(rows.values()),
        num_rows_unmatched=sum(missed.values()),
        num_rows_alike=sum(missed[one] for one in alike),
        alike={one: alike[one] for one in _first(alike, NUM_COMPARED)},
        missed=_first(missed, NUM_COMPARED),
        others=_first((one for one in known if one not in rows), _NUM_OTHERS),
    )


def count_forms(rows: Mapping[str, int]) -> tuple[JoinCounts, JoinCounts]:
    """Looks each id up among those that have no other form which is more frequent.

    Args:
        rows: Rows by id.

    Returns:
        Counts of whole numbers, such as "7", "007" and "7.0", and of other texts, such
        as "A1" and "a1"; in both of them the ids of the other one have a match.
    """
    by_form: dict[str, list[str]] = {}
    for one in rows:
        by_form.setdefault(normal_id(one), []).append(one)
    rarer: tuple[set[str], set[str]] = set(), set()
    for forms in by_form.values():
        if len(forms) > 1:
            forms.sort(key=lambda one: (-rows[one], one))
            rarer[not all(map(is_whole_number, forms))].update(forms[1:])
    numbers, texts = (count_join(rows, rows.keys() - others) for others in rarer)
    return numbers, texts


def _alike(missed: Collection[str], known: Collection[str]) -> dict[str, str]:
    """Returns the other form of each missed id that has one."""
    by_form: dict[str, str] = {}
    for one in sorted(known):
        by_form.setdefault(normal_id(one), one)
    forms = {one: normal_id(one) for one in missed}
    return {one: by_form[form] for one, form in forms.items() if form in by_form}


def _first(ids: Iterable[str], number: int) -> list[str]:
    """Returns the first ids in text order."""
    return heapq.nsmallest(number, ids)
