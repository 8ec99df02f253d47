import random

import numpy as np
import pyarrow as pa
import pytest

from transforms.entities.forms_of_ids import forms_of_ids
from transforms.joins import id_forms


@pytest.mark.parametrize("seed", range(4))
def test_forms_found_by_column_are_those_of_all_ids(seed):
    chance = random.Random(seed)
    forms = ("{}", "0{}", "{}.0", " {}", "A{}", "a{}", "a {}", "\u00c4{}", "x{}\u200b")
    ids = {chance.choice(forms).format(chance.randrange(40)) for _ in range(90)}
    rows = {one: chance.randint(1, 9) for one in sorted(ids)}
    columns = pa.array(list(rows)), np.array(list(rows.values()), np.uint8)
    by_column = forms_of_ids("items", "ratings", *columns)
    expected = list(id_forms("items", "ratings", rows))
    assert expected
    assert list(by_column) == expected


def test_ids_of_one_form_each_have_no_other():
    ids = pa.array(["7", "0", "a-1", "70", "1.5"])
    assert list(forms_of_ids("items", "ratings", ids, np.ones(5, np.uint8))) == []
