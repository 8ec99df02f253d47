"""A third setting goes through every step without a change outside its folder."""

import json
import pathlib

import pytest
import yaml
from basket_setting import BasketConfig

from models.legacy_keras import tf
from pipeline.cli import main
from pipeline.settings.registry import SETTINGS

FOLDER = pathlib.Path(__file__).parent
MOST_LINES = 250


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    """The run of an experiment with baskets, as `cmml run` leaves it."""
    folder = tmp_path_factory.mktemp("baskets")
    config = folder / "baskets.yaml"
    places = {key: str(folder / key) for key in ("prepared_dir", "runs_dir")}
    values = {
        "setting": "basket",
        "name": "baskets",
        "export": {"top_k": 5, "min_item_count": 1},
        **places,
    }
    config.write_text(yaml.safe_dump(values))
    with pytest.MonkeyPatch.context() as patch:
        patch.setitem(SETTINGS, "basket", BasketConfig)
        assert main(["run", "--config", str(config)]) == 0
    (path,) = (folder / "runs_dir" / "baskets").glob("[!.]*-*")
    return path


def test_baskets_are_judged_beside_popularity_at_every_size(run):
    metrics = json.loads((run / "eval" / "metrics.json").read_text())
    assert list(metrics) == ["cmml", "popularity"]
    sizes = {"baskets", "baskets/support_0", "baskets/support_1"}
    assert set(metrics["popularity"]) == sizes
    assert set(metrics["cmml"]) == sizes | {"baskets/other_support"}
    # Six of eight items are of one aisle, which the basket tells and popularity does
    # not: 40 baskets, 4 items asked of each.
    recall = {name: groups["baskets"]["recall@5"] for name, groups in metrics.items()}
    assert recall["cmml"]["mean"] > recall["popularity"]["high"]


def test_the_verdict_is_of_both_metrics_and_every_size(run):
    text = (run / "eval" / "table.md").read_text(encoding="utf-8")
    _, _, verdict = text.partition("\n\nOverall ")
    overall, by_metric, _, by_size = verdict.split("\n\n")[:4]
    assert " of 4 comparisons" in overall  # Two metrics, two smaller sizes.
    first = [
        [line.split("|")[1].strip() for line in table.splitlines()[2:]]
        for table in (by_metric, by_size)
    ]
    assert first == [["recall@5", "mrr"], ["0", "1", "all"]]


def test_the_exported_model_recommends_what_is_of_the_aisle(run):
    (version,) = (run / "export" / "cmml").iterdir()
    model = tf.saved_model.load(str(version))
    shown = [f"item-{row}" for row in (1, 2, 3, 4)]  # The first aisle has ten items.
    best = model.signatures["recommend"](
        support_user_id=tf.constant([["shopper"] * 4]),
        support_item_id=tf.constant([shown]),
        support_label=tf.ones([1, 4]),
        query_user_id=tf.constant(["shopper"]),
        candidate_item_id=tf.zeros([1, 0], tf.string),
        exclude_item_id=tf.zeros([1, 0], tf.string),
    )
    ids = [item.decode() for item in best["item_id"].numpy()[0]]
    assert len(ids) == 5
    assert not set(ids) & set(shown)


def test_the_setting_is_one_short_folder():
    lines = (FOLDER / "basket_setting.py").read_text().splitlines()
    assert len(lines) <= MOST_LINES
