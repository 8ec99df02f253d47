"""Ids that one table writes in several forms, looked for by column."""

import zlib

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from transforms.join_counts import JoinCounts, count_forms
from transforms.raw_text import WHOLE_NUMBER, normal_id
from transforms.reading.coded_column import Flags, Ints

# Printable ASCII without blanks and capital letters, and whole numbers as they are
# written out: `normal_id` leaves both as they are.
_PLAIN = r"^[!-@\[-~]+$"
_PLAIN_NUMBER = "^(?:0|[1-9][0-9]*)$"


def count_forms_of_ids(ids: pa.Array, rows: Ints) -> tuple[JoinCounts, JoinCounts]:
    """Looks for ids that one table writes in several forms, as `count_forms` does.

    Only ids that may have another form become Python texts: most tables have few.

    Args:
        ids: Its different ids, a pyarrow array of texts.
        rows: Its rows of each.
    """
    may_have = _may_have_forms(ids)
    places = np.flatnonzero(may_have)
    chosen = ids.take(pa.array(places)).to_pylist()
    counts = count_forms(dict(zip(chosen, rows[places].tolist(), strict=True)))
    num_rows = int(rows[~may_have].sum(dtype=np.int64))
    for of_kind in counts:
        of_kind.add_matched(len(ids) - len(chosen), num_rows)
    return counts


def partitions_of(ids: pa.Array, number: int) -> Ints:
    """Returns the partition of each id, alike for all that have one normal form.

    Args:
        ids: A pyarrow array of texts.
        number: Partitions in all.
    """
    texts = ids.to_pylist()
    for place in np.flatnonzero(_may_change(ids)).tolist():
        texts[place] = normal_id(texts[place])
    hashes = [zlib.crc32(text.encode()) for text in texts]
    return np.array(hashes, np.int64) % number


def _may_have_forms(ids: pa.Array) -> Flags:
    """Says of each id whether its normal form is another one, or that of another."""
    changes = _may_change(ids)
    forms = {normal_id(one) for one in ids.filter(pa.array(changes)).to_pylist()}
    is_form = pc.is_in(ids, pa.array(sorted(forms), pa.string()))
    flags: Flags = changes | is_form.to_numpy(zero_copy_only=False)
    return flags


def _may_change(ids: pa.Array) -> Flags:
    """Says of each id whether its normal form may be another one."""
    is_number = pc.match_substring_regex(ids, WHOLE_NUMBER)
    is_plain = pc.and_not(pc.match_substring_regex(ids, _PLAIN), is_number)
    stays = pc.or_(is_plain, pc.match_substring_regex(ids, _PLAIN_NUMBER))
    flags: Flags = pc.invert(stays).to_numpy(zero_copy_only=False)
    return flags
