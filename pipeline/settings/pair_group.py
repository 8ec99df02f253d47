"""Some of the tasks, users or items, whose pairs are looked at by themselves."""

from __future__ import annotations

import dataclasses

import numpy as np
from numpy.typing import NDArray

from models.evaluation.scored_pairs import ScoredPairs


@dataclasses.dataclass(frozen=True, eq=False)
class PairGroup:
    """Some of the tasks, users or items.

    Attributes:
        kind: What distinguishes the groups.
        label: Which one it is.
        of: What `members` are rows of: "task", "user" or "item".
        members: bool [rows], the members.
    """

    kind: str
    label: str
    of: str
    members: NDArray[np.bool_]

    def holds(self, pairs: ScoredPairs) -> NDArray[np.bool_]:
        """Returns which pairs are of the group, bool [N]."""
        return self.members[getattr(pairs, self.of)]
