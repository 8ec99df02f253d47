import typing

import pytest

from models.options import EncoderName, HybridName, ModulationName
from models.parts.family import ENCODERS, HYBRIDS, MODULATIONS, combinations


@pytest.mark.parametrize(
    ("members", "names"),
    [(ENCODERS, EncoderName), (HYBRIDS, HybridName), (MODULATIONS, ModulationName)],
)
def test_every_name_that_the_options_take_has_a_member(members, names):
    assert set(members) == set(typing.get_args(names))


def test_combinations_are_all_there_each_once():
    found = [tuple(names.values()) for names in combinations()]
    assert len(set(found)) == len(found) == 5 * 3 * 4
    assert ("gru", "dot", "film") in found
