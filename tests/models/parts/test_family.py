from models.options import MemberOptions
from models.parts.family import build_members, combinations


def test_combinations_are_all_there_each_once():
    found = [tuple(names.values()) for names in combinations()]
    assert len(set(found)) == len(found) == 5 * 3 * 4
    assert ("gru", "dot", "film") in found


def test_every_name_that_the_options_take_has_a_member_of_its_own():
    classes = set()
    for names in combinations():
        *members, backbone = build_members(MemberOptions(**names), 4, 1, 0)
        pooling = getattr(members[0], "pooling", "")
        classes.add((*(type(one).__name__ for one in members), pooling))
        assert backbone.input_dim == 4
    assert len(classes) == 5 * 3 * 4
