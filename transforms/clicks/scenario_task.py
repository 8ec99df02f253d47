"""One scenario as a task: support, query, and negatives for both."""

import dataclasses
from collections.abc import Sequence

import numpy as np
import pyarrow as pa

from transforms.clicks.ids import raw_id, raw_ids
from transforms.clicks.negatives import ToDraw, draw_negatives
from transforms.clicks.scenario_users import KNOWN, ROLES, ScenarioUsers
from transforms.clicks.schema import ScenarioDatasetSpec
from transforms.reading.coded_column import Flags, Ints, small
from transforms.schema import META_TRAIN
from transforms.stable_hash import (
    digest_numbers,
    digests_of,
    joined_texts,
    stable_digests,
)

_NO_FOLDS = np.zeros(0, np.int64)


@dataclasses.dataclass(frozen=True)
class Clicks:
    """Clicks of a task with their negatives, by column.

    Attributes:
        users: Places among the users of the task.
        items: Places in the pool.
        folds: Fold of each; empty where it does not matter.
        negatives: Places in the pool, [clicks, negatives of each].
    """

    users: Ints
    items: Ints
    folds: Ints
    negatives: Ints


@dataclasses.dataclass(frozen=True)
class ScenarioTask:
    """One scenario as a task.

    Attributes:
        scenario_id: The scenario.
        split: Its split.
        pool: Item ids; of an open task those alone that its clicks are of.
        users: User ids, a pyarrow array of texts.
        support: Known clicks.
        query: Held-out clicks; none in meta-train.
        known_users: User of each other click of a user of the query, a place: known, or
            held out for the other split.
        known_items: Its item, as a place in the pool.
        num_known: Known clicks that the support could hold.
        num_without_negative: Clicks left out, whose users left no item to draw.
        is_open: Whether its pool is the whole catalogue.
    """

    scenario_id: str
    split: str
    pool: list[str]
    users: pa.Array
    support: Clicks
    query: Clicks
    known_users: Ints
    known_items: Ints
    num_known: int
    num_without_negative: int
    is_open: bool = False


def build_task(
    scenario_id: str,
    split: str,
    pool: list[str],
    clicks: ScenarioUsers,
    spec: ScenarioDatasetSpec,
) -> ScenarioTask:
    """Draws support, query and negatives of one scenario.

    Clicks are taken by time, if `spec.episodes` says so, else in a random order that
    only the seed, the scenario, the user and the item decide; negatives are drawn by a
    generator that the seed, the scenario and the user decide.

    Args:
        scenario_id: The scenario.
        split: Its split.
        pool: Its item ids, in order.
        clicks: Its users with their clicks.
        spec: Seed and sizes.
    """
    is_train = split == META_TRAIN
    if spec.episodes.order == "time" and not is_train:
        clicks = clicks.held_out_last(ROLES[split], spec.split.held_out_fraction)
    chance = _Chance(scenario_id, pool, clicks, spec)
    owners = chance.owners
    number = len(clicks.users)
    is_known = clicks.roles == KNOWN
    is_held_out = clicks.roles == ROLES.get(split, -1)
    num_known = np.bincount(owners[is_known], minlength=number)
    num_clicked = num_known if is_train else clicks.sizes
    is_known_drawn = is_known & (num_known < len(pool))[owners]
    is_query = is_held_out & (num_clicked < len(pool))[owners]
    limit = None if is_train else spec.episodes.support_size
    support = chance.order(np.flatnonzero(is_known_drawn))[:limit]
    query = chance.order(np.flatnonzero(is_query))
    of_support, of_query = chance.draw(is_known_drawn, is_query, support, query)
    in_query = np.isin(np.arange(number), owners[query])
    others = np.flatnonzero(in_query[owners] & ~is_held_out)
    return ScenarioTask(
        scenario_id,
        split,
        pool,
        clicks.users,
        _small(
            owners[support], clicks.places[support], clicks.folds[support], of_support
        ),
        _small(owners[query], clicks.places[query], _NO_FOLDS, of_query),
        small(owners[others]),
        clicks.places[others],
        int(is_known_drawn.sum()),
        int((is_known ^ is_known_drawn).sum() + (is_held_out ^ is_query).sum()),
    )


def _small(*columns: Ints) -> Clicks:
    """Returns clicks of few bytes."""
    return Clicks(*map(small, columns))


class _Chance:
    """Draws order and negatives of the clicks of one scenario.

    Attributes:
        owners: Place of the user of each click.

    Args:
        scenario_id: The scenario.
        pool: Its item ids.
        clicks: Its users with their clicks.
        spec: Seed and number of negatives.
    """

    def __init__(
        self,
        scenario_id: str,
        pool: Sequence[str],
        clicks: ScenarioUsers,
        spec: ScenarioDatasetSpec,
    ) -> None:
        names = spec.domain_names
        self.owners = np.repeat(np.arange(len(clicks.users)), clicks.sizes)
        self._scenario = raw_id(scenario_id, names)
        self._users = raw_ids(clicks.users, names)
        self._items = raw_ids(pa.array(pool, pa.string()), names)
        self._clicks = clicks
        self._seed = spec.split.seed
        self._num_negatives = spec.episodes.num_negatives
        self._is_by_time = spec.episodes.order == "time"

    def order(self, clicks: Ints) -> Ints:
        """Returns clicks in their order."""
        users = self._users.take(pa.array(self.owners[clicks]))
        items = self._items.take(pa.array(self._clicks.places[clicks]))
        digests = stable_digests(
            *(self._seed, "order", self._scenario), last=joined_texts(users, items)
        )
        by_time = (self._clicks.times[clicks],) if self._is_by_time else ()
        return clicks[np.lexsort((digest_numbers(digests), *by_time))]

    def draw(
        self,
        is_support: Flags,
        is_query: Flags,
        support: Ints,
        query: Ints,
    ) -> tuple[Ints, Ints]:
        """Returns the negatives of chosen clicks of the support and of the query.

        Those of a user are drawn for all known clicks, then for those of the query;
        users none of whose clicks is chosen are passed over.

        Args:
            is_support: Which clicks the support could hold.
            is_query: Which clicks the query holds.
            support: The clicks that are in the support.
            query: The clicks of the query.
        """
        owners, number = self.owners, len(self._users)
        is_chosen = np.zeros(number, np.bool_)
        is_chosen[owners[support]] = is_chosen[owners[query]] = True
        users = np.flatnonzero(is_chosen)
        rows = np.cumsum(is_chosen) - 1
        is_clicked = is_chosen[owners]
        digests = stable_digests(
            *(self._seed, self._scenario),
            last=joined_texts(self._users.take(pa.array(users))),
        )
        num_support, num_query = (
            np.bincount(owners[which], minlength=number)[users]
            for which in (is_support, is_query)
        )
        to_draw = ToDraw(
            len(self._items),
            digests_of(digests),
            num_support,
            num_query,
            rows[owners[is_clicked]],
            self._clicks.places[is_clicked],
            (self._clicks.roles == KNOWN)[is_clicked],
        )
        negatives = draw_negatives(to_draw, self._num_negatives)
        # Known clicks of a user stand before those held out, as they are drawn for.
        drawn = np.cumsum((is_support | is_query) & is_clicked) - 1
        return negatives[drawn[support]], negatives[drawn[query]]
