import hashlib

import pyarrow as pa
import pytest

from transforms.stable_hash import (
    digest_numbers,
    digests_of,
    fractions,
    joined_texts,
    shard_of,
    shards_of,
    stable_digest,
    stable_digests,
    stable_fraction,
)


def test_digest_is_that_of_seed_and_texts_in_every_process():
    expected = hashlib.blake2b(b"7\x1fu1\x1fi9", digest_size=8).digest()
    assert stable_digest(7, "u1", "i9") == expected


def test_digest_tells_where_one_text_ends():
    assert stable_digest(0, "ab", "c") != stable_digest(0, "a", "bc")


def test_fractions_are_spread_evenly_over_zero_to_one():
    shares = [stable_fraction(0, str(number)) for number in range(2000)]
    assert 0.0 <= min(shares) <= max(shares) < 1.0
    # 2000 draws: a share of 0.3 has a standard deviation of 0.01.
    share = sum(share < 0.3 for share in shares) / 2000
    assert share == pytest.approx(0.3, abs=0.04)


def test_every_key_has_a_shard_in_range():
    assert {shard_of(str(number), 3) for number in range(100)} == {0, 1, 2}


def test_many_digests_are_those_of_each():
    texts = ["a", "é", "", "x" * 200]
    digests = stable_digests(5, "u", last=[text.encode() for text in texts])
    assert digests == b"".join(stable_digest(5, "u", text) for text in texts)
    assert digests_of(digests) == [stable_digest(5, "u", text) for text in texts]
    expected = [stable_fraction(5, "u", text) for text in texts]
    assert fractions(digest_numbers(digests)).tolist() == expected
    assert shards_of(texts, 7).tolist() == [shard_of(text, 7) for text in texts]
    assert shards_of([], 7).tolist() == []


def test_joined_columns_have_the_digests_of_their_texts():
    columns = ["u", "é", ""], ["i1", "", "i2"]
    rows = zip(*columns, strict=True)
    last = joined_texts(*map(pa.array, columns))
    digests = stable_digests(3, "s", last=last)
    assert digests_of(digests) == [stable_digest(3, "s", *row) for row in rows]
