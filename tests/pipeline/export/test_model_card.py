import pytest
import yaml

from pipeline.export.model_card import model_card
from pipeline.settings.setting import ServedWords

MANIFEST = {
    "model_name": "films",
    "model_version": 12,
    "setting": "user",
    "run": "20260101-1",
    "created": 0,
    "tensorflow": "2.21.0",
    "size_bytes": 1_500_000,
    "ops": ["MatMul", "Relu"],
    "dataset_fingerprint": "abc",
    "num_items": 20,
    "num_candidates": 15,
    "label_min": 1.0,
    "label_max": 5.0,
    "trained_on": "meta_train",
    "epochs": 7,
    "limits": {"max_support": 9, "max_query": 99, "top_k": 3},
    "context": {"width": 4, "holds": "pairs", "max_updated_support": 64},
}
WORDS = ServedWords(task="rating films", fallback="what most like")
MAE = {"mean": 0.7, "low": 0.65, "high": 0.75}


@pytest.mark.parametrize("trained_on", ["all", "meta_train"])
def test_the_card_says_what_it_was_trained_on_and_whose_the_figures_are(trained_on):
    made = MANIFEST | {"trained_on": trained_on, "metrics": {"cold": {"mae": MAE}}}
    card = model_card(made, "ml", WORDS)
    (row,) = front_matter(card)["model-index"][0]["results"][0]["metrics"]
    is_refitted = trained_on == "all"
    assert ("trained on all pairs" in card) == is_refitted
    assert ("trained on meta-train alone, for 7 epochs" in card) == (not is_refitted)
    assert ("The figures are of the model before" in card) == is_refitted
    assert row["name"].endswith("before the refit") == is_refitted


def front_matter(card):
    _, front, _ = card.split("---\n", 2)
    return yaml.safe_load(front)


def test_the_front_matter_is_a_model_index_with_intervals():
    card = front_matter(
        model_card(MANIFEST | {"metrics": {"cold": {"mae": MAE}}}, "ml", WORDS)
    )
    assert card["library_name"] == "tf-keras"
    assert card["datasets"] == ["ml"]
    assert card["metrics"] == ["mae"]
    (model,) = card["model-index"]
    assert model["name"] == "films"
    assert model["results"][0]["metrics"] == [
        {
            "type": "mae",
            "name": "mae, cold",
            "value": 0.7,
            "interval_95": [0.65, 0.75],
        }
    ]


def test_the_table_has_what_was_measured():
    card = model_card(MANIFEST | {"metrics": {"cold": {"mae": MAE}}}, "ml", WORDS)
    assert "| mae, cold | 0.7000 | [0.6500, 0.7500] |" in card


def test_a_version_that_was_not_evaluated_says_so():
    card = model_card(MANIFEST, "ml", WORDS)
    assert "Not evaluated before it was exported." in card
    assert front_matter(card)["model-index"][0]["results"][0]["metrics"] == []


@pytest.mark.parametrize(
    ("room", "words"), [(64, "up to 64 support pairs"), (None, "any number of support")]
)
def test_it_says_how_far_a_context_can_be_updated(room, words):
    context = MANIFEST["context"] | {"max_updated_support": room}
    assert words in model_card(MANIFEST | {"context": context}, "ml", WORDS)


def test_it_says_what_the_model_does_and_what_it_falls_back_to():
    card = model_card(MANIFEST, "ml", WORDS)
    task = front_matter(card)["model-index"][0]["results"][0]["task"]
    assert task["name"] == "rating films"
    assert "what most like" in card
