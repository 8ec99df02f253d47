import json

import numpy as np
import pytest

from models.factors.vector_files import VECTORS_JSON, load_vectors, save_vectors
from models.factors.vectors import Vectors
from transforms.schema import SUCCESS, DataError


@pytest.fixture
def vectors():
    """Two fits of 3 users and 4 items, of width 2; every number is another one."""
    return Vectors(
        np.arange(2 * 4 * 2, dtype=np.float32).reshape(2, 4, 2),
        -np.arange(2 * 5 * 2, dtype=np.float32).reshape(2, 5, 2),
        num_fallbacks=((0, 1), (2, 3)),
        num_further=1,
        blends=((1.0, 0.25), (0.4, 0.6)),
        strengths=np.array([2.5, 0.5], np.float32),
        ridge_clicks=8.0,
        count_weight=0.3,
        mean_weight=0.2,
    )


def test_vectors_come_back_as_they_were(tmp_path, vectors):
    save_vectors(tmp_path / "v", vectors, {"method": "als"})
    loaded = load_vectors(tmp_path / "v")
    np.testing.assert_array_equal(loaded.users, vectors.users)
    np.testing.assert_array_equal(loaded.items, vectors.items)
    assert loaded.users.dtype == loaded.items.dtype == np.float32
    assert loaded.num_fallbacks == ((0, 1), (2, 3))
    assert loaded.num_further == 1
    np.testing.assert_array_equal(loaded.strengths, vectors.strengths)
    assert (loaded.ridge_clicks, loaded.count_weight) == (8.0, 0.3)
    assert loaded.mean_weight == 0.2
    assert loaded.blends == vectors.blends
    facts = json.loads((tmp_path / "v" / VECTORS_JSON).read_text())
    assert (facts["num_fits"], facts["width"], facts["method"]) == (2, 2, "als")


def test_more_vectors_than_are_read_at_once_come_back_in_order(tmp_path):
    table = np.arange(2 * 9000 * 2, dtype=np.float32).reshape(2, 9000, 2)
    save_vectors(tmp_path / "v", Vectors(table, -table[:, :5]), {})
    np.testing.assert_array_equal(load_vectors(tmp_path / "v").users, table)
    without = load_vectors(tmp_path / "v", with_folds=False).users
    np.testing.assert_array_equal(without, table[:1])


def test_saving_replaces_what_is_there_and_leaves_nothing_beside(tmp_path, vectors):
    (tmp_path / "v").mkdir()
    (tmp_path / "v" / "old").touch()
    (tmp_path / ".v.tmp").mkdir()
    (tmp_path / ".v.tmp" / "half").touch()
    save_vectors(tmp_path / "v", vectors, {})
    assert [path.name for path in tmp_path.iterdir()] == ["v"]
    assert {path.name for path in (tmp_path / "v").iterdir()} == {
        SUCCESS,
        VECTORS_JSON,
        "user-00000-of-00001.tfrecord",
        "item-00000-of-00001.tfrecord",
    }


def test_equal_vectors_give_equal_bytes(tmp_path, vectors):
    for name in ("a", "b"):
        save_vectors(tmp_path / name, vectors, {"method": "als"})
    for path in (tmp_path / "a").iterdir():
        assert path.read_bytes() == (tmp_path / "b" / path.name).read_bytes()


def test_vectors_that_are_not_there_are_refused(tmp_path):
    with pytest.raises(DataError, match=r"v holds no vectors .*: run `cmml pretrain`"):
        load_vectors(tmp_path / "v")


@pytest.mark.parametrize(
    ("name", "text"),
    [
        (SUCCESS, "holds no vectors"),
        ("item-00000-of-00001.tfrecord", r"item-\S+ is missing: remove it and run"),
    ],
)
def test_half_of_the_vectors_is_refused(tmp_path, vectors, name, text):
    save_vectors(tmp_path / "v", vectors, {})
    (tmp_path / "v" / name).unlink()
    with pytest.raises(DataError, match=text):
        load_vectors(tmp_path / "v")


@pytest.mark.parametrize(
    ("change", "text"),
    [
        (lambda data: data[: len(data) // 3], r"must have \d+ bytes and 4 records"),
        (lambda data: data[:-1] + b"x", r"has other content than the \d+ bytes"),
    ],
)
def test_vectors_that_are_cut_or_damaged_are_refused_by_name(
    tmp_path, vectors, change, text
):
    save_vectors(tmp_path / "v", vectors, {})
    path = tmp_path / "v" / "user-00000-of-00001.tfrecord"
    path.write_bytes(change(path.read_bytes()))
    with pytest.raises(DataError, match=rf"user-\S+ {text}"):
        load_vectors(tmp_path / "v")


@pytest.mark.parametrize("text", ["{", '{"num_fits": 1}'])
def test_vectors_whose_files_nothing_describes_are_refused(tmp_path, vectors, text):
    """As those that were written before sizes and checksums were kept."""
    save_vectors(tmp_path / "v", vectors, {})
    (tmp_path / "v" / "vectors.json").write_text(text)
    with pytest.raises(
        DataError, match=r"vectors\.json does not say .*`cmml pretrain`"
    ):
        load_vectors(tmp_path / "v")


def test_vectors_that_cannot_be_written_leave_nothing(tmp_path, vectors):
    with pytest.raises(TypeError, match="not JSON serializable"):
        save_vectors(tmp_path / "v", vectors, {"method": object()})
    assert not list(tmp_path.iterdir())
