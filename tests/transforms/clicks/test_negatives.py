import random
from collections import Counter

import numpy as np
import pytest

from transforms.clicks import negatives
from transforms.clicks.negatives import (
    MAX_NUMBERS,
    ToDraw,
    draw_negatives,
    draw_some,
    first_randoms,
)
from transforms.stable_hash import stable_digest


def seeds(number):
    return [stable_digest(0, str(one)) for one in range(number)]


def to_draw(pool_size, users):
    """What to draw for (known places, those of the query, others) of each user."""
    places = [(*known, *query, *others) for known, query, others in users]
    is_known = [
        [True] * len(known) + [False] * len((*query, *others))
        for known, query, others in users
    ]
    return ToDraw(
        pool_size,
        seeds(len(users)),
        *(np.array([len(user[role]) for user in users]) for role in (0, 1)),
        np.repeat(np.arange(len(users)), list(map(len, places))),
        np.concatenate(places).astype(np.int64),
        np.concatenate(is_known),
    )


def one_by_one(draw, users, num_negatives):
    rows = []
    for seed, (known, query, others) in zip(draw.seeds, users, strict=True):
        generator = random.Random(seed)
        clicked = {*known, *query, *others}
        for avoided, number in ((set(known), len(known)), (clicked, len(query))):
            if number:
                rows += draw_some(
                    generator, draw.pool_size, avoided, num_negatives, number
                )
    return rows


def test_first_randoms_are_those_of_each_seed():
    drawn = first_randoms(seeds(40), MAX_NUMBERS)
    for column, seed in zip(drawn.T, seeds(40), strict=True):
        generator = random.Random(seed)
        assert column.tolist() == [generator.random() for _ in range(MAX_NUMBERS)]


@pytest.mark.parametrize("pool_size", [9, 12, 40, 300])
def test_negatives_drawn_in_step_are_those_of_each_user(pool_size, monkeypatch):
    monkeypatch.setattr(negatives, "_USERS_AT_ONCE", 50)
    chance = random.Random(pool_size)
    users = []
    for _ in range(200):
        places = chance.sample(
            range(pool_size), chance.randint(1, min(pool_size - 1, 35))
        )
        ends = sorted(chance.choices(range(len(places) + 1), k=2))
        users.append((places[: ends[0]], places[ends[0] : ends[1]], places[ends[1] :]))
    draw = to_draw(pool_size, users)
    assert draw_negatives(draw, 4).tolist() == one_by_one(draw, users, 4)


def test_a_seed_that_starts_with_zeros_is_drawn_for_alone():
    users = [([1], [], [])]
    draw = to_draw(40, users)
    draw.seeds[0] = bytes(4) + b"seed"
    assert draw_negatives(draw, 3).tolist() == one_by_one(draw, users, 3)


@pytest.mark.parametrize(
    ("pool_size", "avoided", "wanted", "different"),
    [(100, {1, 2}, 4, 4), (8, {0, 1, 2, 3}, 3, 3), (5, {0, 1, 2}, 4, 2)],
)
def test_negatives_are_different_where_there_are_enough(
    pool_size, avoided, wanted, different
):
    (drawn,) = draw_some(random.Random(0), pool_size, avoided, wanted, 1)
    assert len(drawn) == wanted
    assert not set(drawn) & avoided
    assert min(len(set(drawn)), different) == different


def test_negatives_are_drawn_evenly():
    drawn = draw_some(random.Random(0), 10, {0, 1}, 2, 4000)
    counts = Counter(place for of_click in drawn for place in of_click)
    # 8,000 draws of 8 places: 1,000 each, with a deviation of about 30.
    assert set(counts) == set(range(2, 10))
    assert max(abs(count - 1000) for count in counts.values()) < 150


def test_nothing_is_drawn_for_nobody():
    assert draw_negatives(to_draw(9, [([], [], [1])]), 2).shape == (0, 2)
