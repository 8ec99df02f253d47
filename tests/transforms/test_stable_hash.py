import hashlib

import pytest

from transforms.stable_hash import shard_of, stable_digest, stable_fraction


def test_digest_is_that_of_seed_and_texts_in_every_process():
    expected = hashlib.blake2b(b"7\x1fu1\x1fi9", digest_size=8).digest()
    assert stable_digest(7, "u1", "i9") == expected


def test_digest_tells_where_one_text_ends():
    assert stable_digest(0, "ab", "c") != stable_digest(0, "a", "bc")


def test_fractions_are_spread_evenly_over_zero_to_one():
    fractions = [stable_fraction(0, str(number)) for number in range(2000)]
    assert 0.0 <= min(fractions) <= max(fractions) < 1.0
    # 2000 draws: a share of 0.3 has a standard deviation of 0.01.
    share = sum(fraction < 0.3 for fraction in fractions) / 2000
    assert share == pytest.approx(0.3, abs=0.04)


def test_every_key_has_a_shard_in_range():
    assert {shard_of(str(number), 3) for number in range(100)} == {0, 1, 2}
