import types

import pytest
import yaml

from pipeline.settings.described_features import describe_features
from transforms.entities.feature_values import parse_feature
from transforms.schema import Feature
from transforms.specs import FeatureSpec


def test_numbers_far_from_all_others_are_said(tmp_path):
    near = Feature("age", "numeric", low=18.0, high=80.0)
    far = Feature("price", "numeric", low=2.5, high=30.0, num_far=2, farthest=999999999)
    info = types.SimpleNamespace(user_features=(near,), item_features=(far,))
    assert describe_features(info, tmp_path) == [
        "prepare: price of items: 2 numbers far from all others, such as 999999999, "
        "counted as the nearest of these, 2.5 to 30: if it is a code for unknown, put "
        "it into `table.missing`"
    ]


@pytest.fixture
def with_genres(tmp_path):
    """Says what is said of a feature of items, or of users, with these values."""

    def describe(values, *, is_of_users=False):
        feature = Feature("genre", "multi", vocabulary_size=len(values))
        path = tmp_path / "vocabulary" / "genre.txt"
        path.parent.mkdir()
        path.write_text("".join(f"{value}\n" for value in values), encoding="utf-8")
        features = {"item_features": (feature,), "user_features": ()}
        if is_of_users:
            features = {"item_features": (), "user_features": (feature,)}
        return describe_features(types.SimpleNamespace(**features), tmp_path)

    return describe


@pytest.mark.parametrize(
    "text", ['["Film noir", "Kids\' TV"]', "['Film noir', 'Kids TV']"]
)
def test_texts_of_lists_are_said_with_keys_that_read_them(with_genres, text):
    (line,) = with_genres([text, '["Drama"]', "Action"])
    assert line.startswith(
        f"prepare: genre of items: 2 of 3 values are texts of lists, such as {text}, "
        "each of which counts as one value: `kind: multi`, "
    )
    keys = yaml.safe_load("\n".join(line.split("`")[1::2]))
    spec = FeatureSpec("genre", **keys)
    values = parse_feature(text, spec).value
    assert values == ("Film noir", "Kids' TV" if '"' in text else "Kids TV")


def test_users_with_lists_are_to_be_mended_in_their_table(with_genres):
    (line,) = with_genres(["['a']"], is_of_users=True)
    assert line.endswith("the table of users must have them without brackets")


def test_values_that_are_several_by_another_sign_are_said(with_genres):
    (line,) = with_genres(["War", "Drama, War", "Drama, Crime", "Crime, Drama, War"])
    assert line == (
        "prepare: genre of items: 3 of 4 values hold ',', such as 'Drama, War', and "
        "count as one value each: if they are several, `kind: multi` and "
        '`separator: ","` cut them'
    )


@pytest.mark.parametrize(
    "values",
    [
        ["Action", "[Drama]", "]["],
        ["Doe, Jane", "Roe, Ann"],  # Four parts: names.
        ["Drama, War", "Drama", "War", "Crime"],  # One of four.
        [],
    ],
)
def test_nothing_is_said_of_other_values(with_genres, values):
    assert with_genres(values) == []
