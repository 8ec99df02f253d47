"""Readers: the tables of well-known data sets of clicks and scenarios."""

import dataclasses
import functools
import pathlib
from typing import Literal

from transforms.clicks.schema import ClickSpec, DomainSpec, NameSpec, PoolSpec
from transforms.paths import path_in
from transforms.ratings.sources import movielens as movielens_tables
from transforms.reading.packed_files import archive_members
from transforms.reading.raw_files import has_table, table_of_download
from transforms.specs import FeatureSpec
from transforms.table_spec import TableSpec, WideSpec


def lastfm(path: str, *, data_dir: str = ".", name: str = "") -> DomainSpec:
    """Returns the tables of the Last.fm data set of HetRec 2011.

    A click is an artist that a user has listened to; a scenario is a tag, its pool the
    artists that carry it.

    Args:
        path: Folder or zip archive with the tables `user_artists`,
            `user_taggedartists`, `artists` and `tags`: `.dat` with tabs, as GroupLens
            packs them, or `.csv` with commas.
        data_dir: Folder of the raw tables.
        name: Name of the domain.
    """
    if _has_file(path, "user_artists.dat", data_dir):
        suffix, delimiter = ".dat", "\t"
    else:
        suffix, delimiter = ".csv", ","

    def table(name: str) -> TableSpec:
        return table_of_download(path, name + suffix, delimiter=delimiter)

    return DomainSpec(
        ClickSpec(table("user_artists"), "userID", "artistID"),
        PoolSpec(table("user_taggedartists"), "artistID", "tagID"),
        NameSpec(table("artists")),
        NameSpec(table("tags"), "tagID", "tagValue"),
        name,
    )


def citeulike(path: str, *, name: str = "") -> DomainSpec:
    """Returns the tables of CiteULike, set a.

    A click is an article in a user's library; a scenario is a tag. Users and articles
    have the number of their line, from 0, for an id.

    Args:
        path: Folder or zip archive with `users.dat`, `item-tag.dat` and `tags.dat`.
        name: Name of the domain.
    """
    table = functools.partial(table_of_download, path)
    return DomainSpec(
        ClickSpec(table("users.dat", format="lists"), "line", "value"),
        PoolSpec(table("item-tag.dat", format="lists"), "line", "value"),
        scenario_names=NameSpec(table("tags.dat", format="lines"), "line", "text"),
        name=name,
    )


def movielens(
    path: str,
    *,
    scenarios: Literal["tags", "genres"] = "tags",
    data_dir: str = ".",
    name: str = "",
) -> DomainSpec:
    """Returns the tables of a MovieLens download, each rating a click.

    Args:
        path: Folder or zip archive as GroupLens packs it: MovieLens 10M, 20M, 25M, 32M
            or "latest", or, for genres, MovieLens 100K or 1M.
        scenarios: What a scenario is: a tag that someone gave a movie, in lower case,
            or a genre.
        data_dir: Folder of the raw tables.
        name: Name of the domain.

    Raises:
        ValueError: If the path holds neither layout, or has no tags.
    """
    interactions, _, items = movielens_tables(path, data_dir=data_dir)
    clicks = ClickSpec(
        interactions.table,
        interactions.user_column,
        interactions.item_column,
        time_column=interactions.time_column,
    )
    assert items.table is not None
    assert items.name_column is not None
    (genre,) = items.features
    if scenarios == "genres":
        pools = _genre_pools(items.table, items.id_column, genre)
    else:
        pools = _tag_pools(items.table, path, data_dir)
    names = NameSpec(items.table, items.id_column, items.name_column)
    return DomainSpec(clicks, pools, names, name=name)


def taobao(path: str, *, name: str = "") -> DomainSpec:
    """Returns the tables of the Taobao Cloud Theme Click data set.

    A scenario is a theme; the log says in which one a click happened. The vectors that
    are published beside (`user_embedding.csv`, `item_embedding.csv`) are not read: they
    may have been made of held-out clicks too. Nor are purchases.

    Args:
        path: Folder or zip archive with `theme_click_log.csv` and
            `theme_item_pool.csv`.
        name: Name of the domain.
    """
    table = functools.partial(table_of_download, path)
    return DomainSpec(
        ClickSpec(table("theme_click_log.csv"), "user_id", "item_id", "theme_id"),
        PoolSpec(table("theme_item_pool.csv"), "item_id", "theme_id"),
        name=name,
    )


def _has_file(path: str, file: str, data_dir: str) -> bool:
    """Says whether a file is in a folder, or at the top of a zip archive."""
    full = path_in(data_dir, path)
    if full.is_file() and (members := archive_members(str(full))) is not None:
        return file in members
    return (full / file).is_file()


def _genre_pools(table: TableSpec, id_column: str, genre: FeatureSpec) -> PoolSpec:
    """Returns the genres of each movie: a text of them, or a column of flags each."""
    if not genre.flags:
        return PoolSpec(table, id_column, genre.source_columns[0], genre.separator)
    wide = WideSpec((id_column,), "genre", "flag", genre.flags)
    flags = dataclasses.replace(table, wide=wide, missing=("0",))
    return PoolSpec(flags, id_column, "genre")


def _tag_pools(items: TableSpec, path: str, data_dir: str) -> PoolSpec:
    """Returns the tags of each movie, in lower case."""
    tags = _beside(items, "tags.csv")
    columns = ("movieId", "tag")
    if items.header is not None:  # No CSV: MovieLens 10M has tags, 100K and 1M do not.
        header = ("user_id", "item_id", "tag", "timestamp")
        place = _beside(items, "tags.dat")
        tags = dataclasses.replace(
            items, path=place.path, member=place.member, header=header
        )
        columns = ("item_id", "tag")
        if not has_table(tags, data_dir):
            raise ValueError(
                f"scenarios 'tags' need tags.dat or tags.csv, which {path!r} does not "
                "have: choose scenarios 'genres'."
            )
    return PoolSpec(tags, *columns, None, True)


def _beside(table: TableSpec, file: str) -> TableSpec:
    """Returns the table of another file of the same folder or archive."""
    if table.member is not None:
        return TableSpec(
            table.path, str(pathlib.PurePosixPath(table.member).with_name(file))
        )
    return TableSpec(str(pathlib.PurePosixPath(table.path).with_name(file)))
