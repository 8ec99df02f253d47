"""The pairs that the prior and the baselines are fitted to."""

import dataclasses
from typing import Self

import numpy as np
from numpy.typing import NDArray

from transforms.schema import UNKNOWN


@dataclasses.dataclass(frozen=True, eq=False)
class LabelledPairs:
    """User-item pairs with their labels, those of all users together.

    Attributes:
        user: int [N], rows of the user table; 0 is unknown.
        item: int [N], rows of the item table; 0 is unknown.
        label: float [N].
        num_users: Rows of the user table, the unknown row not counted.
        num_items: Rows of the item table, the unknown row not counted.

    Raises:
        ValueError: If there is no pair, the arrays differ in shape, or a row lies
            outside its table.
    """

    user: NDArray[np.integer]
    item: NDArray[np.integer]
    label: NDArray[np.floating]
    num_users: int
    num_items: int

    def __post_init__(self) -> None:
        """Checks shapes and rows."""
        shapes = [self.user.shape, self.item.shape, self.label.shape]
        if len(set(shapes)) > 1 or self.user.ndim != 1 or not self.user.size:
            raise ValueError(
                "user, item and label must be vectors of one length, at least 1, "
                f"got shapes {shapes}."
            )
        for name, rows, num_rows in (
            ("user", self.user, self.num_users),
            ("item", self.item, self.num_items),
        ):
            if rows.min() < 0 or rows.max() > num_rows:
                raise ValueError(
                    f"{name} rows must be within [0, {num_rows}], "
                    f"got {rows.min()} to {rows.max()}."
                )

    def with_known_items(self) -> Self:
        """Returns the pairs without those of the unknown item.

        The unknown row stands for many items, so that nothing is to be learnt of it.

        Raises:
            ValueError: If none is left.
        """
        known = self.item != UNKNOWN
        if not known.any():
            raise ValueError(
                f"some pair must have a known item, got {known.size} of item {UNKNOWN}."
            )
        return self if known.all() else self.subset(known)

    def subset(self, chosen: NDArray[np.bool_]) -> Self:
        """Returns the pairs marked in bool [N].

        Raises:
            ValueError: If none is.
        """
        return dataclasses.replace(
            self,
            user=self.user[chosen],
            item=self.item[chosen],
            label=self.label[chosen],
        )
