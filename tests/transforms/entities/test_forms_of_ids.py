import random

import numpy as np
import pytest
from rated_tasks import texts

from transforms.entities.forms_of_ids import count_forms_of_ids, partitions_of
from transforms.join_counts import JoinCounts, count_forms
from transforms.raw_text import normal_id

FORMS = ("{}", "0{}", "{}.0", " {}", "A{}", "a{}", "a {}", "\u00c4{}", "x{}\u200b")


def rows_by_id(seed):
    chance = random.Random(seed)
    ids = {chance.choice(FORMS).format(chance.randrange(40)) for _ in range(90)}
    return {one: chance.randint(1, 9) for one in sorted(ids)}


def counted(rows):
    return count_forms_of_ids(texts(list(rows)), np.array(list(rows.values()), int))


@pytest.mark.parametrize("seed", range(4))
def test_forms_found_by_column_are_those_of_all_ids(seed):
    rows = rows_by_id(seed)
    expected = count_forms(rows)
    assert all(of_kind.missed for of_kind in expected)
    assert counted(rows) == expected


def test_ids_of_one_form_each_have_no_other():
    for of_kind in counted(dict.fromkeys(["7", "0", "a-1", "70", "1.5"], 1)):
        assert of_kind == JoinCounts(num_left=5, num_right=5, num_both=5, num_rows=5)


@pytest.mark.parametrize("number", [1, 3, 16])
def test_ids_that_differ_in_form_only_are_in_one_partition(number):
    ids = list(rows_by_id(0))
    by_form = {}
    for one, partition in zip(ids, partitions_of(texts(ids), number), strict=True):
        by_form.setdefault(normal_id(one), set()).add(int(partition))
    assert {len(partitions) for partitions in by_form.values()} == {1}
    assert set().union(*by_form.values()) == set(range(number))


def test_forms_of_all_partitions_are_those_of_all_ids():
    rows = rows_by_id(1)
    whole = count_forms(rows)
    parts = [JoinCounts(), JoinCounts()]
    partitions = dict(zip(rows, partitions_of(texts(list(rows)), 4), strict=True))
    for partition in range(4):
        own = {one: n for one, n in rows.items() if partitions[one] == partition}
        for kind, of_kind in zip(parts, counted(own), strict=True):
            kind.merge(of_kind)
    assert tuple(parts) == whole
