import pytest

from tests.support.made_clicks import click_block
from transforms.clicks.merged_pools import Pools, merge_pools
from transforms.clicks.pools import (
    PoolBlock,
    parse_pool_row,
    parse_pools,
    pools_of_clicks,
)
from transforms.clicks.schema import (
    ClickSpec,
    DomainSpec,
    PoolSpec,
    ScenarioDatasetSpec,
    ScenarioEpisodeSpec,
)
from transforms.reading.blocks import Block
from transforms.reading.row_error import RowError
from transforms.table_spec import TableSpec
from transforms.writing.output_files import OutputFiles

TABLE = TableSpec("pools.csv")
SIZES = ScenarioEpisodeSpec(min_pool_size=2, max_pool_size=3)


def domain(name="", **changes):
    return DomainSpec(
        ClickSpec(TableSpec("clicks.csv")), PoolSpec(TABLE, **changes), name=name
    )


@pytest.mark.parametrize(
    ("changes", "text", "scenarios"),
    [
        ({}, "Jazz|Rock", ["a:Jazz|Rock"]),
        ({"separator": "|"}, "Jazz| Rock", ["a:Jazz", "a:Rock"]),
        ({"separator": "|"}, "Jazz||", ["a:Jazz"]),
        ({"lowercase": True}, "Jazz", ["a:jazz"]),
    ],
)
def test_a_field_holds_one_scenario_or_several(changes, text, scenarios):
    spec = PoolSpec(TABLE, **changes)
    assert parse_pool_row((7, text), spec, "a") == ("a:7", scenarios)


@pytest.mark.parametrize(
    ("values", "message"),
    [
        (("", "s"), "item_id is empty"),
        (("i", None), "scenario_id is empty"),
        (("i", "| |"), "scenario_id names no scenario"),
    ],
)
def test_a_row_of_a_pool_with_an_empty_field_is_refused(values, message):
    with pytest.raises(RowError, match=f"missing_field: {message}"):
        parse_pool_row(values, PoolSpec(TABLE, separator="|"), "")


def test_blocks_are_joined_in_the_order_of_rows_whatever_their_own():
    blocks = [
        PoolBlock({"s": {"10": None, "9": None}}),
        PoolBlock({"s": {"9": None, "x": None}}, is_listed=False),
    ]
    spec = ScenarioDatasetSpec((domain(),), episodes=SIZES)
    pools = merge_pools(blocks, spec)
    assert pools == merge_pools(blocks[::-1], spec)
    assert pools.items == {"s": ["9", "10", "x"]}
    assert pools.listed_items == {"9", "10"}


@pytest.mark.parametrize(
    ("num_items", "dropped"),
    [
        (1, {"pool_too_small": 1}),
        (2, {}),
        (3, {}),
        (4, {"pool_too_large": 1}),
    ],
)
def test_pools_of_a_wrong_size_are_left_out_and_counted(num_items, dropped):
    spec = ScenarioDatasetSpec((domain(),), episodes=SIZES)
    pools = merge_pools(
        [PoolBlock({"s": dict.fromkeys(map(str, range(num_items)))})], spec
    )
    assert pools.num_dropped == dropped
    assert bool(pools.items) == (not dropped)


def test_the_sizes_of_pools_are_known_whether_they_are_left_out_or_not():
    blocks = [
        PoolBlock({str(n): dict.fromkeys(map(str, range(n)))}) for n in (9, 1, 2, 7)
    ]
    pools = merge_pools(blocks, ScenarioDatasetSpec((domain(),), episodes=SIZES))
    assert pools.sizes == (1, 2, 9)  # Of four the lower one in the middle.


def test_what_was_clicked_in_a_scenario_is_in_its_pool():
    block = click_block(["u", "v", "u"], ["i", "i", "j"], ["s", "t", ""])
    pools = pools_of_clicks(block.packed())
    assert pools == PoolBlock({"s": {"i": None}, "t": {"i": None}}, is_listed=False)


def test_rows_become_pools_of_the_domain_or_are_refused(parse_block):
    block = Block("p.csv", 0, 2, b"1,s\n1,s\n,s\n2,t\n", ("item_id", "scenario_id"))
    pools, (row,) = parse_block(parse_pools(PoolSpec(TABLE), "a"), block)
    assert pools == [PoolBlock({"a:s": {"a:1": None}, "a:t": {"a:2": None}})]
    assert (row.table, row.line, row.reason) == ("a.pools", 4, "missing_field")


def test_pools_are_the_same_once_they_were_written(tmp_path):
    files = OutputFiles(str(tmp_path))
    listed = PoolBlock({"s": {"i1": None, "i2": None}, "t": {"i9": None}})
    clicked = PoolBlock({"s": {"i3": None}}, is_listed=False)
    pools = merge_pools(
        [listed, clicked], ScenarioDatasetSpec((domain(),), episodes=SIZES)
    )
    pools.write(files)
    assert Pools.read(files) == pools
    assert pools.items == {"s": ["i1", "i2", "i3"]}
    assert pools.num_dropped == {"pool_too_small": 1}
