import numpy as np
import pytest

from pipeline.onboarding.placement import SizeGroup, place_tasks, size_for, why_no_place


def make_group(known, new, size=4):
    return SizeGroup(
        size,
        known,
        [f"known {n}" for n in range(len(known))],
        np.array(new, np.float32),
        [f"new {n}" for n in range(len(new))],
    )


def test_distances_are_in_units_of_the_median_of_known_ones():
    # On a line, one apart: the mean distance to five others is 1.8 in the middle.
    known = np.arange(101, dtype=np.float32)[:, np.newaxis]
    placement = place_tasks([make_group(known, [[50.5], [110.0]])])
    inside, outside = placement.places
    # Nearest: 0.5, 0.5, 1.5, 1.5, 2.5, mean 1.3; and 10 to 14, mean 12.
    assert inside.distance == pytest.approx(1.3 / 1.8)
    assert outside.distance == pytest.approx(12.0 / 1.8)
    assert (inside.percentile, outside.percentile) == (0.0, 100.0)
    assert (inside.is_outlier, outside.is_outlier) == (False, True)
    assert outside.nearest == [f"known {n}" for n in (100, 99, 98, 97, 96)]
    assert placement.outlier_fraction == 0.5
    assert np.median(placement.known) == pytest.approx(1.0)


def test_what_hardly_varies_or_is_large_does_not_spoil_distances():
    chance = np.random.default_rng(0)
    values = chance.normal(size=[60, 3])
    plain = place_tasks([make_group(values, values[:2] + 0.5)])
    # A large offset, another unit, and a value that is the same for all.
    scaled = np.concatenate([values * 0.01 + 10.0, np.full([60, 1], 7.0)], axis=1)
    new = np.concatenate([(values[:2] + 0.5) * 0.01 + 10.0, [[7.0], [9.0]]], axis=1)
    group = SizeGroup(4, scaled, [""] * 60, new, ["a", "b"])
    same = place_tasks([group])
    for a, b in zip(plain.places, same.places, strict=True):
        assert a.distance == pytest.approx(b.distance, rel=1e-4)


def test_too_few_known_tasks_tell_nothing():
    known = np.arange(19.0)[:, np.newaxis]
    assert place_tasks([make_group(known, [[3.0]])]) is None
    assert place_tasks([]) is None


@pytest.mark.parametrize(
    ("new", "known", "reason"),
    [
        ([], [9] * 50, "the model was trained on all of these users"),
        ([0], [9] * 50, "there is no pair to compare by"),
        ([3, 9], [9] * 19, "known users: 19, at least 20 are needed"),
        # Cut to 8 and 16 pairs; of the known ones 2 have eight.
        ([20, 9, 0], [7] * 30 + [8, 9], "known users with as many pairs (8): 2, at le"),
    ],
)
def test_why_new_tasks_have_no_place_is_said(new, known, reason):
    assert why_no_place(new, known, "users", is_trained=True).startswith(reason)


def test_a_model_that_uses_no_context_gives_no_place():
    reason = why_no_place([9], [9] * 50, "users", is_trained=False)
    assert reason.startswith("no epoch was better than the start")


def test_a_support_set_is_cut_to_a_size_that_others_have_too():
    assert [size_for(n) for n in (0, 1, 3, 7, 8, 500)] == [0, 1, 2, 4, 8, 32]
