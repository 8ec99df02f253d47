"""Raw tables with faults in them, and what every reader must do with them."""

import gzip
import io
import json
import random
import zipfile

import pyarrow as pa
import pyarrow.parquet as pq
from raw_blocks import read_blocks

from transforms.clicks.clicks import parse_clicks
from transforms.clicks.pools import parse_pools
from transforms.clicks.schema import ClickSpec, DomainSpec, PoolSpec
from transforms.entities.entities import parse_entities
from transforms.ratings.interactions import parse_interactions
from transforms.reading.block_columns import unpack
from transforms.reading.parse_rows import COUNTS, PARSED
from transforms.reading.raw_files import find_raw_files
from transforms.reading.rejected_row import REJECTED
from transforms.reading.tables import UsedTable, check_contents, check_tables
from transforms.specs import EntitySpec, FeatureSpec, InteractionSpec
from transforms.table_spec import TableSpec

COLUMNS = ("user", "item", "rating", "tags")
ODD_TEXTS = (
    *("", " ", "NA", "nan", "1e400", "-1", "7", "3.5", "a|b", '"', "'", "\\", '"a"'),
    *("a\nb", "a\rb", "a\u2028b", "\x00", "\ud800", "é", "[1, 2]", "{}", "[", "a;b"),
)
ODD_VALUES = (*ODD_TEXTS, None, 1, 2.5, float("nan"), True, [1, "a"], {"a": 1}, 10**30)

# A table of every format and packing, by what stands in the file's name.
TABLES = {
    "plain.csv": {},
    "tabs.tsv": {"delimiter": "\t", "quote": "", "extra_fields": True},
    "colons.dat": {"delimiter": "::", "encoding": "latin-1", "header": COLUMNS},
    "escaped.csv": {"escape": "\\", "missing": ("NA",)},
    "multiline.csv": {"multiline": True},
    "lines.jsonl": {"format": "jsonl", "list_columns": ("tags",)},
    "array.json": {"format": "json"},
    "columns.parquet": {"format": "parquet"},
}


def odd_rows(chance, number, *, texts_only):
    """Makes rows of which some values are as nobody expects them."""
    odd = ODD_TEXTS if texts_only else ODD_VALUES

    def value(usual):
        return chance.choice(odd) if chance.random() < 0.1 else usual

    return [
        [
            value(f"u{chance.randrange(50)}"),
            value(str(chance.randrange(50))),
            value(str(chance.randint(1, 5))),
            value(chance.choice(("a", "a|b", ""))),
        ]
        for _ in range(number)
    ]


def file_of(kind, rows):
    """Returns the bytes of a file of rows."""
    table = TABLES[kind]
    form = table.get("format", "csv")
    records = [dict(zip(COLUMNS, row, strict=True)) for row in rows]
    if form == "jsonl":
        return "".join(json.dumps(one) + "\n" for one in records).encode()
    if form == "json":
        return json.dumps(records).encode()
    if form == "parquet":
        stream = io.BytesIO()
        texts = [
            [value and str(value).replace("\ud800", "?") for value in column]
            for column in zip(*rows, strict=True)
        ] or [[]] * len(COLUMNS)
        pq.write_table(pa.table(dict(zip(COLUMNS, texts, strict=True))), stream)
        return stream.getvalue()
    delimiter = table.get("delimiter", ",")
    head = [] if "header" in table else [COLUMNS]
    text = "".join(delimiter.join(map(str, row)) + "\n" for row in [*head, *rows])
    if "encoding" in table:
        return text.encode(table["encoding"], "replace")
    return text.encode("utf-8", "surrogatepass")


def odd_file(seed, kind, number):
    """Returns the bytes of a file with faults of every kind, some of it packed."""
    chance = random.Random(f"{seed} {kind}")
    is_text = TABLES[kind].get("format", "csv") == "csv"
    data = file_of(kind, odd_rows(chance, number, texts_only=is_text))
    if chance.random() < 0.7:
        data = mutate(chance, data)
    data = pack(chance, data)
    return mutate(chance, data) if chance.random() < 0.3 else data


def mutate(chance, data):
    """Returns a file as a fault of a disk or of a program would leave it."""
    data = bytearray(data)
    for _ in range(chance.randrange(4)):
        place = chance.randrange(len(data) + 1)
        match chance.randrange(5):
            case 0:
                del data[place:]
            case 1:
                del data[place : place + chance.randrange(20)]
            case 2:
                data[place:place] = chance.randbytes(chance.randrange(5))
            case 3:
                data[place:place] = chance.choice((b'"', b"\n", b",", b"\\", b"\xff"))
            case 4:
                data[place:place] = data[:place][-30:]
    return bytes(data)


def pack(chance, data):
    """Packs a file, or not."""
    match chance.randrange(4):
        case 0:
            return gzip.compress(data)
        case 1:
            stream = io.BytesIO()
            with zipfile.ZipFile(stream, "w") as archive:
                archive.writestr("member", data)
            return stream.getvalue()
        case _:
            return data


def read_all(folder, kind, data):
    """Reads a file as every table it can be; each row is used, left out or refused.

    Returns:
        Rows read and rows refused as each table; what the error said if the file was
        refused as a whole.
    """
    (folder / kind).write_bytes(data)
    table = TableSpec(kind, **TABLES[kind])
    columns = {f"table.{name}": name for name in COLUMNS}
    used = [UsedTable("table", table, columns, frozenset({"table.tags"}))]
    try:
        check_tables(used, str(folder))
        check_contents(used, str(folder))
        blocks = [
            block
            for file in find_raw_files(table, str(folder), "table")
            for block in read_blocks(file, table, COLUMNS, text_block_bytes=256)
        ]
    except ValueError as error:
        return str(error)
    return [_parse(stage, blocks) for stage in _stages(table)]


def _stages(table):
    clicks = ClickSpec(table, "user", "item")
    return [
        parse_interactions(InteractionSpec(table, "user", "item"), 2),
        parse_clicks(DomainSpec(clicks, PoolSpec(table, "item", "tags")), 2),
        parse_pools(PoolSpec(table, "item", "tags", separator="|"), ""),
        parse_entities(
            "items",
            EntitySpec(
                table,
                "item",
                name_column="user",
                features=(
                    FeatureSpec("tags", kind="multi"),
                    FeatureSpec("rating", kind="numeric"),
                ),
            ),
        ),
    ]


def _parse(stage, blocks):
    num_read = num_refused = num_parsed = 0
    for block in blocks:
        kept = []
        for kind, part in stage.parse_block.process(block):
            if kind == PARSED:
                kept.append(part)
            elif kind == REJECTED:
                num_refused += 1
                part.to_json()
            elif kind == COUNTS:
                _, counts = part
                num_read += counts.read
                num_parsed += counts.left_out.total()
                assert counts.refused.total() <= counts.read
        num_parsed += sum(map(_num_rows, kept))
        num_parsed += counts.used  # Of pools, whose parser counts them.
    assert num_read == num_parsed + num_refused
    return num_read, num_refused


def _num_rows(part):
    if isinstance(part, tuple):
        columns, _ = unpack(part[1])
        return len(columns["users"])
    return sum(map(len, part.lines)) if hasattr(part, "lines") else 0
