"""A few lines of each data set, in the format that it is read in."""

import os
import pathlib
import zipfile

import pytest
from raw_blocks import read_blocks

from transforms.clicks import sources
from transforms.clicks.schema import ScenarioDatasetSpec
from transforms.clicks.tables import used_tables
from transforms.reading.blocks import rows_of
from transforms.reading.raw_files import find_raw_files
from transforms.reading.tables import check_tables
from transforms.reading.text_rows import UnreadableRow


def write(folder, files):
    folder.mkdir(parents=True, exist_ok=True)
    for name, text in files.items():
        (folder / name).write_text(text, encoding="utf-8")


def rows(table, columns, data_dir, block_bytes=1 << 20):
    """Line and fields of each row of a table; the reason of one that is unreadable."""
    (file,) = find_raw_files(table, str(data_dir), "table")
    blocks = read_blocks(file, table, columns, text_block_bytes=block_bytes)
    return [
        (line, fields.error.reason if isinstance(fields, UnreadableRow) else fields)
        for block in blocks
        for line, fields in rows_of(block, table, columns)
    ]


def clicks_of(domain, data_dir):
    spec = domain.clicks
    columns = [spec.user_column, spec.item_column]
    columns += [spec.scenario_column] if spec.scenario_column else []
    return [fields for _, fields in rows(spec.table, columns, data_dir)]


def pools_of(domain, data_dir):
    spec = domain.pools
    columns = (spec.item_column, spec.scenario_column)
    return [fields for _, fields in rows(spec.table, columns, data_dir)]


def check(domain, data_dir):
    check_tables(used_tables(ScenarioDatasetSpec((domain,))), str(data_dir))


def test_lastfm(tmp_path):
    write(
        tmp_path / "fm",
        {
            "user_artists.csv": "userID,artistID,weight\n2,51,13883\n2,52,11690\n",
            "user_taggedartists.csv": (
                "userID,artistID,tagID,day,month,year\n2,52,13,1,4,2009\n"
            ),
            "artists.csv": 'id,name\n51,"Duran, Duran"\n52,Crüxshadows\n',
            "tags.csv": "tagID,tagValue\n13,80's\n",
        },
    )
    domain = sources.lastfm("fm", name="lastfm")
    check(domain, tmp_path)
    assert domain.name == "lastfm"
    assert clicks_of(domain, tmp_path) == [("2", "51"), ("2", "52")]
    assert pools_of(domain, tmp_path) == [("52", "13")]
    names = domain.item_names
    named = rows(names.table, (names.id_column, names.name_column), tmp_path)
    assert named == [(2, ("51", "Duran, Duran")), (3, ("52", "Crüxshadows"))]
    names = domain.scenario_names
    named = rows(names.table, (names.id_column, names.name_column), tmp_path)
    assert named == [(2, ("13", "80's"))]


def test_lastfm_as_it_is_packed(tmp_path):
    with zipfile.ZipFile(tmp_path / "hetrec.zip", "w") as archive:
        archive.writestr("user_artists.dat", "userID\tartistID\tweight\n2\t51\t13883\n")
        archive.writestr(
            "user_taggedartists.dat",
            "userID\tartistID\ttagID\tday\tmonth\tyear\n2\t52\t13\t1\t4\t2009\n",
        )
        archive.writestr("artists.dat", "id\tname\turl\n51\tDuran, Duran\thttp://x\n")
        archive.writestr("tags.dat", "tagID\ttagValue\n13\tchillout\n")
    domain = sources.lastfm("hetrec.zip", data_dir=str(tmp_path))
    check(domain, tmp_path)
    assert clicks_of(domain, tmp_path) == [("2", "51")]
    assert pools_of(domain, tmp_path) == [("52", "13")]


def test_citeulike(tmp_path):
    write(
        tmp_path / "cu",
        {
            "users.dat": "2 7 9\n1 7\n3 7 8\n0\n1 8\n",
            "item-tag.dat": "1 1\n2 0 1\n",
            "tags.dat": "ucsc-browser\n12_mar_10\n",
        },
    )
    domain = sources.citeulike("cu")
    check(domain, tmp_path)
    spec = domain.clicks
    columns = spec.user_column, spec.item_column
    expected = [
        (1, ("0", "7")),
        (1, ("0", "9")),
        (2, ("1", "7")),
        (3, "malformed"),  # It says three values and has two.
        (5, ("4", "8")),  # The empty library counts as a line.
    ]
    assert rows(spec.table, columns, tmp_path) == expected
    assert rows(spec.table, columns, tmp_path, block_bytes=5) == expected
    assert pools_of(domain, tmp_path) == [("0", "1"), ("1", "0"), ("1", "1")]
    names = domain.scenario_names
    named = rows(names.table, (names.id_column, names.name_column), tmp_path)
    assert named == [(1, ("0", "ucsc-browser")), (2, ("1", "12_mar_10"))]


MOVIELENS = {
    "ratings.csv": "userId,movieId,rating,timestamp\n1,2,3.5,1112486027\n",
    "movies.csv": 'movieId,title,genres\n2,"Jumanji, the (1995)",Adventure|Children\n',
    "tags.csv": "userId,movieId,tag,timestamp\n18,2,Robin Williams,1240597180\n",
}


def test_movielens_by_tags(tmp_path):
    with zipfile.ZipFile(tmp_path / "ml-20m.zip", "w") as archive:
        for name, text in MOVIELENS.items():
            archive.writestr(f"ml-20m/{name}", text)
    domain = sources.movielens("ml-20m.zip", data_dir=str(tmp_path))
    check(domain, tmp_path)
    assert clicks_of(domain, tmp_path) == [("1", "2")]
    assert pools_of(domain, tmp_path) == [("2", "Robin Williams")]
    assert domain.pools.lowercase


def test_movielens_by_genres(tmp_path):
    write(tmp_path / "ml", MOVIELENS)
    domain = sources.movielens("ml", scenarios="genres", data_dir=str(tmp_path))
    check(domain, tmp_path)
    assert pools_of(domain, tmp_path) == [("2", "Adventure|Children")]
    assert domain.pools.separator == "|"


def test_movielens_1m_has_genres_but_no_tags(tmp_path):
    files = {
        "ratings.dat": "1::1193::5::978300760\n",
        "users.dat": "1::F::1::10::48067\n",
        "movies.dat": "1193::One Flew Over the Cuckoo's Nest (1975)::Drama\n",
    }
    write(tmp_path / "ml-1m", files)
    domain = sources.movielens("ml-1m", scenarios="genres", data_dir=str(tmp_path))
    check(domain, tmp_path)
    assert clicks_of(domain, tmp_path) == [("1", "1193")]
    assert pools_of(domain, tmp_path) == [("1193", "Drama")]
    with pytest.raises(ValueError, match=r"tags.csv, which 'ml-1m' does not have"):
        sources.movielens("ml-1m", data_dir=str(tmp_path))


def test_taobao(tmp_path):
    write(
        tmp_path / "taobao",
        {
            "theme_click_log.csv": (
                "user_id,theme_id,item_id,leaf_cate_id,cate_level1_id,clk_cnt,"
                "reach_time\n"
                "105,79,20481,1512,30,1,2018-12-28 15:42:11\n"
            ),
            "theme_item_pool.csv": "theme_id,item_id\n79,20481\n79,20482\n",
        },
    )
    domain = sources.taobao("taobao")
    check(domain, tmp_path)
    assert clicks_of(domain, tmp_path) == [("105", "20481", "79")]
    assert pools_of(domain, tmp_path) == [("20481", "79"), ("20482", "79")]


def movielens_genres(path):
    data_dir = os.environ["CMML_DATA_DIR"]
    return sources.movielens(path, scenarios="genres", data_dir=data_dir)


@pytest.mark.parametrize(
    ("reader", "path", "num_rows"),
    [  # Of clicks, pools, and names of items and of scenarios.
        (sources.lastfm, "hetrec-lastfm", [92_834, 186_479, 17_632, 11_946]),
        (sources.citeulike, "citeulike-a", [204_986, 239_253, 46_391]),
        (movielens_genres, "ml-1m.zip", [1_000_209, 3_883, 3_883]),
    ],
)
def test_every_row_of_the_real_data_can_be_read(reader, path, num_rows):
    data_dir = os.environ.get("CMML_DATA_DIR")
    if data_dir is None or not pathlib.Path(data_dir, path).exists():
        pytest.skip(f"set CMML_DATA_DIR to a folder with {path}")
    used = used_tables(ScenarioDatasetSpec((reader(path),)))
    check_tables(used, data_dir)
    tables = [rows(each.table, list(each.columns.values()), data_dir) for each in used]
    assert [len(table) for table in tables] == num_rows
    for table in tables:
        assert all(isinstance(fields, tuple) and all(fields) for _, fields in table)
