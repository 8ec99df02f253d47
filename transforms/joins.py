"""Joins of ids between two tables: how many find each other, and why not the others."""

from __future__ import annotations

import dataclasses
import functools
import re
from collections.abc import Callable, Collection, Mapping
from typing import Any

_NUM_EXAMPLES = 3
_NUMBER = re.compile(r"\d+(\.0*)?", re.ASCII)

# How ids that mean the same differ in form: in words, and what makes them alike.
_FORMS: tuple[tuple[str, Callable[[str], str]], ...] = (
    ("a fraction of zero, as '31.0' and '31'", lambda x: re.sub(r"\.0*$", "", x)),
    ("zeros in front, as '007' and '7'", lambda x: re.sub(r"^0+(?=\d)", "", x)),
    ("upper and lower case", str.casefold),
    ("spaces", lambda x: "".join(x.split())),
)


@functools.lru_cache(maxsize=1 << 20)
def normal_id(text: str) -> str:
    """Returns an id without what ids that mean the same may differ in.

    Spaces are taken out, letters made small, a fraction of zero cut from numbers, then
    zeros in front of them: "007", "7.0" and " 7" are "7".
    """
    text = "".join(text.split()).casefold()
    if _NUMBER.fullmatch(text):
        text = text.partition(".")[0].lstrip("0") or "0"
    return text


@dataclasses.dataclass(frozen=True)
class Join:
    """How the ids of one table are found in another one.

    Attributes:
        ids: What they are of, such as "items".
        left: Table whose ids are looked up.
        right: Table where they are looked up.
        num_left: Different ids of the left table.
        num_right: Different ids of the right one.
        num_both: Those in both.
        num_rows: Rows of the left table.
        num_rows_unmatched: Those whose id is not in the right one.
        num_rows_alike: Of these, rows whose id is there in another form.
        left_examples: Ids that are not in the right table; those first that are there
            in another form.
        right_examples: Their other forms; ids that are not in the left table, if none.
        cause: The difference in form of the first example; empty if there is none.
    """

    ids: str
    left: str
    right: str
    num_left: int
    num_right: int
    num_both: int
    num_rows: int
    num_rows_unmatched: int
    num_rows_alike: int = 0
    left_examples: tuple[str, ...] = ()
    right_examples: tuple[str, ...] = ()
    cause: str = ""

    @classmethod
    def from_fields(cls, fields: Mapping[str, Any]) -> Join:
        """Returns the join that `dataclasses.asdict` gave."""
        examples = {
            name: tuple(fields[name]) for name in ("left_examples", "right_examples")
        }
        return cls(**{**fields, **examples})

    @property
    def unmatched_fraction(self) -> float:
        """Share of the rows of the left table without a match, in [0, 1]."""
        return self.num_rows_unmatched / max(self.num_rows, 1)

    @property
    def alike_fraction(self) -> float:
        """Share of its rows whose id differs in form only, in [0, 1]."""
        return self.num_rows_alike / max(self.num_rows, 1)

    def describe(self) -> str:
        """Says in one line how many find each other, and why not the others."""
        matched = self.num_rows - self.num_rows_unmatched
        text = (
            f"{self.ids} of {self.left} in {self.right}: {self.num_both} of "
            f"{self.num_left} ids, {matched} of {self.num_rows} rows; "
            f"{self.num_right - self.num_both} of {self.num_right} ids of {self.right} "
            f"are not in {self.left}"
        )
        return f"{text}. {self.explain()}" if self.num_rows_unmatched else text

    def explain(self) -> str:
        """Shows ids of both sides and the likely cause."""
        examples = (
            f"In {self.left} only: {_listed(self.left_examples)}; in {self.right} "
            f"{'so' if self.cause else 'only'}: {_listed(self.right_examples)}"
        )
        if self.cause:
            return f"{examples}. They differ in {self.cause}"
        return examples


def join_ids(
    ids: str, left: str, right: str, rows: Mapping[str, int], known: Collection[str]
) -> Join:
    """Looks the ids of one table up in another one.

    Args:
        ids: What they are of.
        left: Table whose ids are looked up.
        right: Table where they are looked up.
        rows: Rows of the left table by id.
        known: Ids of the right one, a set or a mapping.
    """
    missed = {one: count for one, count in rows.items() if one not in known}
    alike = _alike(missed, known) if missed else {}
    shown = sorted(alike or missed)[:_NUM_EXAMPLES]
    if alike:
        others = [alike[one] for one in shown]
        cause = _difference(shown[0], others[0])
    else:
        others, cause = sorted(one for one in known if one not in rows), ""
    return Join(
        ids,
        left,
        right,
        num_left=len(rows),
        num_right=len(known),
        num_both=len(rows) - len(missed),
        num_rows=sum(rows.values()),
        num_rows_unmatched=sum(missed.values()),
        num_rows_alike=sum(missed[one] for one in alike),
        left_examples=tuple(shown),
        right_examples=tuple(others[:_NUM_EXAMPLES]),
        cause=cause,
    )


def number_forms(ids: str, table: str, rows: Mapping[str, int]) -> list[Join]:
    """Looks for numbers that one table writes in several forms: "7", "007", "7.0".

    Args:
        ids: What they are of.
        table: The table.
        rows: Its rows by id.

    Returns:
        The join of those that are rarer with the most frequent one; none if there is
        none.
    """
    by_number: dict[str, list[str]] = {}
    for one in rows:
        if _NUMBER.fullmatch(one):
            by_number.setdefault(normal_id(one), []).append(one)
    missed: dict[str, int] = {}
    usual: set[str] = set()
    for forms in by_number.values():
        if len(forms) > 1:
            forms.sort(key=lambda one: (-rows[one], one))
            usual.add(forms[0])
            missed.update({one: rows[one] for one in forms[1:]})
    if not missed:
        return []
    join = join_ids(ids, table, f"their usual form in {table}", missed, usual)
    return [dataclasses.replace(join, num_rows=sum(rows.values()))]


def _alike(missed: Collection[str], known: Collection[str]) -> dict[str, str]:
    """Returns the other form of each missed id that has one."""
    by_form: dict[str, str] = {}
    for one in sorted(known):
        by_form.setdefault(normal_id(one), one)
    forms = {one: normal_id(one) for one in missed}
    return {one: by_form[form] for one, form in forms.items() if form in by_form}


def _difference(one: str, other: str) -> str:
    for words, form in _FORMS:
        if form(one) == form(other):
            return words
    return "several of: " + "; ".join(words for words, _ in _FORMS)


def _listed(examples: Collection[str]) -> str:
    return ", ".join(map(repr, examples)) or "none"
