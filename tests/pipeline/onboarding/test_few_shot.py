import dataclasses

import numpy as np
import pytest

from models.evaluation.metric import Metric
from pipeline.onboarding.few_shot import FewShotCurve, sizes_up_to
from pipeline.settings.user.metrics import MAE

NAN = np.nan


@pytest.fixture
def curve():
    return FewShotCurve(
        metric=MAE,
        unit="users",
        num_splits=1,
        sizes=[0, 1, 2],
        values={
            "cmml": np.array([[1.0, 1.0, 2.0], [0.5, 0.5, 1.0], [0.2, NAN, NAN]]),
            "item mean": np.array([[1.0, 1.0, 2.0], [1.0, 1.0, 2.0], [1.0, NAN, NAN]]),
        },
        reference="item mean",
    )


def test_a_lower_error_is_a_gain(curve):
    # Differences 0.5, 0.5 and 1.
    assert curve.gain(1).mean == pytest.approx(2.0 / 3.0)
    assert curve.gain(1).low == pytest.approx(0.5)
    assert curve.gain(0).mean == 0.0


def test_a_curve_is_flat_where_no_unit_moves(curve):
    assert not curve.is_flat()
    own = np.array([[1.0, 0.5], [1.0, 0.5], [1.0, NAN]])
    flat = dataclasses.replace(curve, values={**curve.values, "cmml": own})
    assert flat.is_flat()
    nowhere = dataclasses.replace(flat, sizes=[0], values={"cmml": own[:1]})
    assert not nowhere.is_flat()  # Nothing was shown.


def test_one_judges_by_the_largest_size_that_half_of_the_users_reach(curve):
    assert [curve.num_units(size) for size in curve.sizes] == [3, 3, 1]
    assert curve.judged_size == 1


def test_one_judges_by_six_users_where_any_size_has_them(curve):
    errors = np.array([[1.0] * 8, [1.0] * 8, [1.0] * 5 + [NAN] * 3])
    curve = dataclasses.replace(curve, values={"cmml": errors, "item mean": errors})
    assert curve.num_units(2) == 5  # Half of them, and too few to judge by.
    assert curve.judged_size == 1


def test_a_method_that_is_better_than_the_model_is_named(curve):
    assert curve.better_methods(1) == []
    both = {"cmml": curve.values["item mean"], "other": curve.values["cmml"]}
    curve = dataclasses.replace(curve, values=both)
    assert curve.better_methods(1) == ["other"]
    assert dataclasses.replace(curve, metric=Metric("recall@5")).better_methods(1) == []


def test_sizes_end_with_the_pairs():
    assert sizes_up_to(4) == [0, 1, 2, 3]
    assert sizes_up_to(0) == [0]
