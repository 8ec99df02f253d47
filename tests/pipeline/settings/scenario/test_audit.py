import dataclasses
import shutil
import types

import numpy as np
import pytest

from models.episodes.click_records import KnownClicks, ScenarioTask
from models.factors.vector_files import save_vectors
from models.factors.vectors import Vectors
from pipeline.settings.scenario.audit import clicks as audited_tasks
from pipeline.settings.scenario.audit.clicks import (
    pools_of_one_user,
    repeated_clicks,
    scenario_protocol,
    too_small_tasks,
    wrong_pools,
)
from pipeline.settings.scenario.audit.controls import (
    controls,
    factors_out_of_fold,
    fold_scores,
    incomplete_factors,
    normalised_ranks,
    shuffled_users,
)
from pipeline.settings.scenario.audit.pairs import (
    clicked_negatives,
    clicked_support_negatives,
    known_candidates,
    negatives_held_out,
    query_in_known_clicks,
    query_in_support,
    query_in_two_splits,
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


def info(**episodes):
    """What `dataset.json` says, as far as it is looked at."""
    sizes = {
        "min_pool_size": 6,
        "max_pool_size": 6,
        "support_size": 64,
        "min_clicks": 2,
        **episodes,
    }
    return types.SimpleNamespace(
        options={"episodes": sizes, "split": {"held_out_fraction": 0.2}},
        num_folds=2,
        has_user_tasks=False,
    )


def vectors(**scores):
    """Three fits whose dot products are given: by pair for each of them.

    Args:
        scores: {(user, item): score} of `fit_0`, `fit_1` and `fit_2`.
    """
    users = np.zeros([3, 4, 7], np.float32)
    for fit in range(3):
        for pair, score in scores[f"fit_{fit}"].items():
            users[(fit, *pair)] = score
    return Vectors(users, np.stack([np.eye(7, dtype=np.float32)] * 3))


def test_a_clean_task_is_clean():
    assert query_in_known_clicks([TASK], KNOWN).verdict == "ok"
    assert query_in_support([], [TASK]).verdict == "ok"
    assert known_candidates([TASK], KNOWN, says_scenarios=False).verdict == "ok"
    assert clicked_negatives([TASK]).verdict == "ok"
    assert clicked_support_negatives([TASK]).verdict == "ok"
    assert wrong_pools([TASK]).verdict == "ok"
    assert repeated_clicks([TASK]).verdict == "ok"
    assert too_small_tasks([TASK], [TASK], info()).verdict == "ok"


@pytest.mark.parametrize(
    "changes",
    [
        {"pool": rows(1, 2, 3, 4, 5, 5, 6)},
        {"pool": rows(1, 2, 3, 4, 6, 5)},
        {"support_item": rows(1, 7)},
        {"support_negative": rows([5, 6], [5, 7])},
        {"query_item": rows(2, 1, 7)},
        {"query_negative": rows([5, 6], [5, 6], [4, 7])},
        {"known_item": rows(1, 7)},
    ],
)
def test_an_item_twice_in_the_pool_or_outside_of_it_is_a_leak(changes):
    found = wrong_pools([dataclasses.replace(TASK, **changes)])
    assert (found.verdict, found.detail[:5]) == ("LEAK", "1 of ")


def test_a_task_of_another_size_than_the_options_say_is_a_leak():
    # Two clicks of support, of which a meta-test task need not show more than one.
    assert too_small_tasks([TASK], [], info(min_clicks=3)).verdict == "LEAK"
    assert too_small_tasks([], [TASK], info(min_clicks=3)).verdict == "LEAK"
    few = info(min_clicks=3, support_size=1)
    assert too_small_tasks([TASK], [], few).verdict == "LEAK"
    assert too_small_tasks([], [TASK], few).verdict == "ok"
    nothing = dataclasses.replace(TASK, query_user=rows(), query_item=rows())
    assert too_small_tasks([nothing], [], info()).verdict == "ok"
    assert too_small_tasks([], [nothing], info()).verdict == "LEAK"
    for sizes in ({"min_pool_size": 7}, {"max_pool_size": 5}):
        assert too_small_tasks([TASK], [], info(**sizes)).verdict == "LEAK"


def test_a_pair_twice_on_one_side_of_a_task_is_a_leak():
    for changes in (
        {"support_user": rows(1, 1), "support_item": rows(1, 1)},
        {"query_user": rows(1, 2, 1), "query_item": rows(2, 1, 2)},
    ):
        found = repeated_clicks([dataclasses.replace(TASK, **changes)])
        assert (found.verdict, found.detail[:6]) == ("LEAK", "1 of 5")
    # Two users may have clicked one item.
    shared = dataclasses.replace(TASK, support_item=rows(1, 1))
    assert repeated_clicks([shared]).verdict == "ok"


def test_a_query_pair_that_vectors_have_seen_is_a_leak():
    seen = dataclasses.replace(KNOWN, user=rows(1, 2, 2), item=rows(1, 4, 1))
    found = query_in_known_clicks([TASK], seen)
    assert (found.verdict, found.detail[:6]) == ("LEAK", "1 of 3")


def test_a_query_pair_in_the_support_of_another_scenario_is_a_leak():
    other = dataclasses.replace(TASK, scenario_id="t", support_item=rows(3, 4))
    assert query_in_support([], [TASK, other]).verdict == "LEAK"


def test_a_query_pair_anywhere_in_meta_train_is_a_leak():
    nothing = {"query_user": rows(), "query_item": rows()}
    trained = dataclasses.replace(TASK, **nothing)
    assert query_in_support([trained], [TASK]).verdict == "ok"
    shown = dataclasses.replace(trained, support_item=rows(3, 4))
    assert query_in_support([shown], [TASK]).detail.startswith("1 of 3")
    asked = dataclasses.replace(trained, query_user=rows(2), query_item=rows(1))
    assert query_in_support([asked], [TASK]).detail.startswith("1 of 3")


def test_a_known_item_that_is_a_candidate_is_a_leak():
    blind = dataclasses.replace(TASK, known_user=rows(2), known_item=rows(4))
    assert known_candidates([blind], KNOWN, says_scenarios=False).verdict == "LEAK"
    assert known_candidates([blind], KNOWN, says_scenarios=True).verdict == "note"


def test_a_query_negative_that_was_clicked_is_a_leak():
    # Item 2 of user 1 is asked for elsewhere in the task, item 1 of them is known.
    for item in (2, 1):
        bad = dataclasses.replace(TASK, query_negative=rows([5, 6], [5, 6], [item, 5]))
        assert clicked_negatives([bad]).verdict == "LEAK"


def test_a_support_negative_that_is_a_click_of_the_same_user_is_a_leak():
    # Item 4 is a click of user 2, and a fair negative of user 1.
    fair = dataclasses.replace(TASK, support_negative=rows([5, 4], [5, 1]))
    assert clicked_support_negatives([fair]).verdict == "ok"
    bad = dataclasses.replace(TASK, support_negative=rows([5, 6], [5, 4]))
    found = clicked_support_negatives([bad])
    assert (found.verdict, found.detail[:6]) == ("LEAK", "1 of 4")


def test_support_negatives_that_will_be_clicked_are_counted():
    # Item 1 is a negative of user 2 and held out of them.
    assert negatives_held_out([TASK], [TASK]).detail.startswith("1 of 4:")


def test_a_pool_that_one_user_has_clicked_half_of_is_a_leak(monkeypatch):
    # User 1 has clicked three of the six items of the pool, of 100 items in all.
    many_items = dataclasses.replace(KNOWN, num_items=100)
    assert pools_of_one_user([TASK], many_items).verdict == "ok"  # Three are few.
    monkeypatch.setattr(audited_tasks, "_LIBRARY", 3)
    finding = pools_of_one_user([TASK], many_items)
    assert (finding.verdict, finding.detail[:6]) == ("LEAK", "2 of 3")


@pytest.mark.parametrize(("num_items", "size"), [(6, 6), (100, 7)])
def test_a_pool_is_no_library_of_users_who_click_everything_or_less(
    monkeypatch, num_items, size
):
    monkeypatch.setattr(audited_tasks, "_LIBRARY", 3)
    known = dataclasses.replace(KNOWN, num_items=num_items)
    task = dataclasses.replace(TASK, pool=np.arange(1, size + 1, dtype=np.int32))
    finding = pools_of_one_user([task], known)
    assert (finding.verdict, finding.detail[:6]) == ("ok", "0 of 3")


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


def test_fits_that_hardly_differ_are_within_the_tolerance():
    # Beyond the middle of 0.50 and 0.47, but by no more than 0.02.
    assert fold_scores(0.50, 0.49, 0.47).verdict == "ok"


def test_a_fit_that_was_not_made_without_its_fold_is_a_leak():
    # Known pairs of items that are asked for: (1, 1) of fold 0 and (3, 2) of fold 0.
    # Held-out pairs: (1, 2), (2, 1) and (1, 3), of which the mean is 0.6 / 3 = 0.2.
    held_out = {(1, 2): 0.3, (2, 1): 0.1, (1, 3): 0.2}
    seen = {(1, 1): 0.9, (3, 2): 1.1, **held_out}
    unseen = {(1, 1): 0.2, (3, 2): 0.0}
    clean = vectors(fit_0=seen, fit_1=unseen, fit_2=seen)
    found = factors_out_of_fold([TASK], KNOWN, clean)
    assert found.verdict == "ok"
    assert "1.000 of known clicks" in found.detail
    assert "0.100 out of fold, 0.200 of held-out" in found.detail
    planted = vectors(fit_0=seen, fit_1=seen, fit_2=unseen)
    assert factors_out_of_fold([TASK], KNOWN, planted).verdict == "LEAK"


def many_users(*, same):
    """A task of 40 users with one click each in a pool of 40, and their vectors.

    Users like their own item best, or all of them like the same ones.
    """
    numbers = np.arange(1, 41, dtype=np.int32)
    task = dataclasses.replace(
        TASK,
        pool=numbers,
        query_user=numbers,
        query_item=numbers,
        known_user=rows(),
        known_item=rows(),
    )
    users = np.zeros([3, 41, 41], np.float32)
    users += np.arange(41) if same else np.eye(41)
    return task, Vectors(users, np.stack([np.eye(41, dtype=np.float32)] * 3))


def test_clicks_dealt_out_to_others_must_rank_lower():
    known = KnownClicks(rows(1, 2), rows(2, 1), rows(0, 1), 40, 40)
    verdicts = {}
    for same in (False, True):
        task, fitted = many_users(same=same)
        found = {f.name: f for f in controls([task], known, fitted)}
        verdicts[same] = found["permuted labels"].verdict
        assert found["popularity alone"].verdict == "note"
    # With the same taste for all, whose click it is makes no difference.
    assert verdicts == {False: "ok", True: "LEAK"}


def test_without_vectors_popularity_takes_their_place():
    task, _ = many_users(same=False)
    known = KnownClicks(rows(1, 2), rows(2, 1), rows(0, 1), 40, 40)
    found = controls([task], known, None)
    assert [f.verdict for f in found] == ["ok", "note", "note"]
    assert "none are fitted" in found[-1].detail


def test_what_was_clicked_in_another_scenario_takes_no_place_before_the_query():
    # User 1 has clicked item 6 elsewhere, which is more popular than items 2 and 3.
    known = KnownClicks(rows(1, 1, 2, 2), rows(1, 6, 4, 6), rows(0, 0, 0, 0), 3, 6)
    own = {"query_user": rows(1, 1), "query_item": rows(2, 3)}
    task = dataclasses.replace(TASK, **own, known_user=rows(1), known_item=rows(1))
    popular = controls([task], known, None)[1]
    # Among items 2 to 5 first is 4; the others share the places of 1 to 3, at 2 of 3.
    assert "known clicks of the item: 0.667;" in popular.detail


def test_vectors_that_lack_a_file_or_a_fit_are_a_leak(tmp_path):
    facts = {"method": "als"}
    fits = vectors(fit_0={}, fit_1={}, fit_2={})
    save_vectors(tmp_path / "whole", fits, facts)
    assert incomplete_factors(tmp_path, info()).verdict == "ok"
    assert incomplete_factors(tmp_path / "none", info()).verdict == "ok"
    for name in ("_SUCCESS", "vectors.json", "item-00000-of-00001.tfrecord"):
        shutil.copytree(tmp_path / "whole", tmp_path / "part")
        (tmp_path / "part" / name).unlink()
        assert incomplete_factors(tmp_path, info()).detail.startswith("1 of 2")
        shutil.rmtree(tmp_path / "part")
    save_vectors(tmp_path / "whole", Vectors(fits.users[:1], fits.items[:1]), facts)
    assert incomplete_factors(tmp_path, info()).verdict == "LEAK"


def test_the_protocol_is_told_from_the_options():
    published = info(min_pool_size=100, max_pool_size=1000)
    alike, different = scenario_protocol(published, 128).detail.split("Different: ")
    assert "64 support clicks; 128 query clicks" in alike
    assert "pools of 100 to 1000 items" in alike
    assert "20% of pairs are held out" in different
    different = scenario_protocol(info(support_size=16), 32).detail.split("Different")[
        1
    ]
    assert "64 support clicks, here 16" in different
    assert "128 query clicks of a training episode, here 32" in different
    assert "pools of 100 to 1000 items, here 6 to 6" in different


def test_a_click_must_be_told_by_whose_it_is():
    own = np.linspace(0.0, 0.4, 50)
    by = "the dot product"
    assert shuffled_users(own, own + 0.2, by).verdict == "ok"
    assert shuffled_users(own, own, by).verdict == "LEAK"
    # Popularity knows no user, and cannot tell.
    assert shuffled_users(own, own, "popularity").verdict == "ok"


def test_a_pair_that_both_splits_ask_for_is_a_leak():
    other = dataclasses.replace(TASK, query_item=rows(3, 5, 2))
    assert query_in_two_splits([TASK], [TASK]).verdict == "LEAK"
    # User 1 is asked for 3 and 2 in both.
    assert query_in_two_splits([TASK], [other]).detail.startswith("2 of 3")
    apart = dataclasses.replace(TASK, query_item=rows(5, 5, 6))
    assert query_in_two_splits([TASK], [apart]).verdict == "ok"
