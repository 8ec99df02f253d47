"""Interactions of one shard to the labelled pairs of each user, each pair once."""

from __future__ import annotations

import dataclasses
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence

import numpy as np
import pyarrow as pa

from transforms.entities.vocabularies import id_order
from transforms.ratings.interactions import (
    INTERACTIONS,
    InteractionBlock,
    interaction_columns,
)
from transforms.reading.coded_column import (
    CodedColumn,
    Flags,
    Floats,
    Ints,
    join_numbers,
    join_texts,
)
from transforms.reading.rejected_row import RejectedRow
from transforms.reading.row_error import DUPLICATE_PAIR
from transforms.specs import InteractionSpec
from transforms.splits import split_windows

# Reason of `num_dropped`: legal, but left out.
REPEATED_PAIR = "repeated_pair"


@dataclasses.dataclass(frozen=True)
class UserPairs:
    """The different pairs of the users of one shard.

    Attributes:
        users: User ids, in their order. One with pairs later than their split stands
            there twice, first with the others.
        items: The different item ids, a pyarrow array of texts.
        owners: Place of the user of each pair, ascending.
        codes: Place of its item.
        labels: Its label.
        times: Its time; None if they are not read.
        windows: How many splits begin before the first row of each user, or with it,
            and one more than there are for later pairs; None if users are not split by
            time.
    """

    users: list[str]
    items: pa.Array
    owners: Ints
    codes: Ints
    labels: CodedColumn
    times: Floats | None = None
    windows: Ints | None = None

    def take(self, pairs: Ints) -> UserPairs:
        """Returns some pairs, of all the users."""
        return dataclasses.replace(
            self,
            owners=self.owners[pairs],
            codes=self.codes[pairs],
            labels=self.labels.take(pairs),
            times=None if self.times is None else self.times[pairs],
        )

    def num_pairs(self) -> Ints:
        """Returns the number of pairs of each user."""
        return np.bincount(self.owners, minlength=len(self.users))


def pairs_of_users(
    blocks: Iterable[InteractionBlock],
    spec: InteractionSpec,
    starts: Mapping[str, float] | None = None,
) -> tuple[UserPairs, list[RejectedRow], Counter[str]]:
    """Collects the pairs of each user; of the rows of a pair, one counts.

    Args:
        blocks: All blocks of a shard, in any order.
        spec: Which row counts, and the names of columns in refused rows.
        starts: As of `SplitSpec`. Users belong to a split by their first row, whichever
            row of a pair counts. Of a pair with rows before the next split one of these
            counts; pairs without any are later ones.

    Returns:
        The pairs, the refused rows of pairs that occur again, and the number of those
        left out by reason.
    """
    rows = _Rows(sorted(blocks, key=lambda one: (one.source_index, one.first_line)))
    by_time = () if spec.time_column is None else (rows.times,)
    order = np.lexsort((*by_time, rows.items.codes, rows.owners))
    windows, is_early = None, np.ones(len(order), np.bool_)
    if starts:
        _, windows, is_early = split_windows(
            rows.owners, rows.times, len(rows.users), starts
        )
    chosen = _row_of_each_pair(rows, order, is_early, spec)
    others = np.delete(np.arange(len(order)), chosen)
    pairs = UserPairs(
        rows.users,
        rows.items.values,
        rows.owners[chosen],
        rows.items.codes[chosen],
        rows.labels.take(chosen),
        rows.times[chosen] if by_time else None,
        windows,
    )
    if windows is not None and starts:
        pairs = _with_later_apart(pairs, windows, is_early[chosen], len(starts) + 1)
    if spec.keep in ("first", "last"):
        return pairs, [], +Counter({REPEATED_PAIR: len(others)})
    return pairs, [rows.repeated(row, spec) for row in others.tolist()], Counter()


def _row_of_each_pair(
    rows: _Rows, order: Ints, is_early: Flags, spec: InteractionSpec
) -> Ints:
    """Returns the row of each pair that counts, a later one only if all of them are.

    Args:
        rows: The rows.
        order: Their places by user, item and time.
        is_early: Which rows are before the split after that of their user.
        spec: Which row counts.
    """
    owners, items = rows.owners[order], rows.items.codes[order]
    is_new = np.ones(len(order), np.bool_)
    is_new[1:] = (owners[1:] != owners[:-1]) | (items[1:] != items[:-1])
    early = is_early[order]
    is_like_first = early == early[is_new][np.cumsum(is_new) - 1]
    order, is_new = order[is_like_first], is_new[is_like_first]
    is_last = np.append(is_new[1:], True)[: len(order)]
    chosen: Ints = order[is_last if spec.keep == "last" else is_new]
    return chosen


def _with_later_apart(
    pairs: UserPairs, windows: Ints, is_early: Flags, later: int
) -> UserPairs:
    """Returns pairs whose later ones stand as those of another user of the same id.

    Args:
        pairs: The pairs.
        windows: Of each user.
        is_early: Which pairs are no later ones.
        later: What is the window of these.
    """
    halves, owners = np.unique(2 * pairs.owners + ~is_early, return_inverse=True)
    whose, is_later = np.divmod(halves, 2)
    apart = dataclasses.replace(
        pairs,
        users=[pairs.users[place] for place in whose.tolist()],
        owners=owners,
        windows=np.where(is_later, later, windows[whose]),
    )
    return apart.take(np.argsort(owners, kind="stable"))


class _Rows:
    """The rows of a shard in the order of the files."""

    def __init__(self, blocks: Sequence[InteractionBlock]) -> None:
        self.items = join_texts(block.items for block in blocks)
        users = join_texts(block.users for block in blocks)
        ids = users.values.to_pylist()
        by_id = sorted(range(len(ids)), key=lambda place: id_order(ids[place]))
        places = np.empty(len(ids), np.int32)
        places[by_id] = np.arange(len(ids))
        self.users = [ids[place] for place in by_id]
        self.owners = places[users.codes]
        self.labels = join_numbers(block.labels for block in blocks)
        times = [block.times for block in blocks if block.times is not None]
        self.times = np.concatenate([np.zeros(0), *times])  # None where not read.
        self._blocks = blocks
        self._ends = np.cumsum([len(block.lines) for block in blocks])

    def repeated(self, row: int, spec: InteractionSpec) -> RejectedRow:
        """Returns a row whose pair has occurred before, as it is refused."""
        place = int(np.searchsorted(self._ends, row, side="right"))
        block = self._blocks[place]
        row_of_block = row - int(self._ends[place])  # Counted from its end.
        line = block.first_line + int(block.lines[row_of_block])
        user_id = self.users[self.owners[row]]
        (item_id,), (label,) = (
            column.take(np.array([row])).to_list()
            for column in (self.items, self.labels)
        )
        columns = interaction_columns(spec)
        fields = dict(zip(columns, (user_id, item_id, label), strict=False))
        pair = f"user {user_id!r} has labelled item {item_id!r} before"
        detail = f"{pair}: `keep` says which row counts"
        return RejectedRow(
            INTERACTIONS, block.source, line, DUPLICATE_PAIR, detail, fields
        )
