import dataclasses

import pytest
from page_reader import read

from pipeline.reports.search.tuning_report import search_figures, search_page
from tuning.importance import Importance

EVIL = "<script>alert(1)</script>$a$"
NOTHING = Importance({"model.encoder": "too few"}, "too few")


def page_of(results, **parts):
    parts = {
        "name": "n",
        "advice": ["try"],
        "best_yaml": "a: 1",
        "command": "c",
        "logs": "runs/a & b",
    } | parts
    return search_page(results, NOTHING, **parts)


@pytest.fixture(scope="module")
def page(results):
    return page_of(results, command="cmml run --config 'a & b'")


def test_tags_are_balanced_and_ids_are_unique(page):
    reader = read(page)
    assert len(reader.ids) == len(set(reader.ids))
    assert (reader.tags.count("svg"), reader.tags.count("table")) == (3, 2)


def test_the_page_asks_for_nothing(page):
    reader = read(page)
    assert "://" not in page
    assert not {"link", "img", "iframe"} & set(reader.tags)
    assert all(reference.startswith("#") for reference in reader.references)
    assert {reference[1:] for reference in reader.references} <= set(reader.ids)
    assert "default-src 'none'" in page


def test_parts_stand_in_order_the_verdict_first(page):
    text = read(page).text
    parts = (
        "Trial 0008 is the best",
        "try",
        "There is no permutation importance",
        "tensorboard --logdir runs/a & b",
        "Judged by mean val_mae",
        "cmml run --config 'a & b'",
        "a: 1",
    )
    places = [text.rindex(part) for part in parts]
    assert places == sorted(places)


def test_trials_without_a_result_say_why(page):
    text = read(page).text
    assert f"loss is nan {EVIL}" in text
    assert "no." in text


def test_text_is_escaped(results):
    values = {"model.encoder": EVIL, "training.learning_rate": 0.01}
    first = dataclasses.replace(results.trials[0], values=values)
    evil = dataclasses.replace(results, trials=(first, *results.trials[1:]))
    page = page_of(evil, name=EVIL, advice=[EVIL], best_yaml=EVIL, command=EVIL)
    assert EVIL not in page
    reader = read(page)
    assert reader.tags.count("script") == 1
    # Title, heading, advice, command, best.yaml, three trials, and a reason once more.
    assert reader.text.count(EVIL) == 9


def test_what_lies_beyond_an_axis_is_counted(with_scores):
    search = with_scores((1.0,), (1.1,), (1.2,), (1.3,), (99.0,))
    assert "1 trial is worse than the axis reaches" in read(page_of(search)).text


def test_a_trial_alone_has_a_page(with_scores):
    search = with_scores((1.0, 1.1))
    assert list(search_figures(search)) == ["best_so_far"]
    assert "only completed trial" in read(page_of(search)).text
