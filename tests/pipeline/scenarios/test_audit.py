import dataclasses

import numpy as np
import pytest

from models.scenarios.records import KnownClicks, ScenarioTask
from pipeline.scenarios.audit import (
    asked_in_two_splits,
    clicked_negatives,
    fold_scores,
    known_candidates,
    negatives_held_out,
    normalised_ranks,
    query_in_known_clicks,
    query_in_support,
    shuffled_users,
)


def rows(*values):
    return np.array(values, np.int32)


# Users 1 and 2, items 1 to 6. User 1 is known for 1 and asked for 2 and 3; user 2 is
# known for 4 and asked for 1.
TASK = ScenarioTask(
    scenario_id="s",
    pool=rows(1, 2, 3, 4, 5, 6),
    support_user=rows(1, 2),
    support_item=rows(1, 4),
    support_fold=rows(0, 1),
    support_negative=rows([5, 6], [5, 1]),
    query_user=rows(1, 2, 1),
    query_item=rows(2, 1, 3),
    query_negative=rows([5, 6], [5, 6], [4, 5]),
    known_user=rows(1, 2),
    known_item=rows(1, 4),
)
KNOWN = KnownClicks(rows(1, 2, 3), rows(1, 4, 2), rows(0, 1, 0), 3, 6)


def test_a_clean_task_is_clean():
    assert query_in_known_clicks([TASK], KNOWN).verdict == "ok"
    assert query_in_support([TASK], [TASK]).verdict == "ok"
    assert known_candidates([TASK], KNOWN, says_scenarios=False).verdict == "ok"
    assert clicked_negatives([TASK]).verdict == "ok"


def test_a_query_pair_that_vectors_have_seen_is_a_leak():
    seen = dataclasses.replace(KNOWN, user=rows(1, 2, 2), item=rows(1, 4, 1))
    found = query_in_known_clicks([TASK], seen)
    assert (found.verdict, found.detail[:6]) == ("LEAK", "1 of 3")


def test_a_query_pair_in_the_support_of_another_scenario_is_a_leak():
    other = dataclasses.replace(TASK, scenario_id="t", support_item=rows(3, 4))
    assert query_in_support([TASK, other], [TASK]).verdict == "LEAK"


def test_a_known_item_that_is_a_candidate_is_a_leak():
    blind = dataclasses.replace(TASK, known_user=rows(2), known_item=rows(4))
    assert known_candidates([blind], KNOWN, says_scenarios=False).verdict == "LEAK"
    assert known_candidates([blind], KNOWN, says_scenarios=True).verdict == "note"


def test_a_query_negative_that_was_clicked_is_a_leak():
    # Item 2 of user 1 is asked for elsewhere in the task, item 1 of them is known.
    for item in (2, 1):
        bad = dataclasses.replace(TASK, query_negative=rows([5, 6], [5, 6], [item, 5]))
        assert clicked_negatives([bad]).verdict == "LEAK"


def test_support_negatives_that_will_be_clicked_are_counted():
    # Item 1 is a negative of user 2 and held out of them.
    assert negatives_held_out([TASK], [TASK]).detail.startswith("1 of 4:")


def test_ranks_leave_out_what_is_known_and_share_ties():
    scores = np.array([[9.0, 5.0, 3.0, 4.0, 3.0, 1.0], [1.0, 1.0, 1.0, 9.0, 1.0, 0.0]])
    # User 1: item 1 is known; of 5 candidates item 2 is first, item 3 shares places 3
    # and 4 with item 5, the third of 0 to 4 at 2.5. User 2: item 1 shares the first
    # four of five candidates: 1.5 of 4.
    found = normalised_ranks(TASK, scores, TASK.query_item)
    np.testing.assert_allclose(found, [0.0, 1.5 / 4, 2.5 / 4])


def test_nothing_to_compare_is_no_verdict():
    assert fold_scores(float("nan"), 0.5, 0.6).verdict == "note"


@pytest.mark.parametrize(
    ("out_of_fold", "verdict"), [(0.6, "ok"), (0.75, "ok"), (0.9, "LEAK")]
)
def test_vectors_that_have_seen_their_fold_are_a_leak(out_of_fold, verdict):
    assert fold_scores(1.0, out_of_fold, 0.6).verdict == verdict


def test_a_click_must_be_told_by_whose_it_is():
    own = np.linspace(0.0, 0.4, 50)
    popular = own + 0.1
    by = "the dot product"
    assert shuffled_users(own, own + 0.2, popular, by).verdict == "ok"
    assert shuffled_users(own, own, popular, by).verdict == "LEAK"
    # Popularity knows no user, and cannot tell.
    assert shuffled_users(own, own, popular, "popularity").verdict == "ok"


def test_a_pair_that_both_splits_ask_for_is_a_leak():
    other = dataclasses.replace(TASK, query_item=rows(3, 5, 2))
    assert asked_in_two_splits([TASK], [TASK]).verdict == "LEAK"
    # User 1 is asked for 3 and 2 in both.
    assert asked_in_two_splits([TASK], [other]).detail.startswith("2 of 3")
    apart = dataclasses.replace(TASK, query_item=rows(5, 5, 6))
    assert asked_in_two_splits([TASK], [apart]).verdict == "ok"


def test_the_audit_of_a_prepared_data_set_is_clean(
    scenario_experiment, scenario_tables, cmml
):
    config = scenario_experiment.config_path
    done = cmml("audit", "--config", config, data_dir=scenario_tables)
    assert done.status == 0, done.stdout
    assert "0 leaks found in 12 checks" in done.stdout
    assert "out of fold" in done.stdout
