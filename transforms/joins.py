"""Joins of ids between two tables: how many find each other, and why not the others."""

import dataclasses
import re
import unicodedata
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from typing import Any, Self

from transforms.join_counts import JoinCounts, count_forms, count_join
from transforms.plural import counted, plural
from transforms.raw_text import IGNORED, normal_id

# The table that a split file is: the tasks that it names.
SPLIT_FILE = "split.path"

_NUM_EXAMPLES = 3

# How ids that mean the same differ in form: in words, and what makes them alike.
_FORMS: tuple[tuple[str, Callable[[str], str]], ...] = (
    ("a fraction of zero, as '31.0' and '31'", lambda x: re.sub(r"\.0*$", "", x)),
    ("zeros in front, as '007' and '7'", lambda x: re.sub(r"^0+(?=\d)", "", x)),
    ("upper and lower case", str.lower),
    ("spaces", lambda x: "".join(x.split())),
    ("signs that cannot be seen", lambda x: re.sub(IGNORED, "", x)),
)

# What no key makes one.
_OTHER_FORMS: tuple[tuple[str, Callable[[str], str]], ...] = (
    (
        "accents, which Unicode writes in two ways",
        lambda x: unicodedata.normalize("NFC", x),
    ),
    ("quotes, hyphens or other punctuation", lambda x: re.sub(r"[\W_]", "", x)),
    ("how a number is written, as '1e3' and '1000'", lambda x: _number(x) or x),
)
_MUCH = 0.01  # Share of the rows without a match for which other causes are looked for.


@dataclasses.dataclass(frozen=True)
class Join:
    """How the ids of one table are found in another one, or in one form in itself.

    Attributes:
        ids: What they are of, such as "items".
        left: Table whose ids are looked up.
        right: Table where they are looked up; `left` itself where each id is looked
            up among those that have no other form which is more frequent.
        num_left: Different ids of the left table.
        num_right: Different ids of the right one.
        num_both: Those in both.
        num_rows: Rows of the left table.
        num_rows_unmatched: Those whose id is not in the right one.
        num_rows_alike: Of these, rows whose id is there in another form.
        left_examples: Ids that are not in the right table; those first that are there
            in another form.
        right_examples: Their other forms; ids that are not in the left table, if none.
        cause: The differences in form of the examples; empty if there are none.
        may_differ: Whether ids that differ so may well be of different things, so that
            it is said and no limit holds.
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
    may_differ: bool = False

    @classmethod
    def from_fields(cls, fields: Mapping[str, Any]) -> Self:
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

    @property
    def is_within(self) -> bool:
        """Whether it is about the forms that one table has."""
        return self.left == self.right

    def describe(self) -> str:
        """Says in one line how many find each other, and why not the others."""
        if self.is_within:
            only_left = self.num_left - self.num_both
            return (
                f"{self.ids} of {self.left}: {only_left} of "
                f"{counted(self.num_left, 'id')}, in {self.num_rows_unmatched} of "
                f"{counted(self.num_rows, 'row')}, {plural(only_left, 'is', 'are')} "
                f"there in another form. "
                f"{self.explain()}: with data.normalize_ids they are one, "
                f"called {normal_id(self.left_examples[0])!r} in every answer too"
            )
        matched = self.num_rows - self.num_rows_unmatched
        only_right = self.num_right - self.num_both
        found = (
            f"{self.ids} of {self.left} in {self.right}: {self.num_both} of "
            f"{counted(self.num_left, 'id')}, {matched} of "
            f"{counted(self.num_rows, 'row')}"
        )
        if self.left == SPLIT_FILE and self.num_rows_unmatched:
            found = (
                f"{self.num_rows_unmatched} of the {counted(self.num_left, 'name')} "
                f"in {self.left} {plural(self.num_rows_unmatched, 'is', 'are')} not "
                f"among the {self.ids} of {self.right}"
            )
        text = (
            f"{found}; {only_right} of {counted(self.num_right, 'id')} of {self.right} "
            f"{plural(only_right, 'is', 'are')} not in {self.left}"
        )
        return f"{text}. {self.explain()}" if self.num_rows_unmatched else text

    def explain(self) -> str:
        """Shows ids of both sides and the likely cause."""
        left, right = _listed(self.left_examples), _listed(self.right_examples)
        if self.is_within:
            examples = f"Beside {right} there are {left}"
        else:
            so = "so" if self.cause else "only"
            examples = f"In {self.left} only: {left}; in {self.right} {so}: {right}"
        return f"{examples}. They differ in {self.cause}" if self.cause else examples


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
    return join_of(ids, left, right, count_join(rows, known))


def join_of(ids: str, left: str, right: str, counts: JoinCounts) -> Join:
    """Says how ids find each other, and why not the others; see `join_ids`."""
    causes: dict[str, str] = {}
    if counts.alike:
        causes = _examples(counts.alike)
        shown, others = [*causes], [counts.alike[one] for one in causes]
    else:
        shown, others = counts.missed[:_NUM_EXAMPLES], counts.others
        if counts.num_rows_unmatched > _MUCH * counts.num_rows:
            cause, pairs = _otherwise_alike(counts.missed, others)
            if pairs:
                shown, others = [*pairs], [*pairs.values()]
                causes = dict.fromkeys(pairs, cause)
    return Join(
        ids,
        left,
        right,
        num_left=counts.num_left,
        num_right=counts.num_right,
        num_both=counts.num_both,
        num_rows=counts.num_rows,
        num_rows_unmatched=counts.num_rows_unmatched,
        num_rows_alike=counts.num_rows_alike,
        left_examples=tuple(shown),
        right_examples=tuple(others[:_NUM_EXAMPLES]),
        cause="; ".join(dict.fromkeys(causes.values())),
    )


def id_forms(ids: str, table: str, rows: Mapping[str, int]) -> Iterator[Join]:
    """Looks for ids that one table writes in several forms.

    Args:
        ids: What they are of.
        table: The table.
        rows: Its rows by id.

    Yields:
        How ids are found among the most frequent form of each: first whole numbers,
        then other texts. Nothing where each has one form.
    """
    return forms_of(ids, table, count_forms(rows))


def forms_of(
    ids: str, table: str, counts: tuple[JoinCounts, JoinCounts]
) -> Iterator[Join]:
    """Yields what the counts of `count_forms` say; see `id_forms`."""
    for may_differ, of_kind in zip((False, True), counts, strict=True):
        if of_kind.num_both < of_kind.num_left:
            join = join_of(ids, table, table, of_kind)
            yield dataclasses.replace(join, may_differ=may_differ)


def _otherwise_alike(
    missed: Iterable[str], others: Sequence[str]
) -> tuple[str, dict[str, str]]:
    """Returns a cause that no key ends, and some ids with their other form."""
    for cause, form in _OTHER_FORMS:
        by_form = {form(one): one for one in others}
        pairs = {one: by_form[form(one)] for one in missed if form(one) in by_form}
        if pairs:
            return cause, dict(list(pairs.items())[:_NUM_EXAMPLES])
    return "", {}


def _number(text: str) -> str:
    """Returns a number in one form; "" if a text is none."""
    try:
        return repr(float(text))
    except ValueError:
        return ""


def _examples(alike: Mapping[str, str]) -> dict[str, str]:
    """Returns ids with their difference, those first that differ in another way."""
    differences = {one: _difference(one, alike[one]) for one in sorted(alike)}
    first = {cause: one for one, cause in reversed(differences.items())}
    firsts = set(first.values())
    order = sorted(differences, key=lambda one: (one not in firsts, one))
    return {one: differences[one] for one in order[:_NUM_EXAMPLES]}


def _difference(one: str, other: str) -> str:
    for words, form in _FORMS:
        if form(one) == form(other):
            return words
    return "several of: " + "; ".join(words for words, _ in _FORMS)


def _listed(examples: Collection[str]) -> str:
    """Shows ids; those alike on paper by their code points."""
    are_whole = all(unicodedata.is_normalized("NFC", one) for one in examples)
    return ", ".join(map(repr if are_whole else ascii, examples)) or "none"
