import pyarrow as pa
import pytest

from transforms.clicks.clicks import (
    Click,
    ClickBlock,
    ClickParser,
    click_columns,
    parse_click,
    parse_clicks,
)
from transforms.clicks.ids import (
    domain_of,
    domain_order,
    in_domain,
    order_of_ids,
    raw_id,
    raw_ids,
)
from transforms.clicks.schema import ClickSpec, DomainSpec, PoolSpec
from transforms.reading.block_columns import block_columns
from transforms.reading.blocks import Block
from transforms.reading.row_error import RowError, UnwantedRowError
from transforms.stable_hash import shard_of
from transforms.table_spec import TableSpec

COLUMNS = ("user_id", "item_id", "theme")
PLAIN = ClickSpec(TableSpec("c.csv"))
SPEC = ClickSpec(TableSpec("c.csv"), scenario_column="theme")


def rows_of(shards):
    """Shard, rows and table of each block."""
    rows = []
    for shard, data in shards:
        block = ClickBlock.unpacked(data)
        columns = block.users, block.items, block.scenarios
        texts = zip(*(column.to_list() for column in columns), strict=True)
        rows.append((shard, list(texts), block.table))
    return rows


def times_of(shards):
    """Times of each block."""
    blocks = [ClickBlock.unpacked(data) for _, data in shards]
    return [None if block.times is None else block.times.tolist() for block in blocks]


def test_every_id_of_a_click_gets_the_name_of_its_domain():
    assert parse_click((" 1 ", 2.0, "t"), SPEC, "") == Click("1", "2", "t")
    assert parse_click(("1", "2", "t"), SPEC, "a") == Click("a:1", "a:2", "a:t")
    assert parse_click(("1", "2"), PLAIN, "a") == Click("a:1", "a:2", "")


@pytest.mark.parametrize(
    ("values", "message"),
    [
        (("", "i", "t"), "missing_field: user_id is empty"),
        (("u", None, "t"), "missing_field: item_id is empty"),
        (("u", "i", " "), "missing_field: theme is empty"),
        (("u\nv", "i", "t"), "malformed: line break"),
    ],
)
def test_rows_that_are_no_click_are_refused(values, message):
    with pytest.raises(RowError, match=message):
        parse_click(values, SPEC, "a")


@pytest.mark.parametrize(
    ("label", "reason"), [(3.9, "label_too_low"), (None, "no_label")]
)
def test_a_row_whose_label_makes_no_click_is_left_out(label, reason):
    table = TableSpec("c.csv", missing=("NA",))
    spec = ClickSpec(table, label_column="stars", label_at_least=4)
    assert parse_click(("u", "i", "4"), spec, "") == Click("u", "i", "")
    with pytest.raises(UnwantedRowError, match=reason):
        parse_click(("u", "i", label), spec, "")
    with pytest.raises(RowError, match="not_a_number"):
        parse_click(("u", "i", "many"), spec, "")


def test_an_id_gives_back_its_domain_and_what_it_was():
    text = in_domain("a", "x:1")
    assert (domain_of(text, ["b", "a"]), raw_id(text, ["b", "a"])) == ("a", "x:1")
    # Without a name the colon is a part of the id.
    assert (domain_of("x:1", [""]), raw_id("x:1", [""])) == ("", "x:1")


def test_ids_are_ordered_by_domain_and_then_as_they_came():
    ids = ["a:10", "a:9", "b:2", "b:x", "a:x"]
    assert sorted(ids, key=domain_order(["b", "a"])) == [
        *("b:2", "b:x"),
        *("a:9", "a:10", "a:x"),
    ]
    assert sorted(["10", "9", ":9"], key=domain_order([""])) == ["9", "10", ":9"]


@pytest.mark.parametrize("domains", [["b", "a"], ["a", "b", "c"], [""]])
def test_columns_of_ids_are_ordered_as_single_ones(domains):
    ids = [in_domain(name, one) for name in domains for one in ("x", "10", "9", "é:1")]
    order = order_of_ids(pa.array(ids), domains).tolist()
    assert [ids[place] for place in order] == sorted(ids, key=domain_order(domains))
    expected = [raw_id(one, domains) for one in ids]
    assert raw_ids(pa.array(ids), domains).to_pylist() == expected


def test_each_row_goes_to_the_shard_of_its_user_or_is_refused(parse_block):
    domain = DomainSpec(
        ClickSpec(TableSpec("c.csv"), scenario_column="theme"), name="a"
    )
    block = Block("c.csv", 0, 2, b"u1,i1,t\nu2,,t\nu1,i2,s\nu3,i1,t\n", COLUMNS)
    shards, rejected = parse_block(parse_clicks(domain, 50), block)
    assert rows_of(shards) == [
        (
            shard_of("a:u1", 50),
            [("a:u1", "a:i1", "a:t"), ("a:u1", "a:i2", "a:s")],
            "a.clicks",
        ),
        (shard_of("a:u3", 50), [("a:u3", "a:i1", "a:t")], "a.clicks"),
    ]
    (row,) = rejected
    assert (row.table, row.line, row.reason) == ("a.clicks", 3, "missing_field")


@pytest.mark.parametrize("normalize", [False, True])
@pytest.mark.parametrize("labelled", [False, True])
@pytest.mark.parametrize("timed", [False, True])
@pytest.mark.parametrize(
    "last",
    ["u1,i2,t,4,7", " u1,I2,t,0,8", "u1,,t,5,7", "u1,i2,t,x,7", "u1,i2,t,4,soon"],
)
def test_clicks_are_read_by_column_as_row_by_row(
    parse_block, monkeypatch, labelled, normalize, timed, last
):
    keys = {"label_column": "stars", "label_at_least": 3.0} if labelled else {}
    keys |= {"time_column": "day"} if timed else {}
    spec = ClickSpec(TableSpec("c.csv"), scenario_column="theme", **keys)
    data = f"u1,i1,t,5,1\nu2,i1,s,2,2001-01-01\n7,i1,t,3,3\n{last}\n".encode()
    block = Block("c.csv", 0, 2, data, (*COLUMNS, "stars", "day"))

    def parsed():
        stage = parse_clicks(DomainSpec(spec, name="a"), 3, normalize=normalize)
        shards, rejected = parse_block(stage, block)
        return rows_of(shards), times_of(shards), rejected

    by_column = parsed()
    monkeypatch.setattr(ClickParser, "add_columns", lambda self, rows: False)
    assert by_column == parsed()


def test_a_click_of_no_scenario_is_left_out_where_a_code_says_so(parse_block):
    table = TableSpec("c.csv", missing=("none", ""))
    stage = parse_clicks(DomainSpec(ClickSpec(table, scenario_column="theme")), 3)
    block = Block("c.csv", 0, 2, b"u1,i1,t\nu2,i1,none\nu3,i1,\n", COLUMNS)
    parsed, rejected = parse_block(stage, block)
    assert [rows for _, rows, _ in rows_of(parsed)] == [[("u1", "i1", "t")]]
    assert rejected == []
    with pytest.raises(UnwantedRowError, match="no_scenario"):
        parse_click(("u2", "i1", None), ClickSpec(table, scenario_column="theme"), "")


def test_a_block_without_a_click_is_read_by_column():
    spec = ClickSpec(TableSpec("c.csv"), label_column="stars", label_at_least=6.0)
    block = Block("c.csv", 0, 2, b"u1,i1,t,5\nu2,i1,s,2\n", (*COLUMNS, "stars"))
    parser = ClickParser(DomainSpec(spec, PoolSpec(TableSpec("p.csv"))), 3, block)
    rows = block_columns(block, spec.table, click_columns(spec))
    assert parser.add_columns(rows)
    assert (list(parser.parsed()), parser.counts.left_out) == ([], {"label_too_low": 2})
