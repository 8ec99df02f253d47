"""The clicks of one block and one shard, by column."""

import dataclasses
from typing import Self

import pyarrow as pa

from transforms.reading.block_columns import pack, unpack
from transforms.reading.coded_column import CodedColumn, Floats, coded_array


@dataclasses.dataclass(frozen=True)
class ClickBlock:
    """The clicks of one block and one shard, by column.

    Attributes:
        users: User ids, with the name of their domain.
        items: Item ids, likewise.
        scenarios: Scenario ids, likewise; empty where the log does not say them.
        table: What the rows were read as.
        times: Times; None if they are not read.
    """

    users: CodedColumn
    items: CodedColumn
    scenarios: CodedColumn
    table: str
    times: Floats | None = None

    def packed(self) -> bytes:
        """Returns the bytes that `unpacked` takes, for few bytes to be shuffled."""
        columns = {
            "users": self.users.to_array(),
            "items": self.items.to_array(),
            "scenarios": self.scenarios.to_array(),
        }
        if self.times is not None:
            columns["times"] = pa.array(self.times)
        return pack(columns, [self.table])

    @classmethod
    def unpacked(cls, data: bytes) -> Self:
        """Returns the block that `packed` gave."""
        columns, (table,) = unpack(data)
        users, items, scenarios = (
            coded_array(columns[name]) for name in ("users", "items", "scenarios")
        )
        times = columns["times"].to_numpy() if "times" in columns else None
        return cls(users, items, scenarios, table, times)
