"""Ids that one table writes in several forms, looked for by column."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from transforms.joins import Join, id_forms
from transforms.raw_text import WHOLE_NUMBER, normal_id
from transforms.reading.coded_column import Flags, Ints

# Printable ASCII without blanks and capital letters, and whole numbers as they are
# written out: `normal_id` leaves both as they are.
_PLAIN = r"^[!-@\[-~]+$"
_PLAIN_NUMBER = "^(?:0|[1-9][0-9]*)$"


def forms_of_ids(name: str, table: str, ids: pa.Array, rows: Ints) -> Iterator[Join]:
    """Looks for ids that one table writes in several forms, as `id_forms` does.

    Only ids that may have another form become Python texts: most tables have few.

    Args:
        name: What they are of.
        table: The table.
        ids: Its different ids, a pyarrow array of texts.
        rows: Its rows of each.
    """
    may_have = np.flatnonzero(_may_have_forms(ids))
    chosen = ids.take(pa.array(may_have)).to_pylist()
    counted = dict(zip(chosen, rows[may_have].tolist(), strict=True))
    others = len(ids) - len(chosen)
    num_rows = int(rows.sum(dtype=np.int64))
    for join in id_forms(name, table, counted):
        yield dataclasses.replace(
            join,
            num_left=join.num_left + others,
            num_right=join.num_right + others,
            num_both=join.num_both + others,
            num_rows=num_rows,
        )


def _may_have_forms(ids: pa.Array) -> Flags:
    """Says of each id whether its normal form is another one, or that of another."""
    is_number = pc.match_substring_regex(ids, WHOLE_NUMBER)
    is_plain = pc.and_not(pc.match_substring_regex(ids, _PLAIN), is_number)
    stays = pc.or_(is_plain, pc.match_substring_regex(ids, _PLAIN_NUMBER))
    changes = pc.invert(stays)
    forms = {normal_id(one) for one in ids.filter(changes).to_pylist()}
    is_form = pc.is_in(ids, pa.array(sorted(forms), pa.string()))
    flags: Flags = pc.or_(changes, is_form).to_numpy(zero_copy_only=False)
    return flags
