"""Small raw tables, and a way to prepare them and look at the result."""

import gzip
import hashlib
import pathlib
import struct

import pytest
from apache_beam.options.pipeline_options import PipelineOptions
from apache_beam.testing.test_pipeline import TestPipeline
from example_message import example_class

from transforms.ratings.dataset import prepare_dataset
from transforms.reading.parse_rows import PARSED
from transforms.reading.rejected_row import REJECTED
from transforms.specs import (
    DatasetSpec,
    EntitySpec,
    EpisodeSpec,
    FeatureSpec,
    InteractionSpec,
    SplitSpec,
)
from transforms.table_spec import TableSpec

TestPipeline.__test__ = False  # Its name alone makes pytest collect it.

NUM_USERS = 12
NUM_ITEMS = 8


def label_of(user, item):
    """Whole stars from 1 to 5."""
    return 1 + (user + item) % 5


def all_ratings():
    """Rows (user, item, label): 12 users have each labelled all 8 items."""
    return [
        (user, item, label_of(user, item))
        for user in range(1, NUM_USERS + 1)
        for item in range(1, NUM_ITEMS + 1)
    ]


def write_raw(folder):
    """Writes ratings.csv, users.csv and items.csv."""
    folder.mkdir()
    lines = [f"{user},{item},{label}\n" for user, item, label in all_ratings()]
    (folder / "ratings.csv").write_text("user_id,item_id,rating\n" + "".join(lines))
    users = [f"{user},{'FM'[user % 2]},{20 + user}\n" for user in range(1, 13)]
    (folder / "users.csv").write_text("id,gender,age\n" + "".join(users))
    items = [f"{item},Film {item},a|b{item}\n" for item in range(1, 10)]
    (folder / "items.csv").write_text("id,title,genre\n" + "".join(items))
    return folder


def small_spec(**changes):
    """The specification of `raw`, with changes."""
    defaults = {
        "interactions": InteractionSpec(TableSpec("ratings.csv")),
        "users": EntitySpec(
            TableSpec("users.csv"),
            features=(FeatureSpec("gender"), FeatureSpec("age", kind="numeric")),
        ),
        "items": EntitySpec(
            TableSpec("items.csv"),
            name_column="title",
            features=(FeatureSpec("genre", kind="multi"),),
        ),
        "split": SplitSpec(seed=1, test_fraction=0.3, validation_fraction=0.3),
        "episodes": EpisodeSpec(query_size=2, num_shards=2),
    }
    return DatasetSpec(**{**defaults, **changes})


def run_prepare(spec, raw, output, *flags):
    """Prepares a specification and returns (info, directory)."""
    info = prepare_dataset(
        spec,
        str(raw),
        str(output),
        fingerprint="0" * 16,
        options=PipelineOptions(["--runner=FnApiRunner", *flags]),
    )
    return info, output


@pytest.fixture
def ratings():
    return all_ratings()


@pytest.fixture
def raw(tmp_path):
    """A folder of raw tables that a test may change."""
    return write_raw(tmp_path / "raw")


@pytest.fixture
def spec():
    return small_spec()


@pytest.fixture
def make_spec():
    return small_spec


@pytest.fixture
def prepare(raw, tmp_path):
    """Prepares a specification from `raw`."""

    def run(spec, name="prepared", *flags):
        return run_prepare(spec, raw, tmp_path / name, *flags)

    return run


@pytest.fixture(scope="session")
def prepared(tmp_path_factory):
    """(info, directory) of `spec` and `raw` as they are, to read only."""
    folder = tmp_path_factory.mktemp("shared")
    return run_prepare(small_spec(), write_raw(folder / "raw"), folder / "prepared")


@pytest.fixture(scope="session")
def parse_block():
    """Runs `ParseRows` on one block without a pipeline: what is parsed, and refused."""

    def run(parse_rows, block):
        pairs = list(parse_rows.parse_block.process(block))
        return tuple(
            [element for kind, element in pairs if kind == wanted]
            for wanted in (PARSED, REJECTED)
        )

    return run


@pytest.fixture(scope="session")
def read_records():
    """Reads a TFRecord file as dicts of lists, without TensorFlow."""

    def read(path):
        data = pathlib.Path(path).read_bytes()
        if str(path).endswith(".gz"):
            data = gzip.decompress(data)
        while data:
            (length,) = struct.unpack("<Q", data[:8])
            example = example_class().FromString(data[12 : 12 + length])
            yield {
                key: list(getattr(feature, feature.WhichOneof("kind")).value)
                for key, feature in example.features.feature.items()
            }
            data = data[16 + length :]

    return lambda path: list(read(path))


@pytest.fixture(scope="session")
def read_episodes(read_records):
    """Reads the episodes of one split from all shards, by task id."""

    def read(directory, split):
        return {
            record["task_id"][0].decode(): record
            for path in sorted(directory.glob(f"episodes/{split}-*"))
            for record in read_records(path)
        }

    return read


@pytest.fixture(scope="session")
def digests():
    """Returns the hash of every file under a folder by its name."""

    def hash_files(folder):
        return {
            str(path.relative_to(folder)): hashlib.sha256(path.read_bytes()).hexdigest()
            for path in sorted(folder.rglob("*"))
            if path.is_file()
        }

    return hash_files
