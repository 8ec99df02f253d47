"""Three small models with all that the page asks for, a server of each, and a browser.

An item has one of three genres by its number. A label counts for every item of its
genre, so that each score can be worked out by hand.
"""

import json

import pytest
import tensorflow as tf

from pipeline.export.saved_graph import signatures_of
from pipeline.serving.server.model_server import (
    ModelServer,
    ServedModelDirectory,
    ServerOptions,
)

NUM_GENRES = 3
TOP_K = 12
NAMES = {f"f{number}": f"Film {number}" for number in range(14)}
NAMES |= {"f4": "Amélie", "f5": "<b>Bold</b> & co.", "f13": ""}
POPULARITY = [(len(NAMES) - number) / 100 for number in range(len(NAMES))]
VERSION = "1700000007"


def spec(name, *shape, dtype=tf.string):
    return tf.TensorSpec(shape, dtype, name)


def ids(name):
    return spec(name, None, None)


LABELS = spec("support_label", None, None, dtype=tf.float32)


def number_of(item_ids):
    """Number of each item; -1 for unknown ids and padding."""
    known = item_ids[..., tf.newaxis] == tf.constant(list(NAMES))
    number = tf.argmax(tf.cast(known, tf.int32), axis=-1, output_type=tf.int32)
    return tf.where(tf.reduce_any(known, axis=-1), number, -1)


def popularity_of(item_ids):
    return tf.gather(tf.constant(POPULARITY), tf.maximum(number_of(item_ids), 0))


def contributions(support_items, values, query_items):
    """What each support pair adds to each query item, [B, Q, S]."""
    support, query = number_of(support_items), number_of(query_items)
    is_alike = (
        support[:, tf.newaxis] % NUM_GENRES == query[..., tf.newaxis] % NUM_GENRES
    )
    is_alike &= support[:, tf.newaxis] >= 0
    return tf.where(is_alike, values[:, tf.newaxis], 0.0)


def modulation(support_items, values, query_items):
    """Two values of "scale_0", the sum and its opposite, and one of "shift_0"."""
    total = tf.reduce_sum(contributions(support_items, values, query_items), axis=2)
    return tf.stack([total, -total, tf.ones_like(total)], axis=2)


def best(scores, is_out):
    """The items of the highest scores [B, N], best first."""
    top = tf.math.top_k(tf.where(is_out, -1e9, scores), TOP_K)
    is_there = top.values > -1e8
    items = tf.gather(tf.constant(list(NAMES)), top.indices)
    return {
        "item_id": tf.where(is_there, items, ""),
        "score": tf.where(is_there, top.values, 0.0),
    }


def is_among(item_ids):
    """Whether each item of the catalogue is among those given, [B, N]."""
    numbers = tf.range(len(NAMES))[tf.newaxis, :, tf.newaxis]
    return tf.reduce_any(numbers == number_of(item_ids)[:, tf.newaxis], axis=2)


def catalogue_like(values):
    """The ids of all items for each row of the values, [B, N]."""
    return tf.repeat(tf.constant([list(NAMES)]), tf.shape(values)[0], axis=0)


class FilmModel(tf.Module):
    """Scores are 3 plus popularity plus (label - 3) / 4 for each label of the genre."""

    TASK = (
        ids("support_item_id"),
        LABELS,
        spec("user_age", None, dtype=tf.float32),
        spec("user_gender", None),
        ids("user_languages"),
    )

    def _score(self, items, labels, age, query):
        in_range = tf.debugging.Assert(
            tf.reduce_all((labels <= 5.0) | (items == "")),
            ["support_label must be within [1, 5], got", labels],
        )
        with tf.control_dependencies([in_range]):
            parts = contributions(items, (labels - 3.0) / 4.0, query)
        # A known age moves all scores by a thousandth a year.
        years = tf.where(tf.math.is_nan(age), 0.0, age)[:, tf.newaxis]
        rest = 3.0 + popularity_of(query) + years / 1000.0
        return rest + tf.reduce_sum(parts, axis=2), parts

    @tf.function(input_signature=[*TASK, ids("query_item_id")], autograph=False)
    def rank(self, items, labels, age, gender, languages, query):
        return {"score": self._score(items, labels, age, query)[0]}

    @tf.function(input_signature=[*TASK, ids("exclude_item_id")], autograph=False)
    def recommend(self, items, labels, age, gender, languages, exclude):
        score, _ = self._score(items, labels, age, catalogue_like(labels))
        has_support = tf.reduce_any(items != "", axis=1)
        is_known = (gender != "") | tf.reduce_any(languages != "", axis=1)
        reason = tf.where(is_known, "user_features", "popularity")
        reason = tf.where(has_support, "", reason)
        is_popular = (reason == "popularity")[:, tf.newaxis]
        score = tf.where(is_popular, tf.constant([POPULARITY]), score)
        is_out = is_among(tf.concat([items, exclude], axis=1))
        return {**best(score, is_out), "fallback_reason": reason}

    @tf.function(input_signature=[*TASK, ids("query_item_id")], autograph=False)
    def explain(self, items, labels, age, gender, languages, query):
        score, parts = self._score(items, labels, age, query)
        changes = modulation(items, (labels - 3.0) / 4.0, query)
        return {"score": score, "attribution": parts, "modulation": changes}


class ThemeModel(tf.Module):
    """A click counts 1 for its own user and half for others."""

    TASK = (ids("support_user_id"), ids("support_item_id"), LABELS)
    QUERY = (ids("query_user_id"), ids("query_item_id"))

    def _score(self, users, items, labels, query_users, query):
        is_own = users[:, tf.newaxis] == query_users[..., tf.newaxis]  # [B, Q, S]
        parts = contributions(items, labels, query) * tf.where(is_own, 1.0, 0.5)
        return popularity_of(query) + tf.reduce_sum(parts, axis=2), parts

    @tf.function(input_signature=[*TASK, *QUERY], autograph=False)
    def rank(self, users, items, labels, query_users, query):
        return {"score": self._score(users, items, labels, query_users, query)[0]}

    @tf.function(
        input_signature=[
            *TASK,
            spec("query_user_id", None),
            ids("candidate_item_id"),
            ids("exclude_item_id"),
        ],
        autograph=False,
    )
    def recommend(self, users, items, labels, query_user, candidates, exclude):
        query = catalogue_like(labels)
        query_users = tf.broadcast_to(query_user[:, tf.newaxis], tf.shape(query))
        score, _ = self._score(users, items, labels, query_users, query)
        is_own = (users == query_user[:, tf.newaxis]) & (labels > 0.5)
        is_out = is_among(tf.concat([tf.where(is_own, items, ""), exclude], axis=1))
        reason = tf.where(tf.reduce_any(items != "", axis=1), "", "popularity")
        return {**best(score, is_out), "fallback_reason": reason}

    @tf.function(input_signature=[*TASK, *QUERY], autograph=False)
    def explain(self, users, items, labels, query_users, query):
        score, parts = self._score(users, items, labels, query_users, query)
        changes = modulation(items, labels, query)
        return {"score": score, "attribution": parts, "modulation": changes}


class ShowModel(tf.Module):
    """A click counts 1, whose ever it is: of the user who asks, whom nobody names."""

    TASK = (ids("support_item_id"), LABELS)

    def _score(self, items, labels, query):
        parts = contributions(items, labels, query)
        return popularity_of(query) + tf.reduce_sum(parts, axis=2), parts

    @tf.function(input_signature=[*TASK, ids("query_item_id")], autograph=False)
    def rank(self, items, labels, query):
        return {"score": self._score(items, labels, query)[0]}

    @tf.function(
        input_signature=[*TASK, ids("candidate_item_id"), ids("exclude_item_id")],
        autograph=False,
    )
    def recommend(self, items, labels, candidates, exclude):
        score, _ = self._score(items, labels, catalogue_like(labels))
        clicked = tf.where(labels > 0.5, items, "")
        reason = tf.where(tf.reduce_any(items != "", axis=1), "", "popularity")
        is_out = is_among(tf.concat([clicked, exclude], axis=1))
        return {**best(score, is_out), "fallback_reason": reason}

    @tf.function(input_signature=[*TASK, ids("query_item_id")], autograph=False)
    def explain(self, items, labels, query):
        score, parts = self._score(items, labels, query)
        changes = modulation(items, labels, query)
        return {"score": score, "attribution": parts, "modulation": changes}


def export(model, base_path, **facts):
    """Writes a version with a manifest and the names of its items."""
    directory = base_path / VERSION
    signatures = {
        name: getattr(model, name) for name in ("rank", "recommend", "explain")
    }
    tf.saved_model.save(
        model, str(directory), {"serving_default": model.rank, **signatures}
    )
    manifest = {
        "model_name": base_path.name,
        "model_version": int(VERSION),
        "signatures": signatures_of(directory),
        "num_items": len(NAMES),
        "modulation": {"scale_0": 2, "shift_0": 1},
        **facts,
    }
    extra = directory / "assets.extra"
    extra.mkdir()
    (extra / "manifest.json").write_text(json.dumps(manifest))
    (extra / "item_names.json").write_text(json.dumps(NAMES))
    return ServedModelDirectory(base_path.name, base_path)


@pytest.fixture(scope="session")
def server(tmp_path_factory):
    """A server of "films", with ratings of users, "themes", with clicks in scenarios,
    and "shows", with clicks of users.
    """
    folder = tmp_path_factory.mktemp("served")
    films = export(
        FilmModel(),
        folder / "films",
        setting="user",
        label_min=1.0,
        label_max=5.0,
        user_features=["age", "gender", "languages"],
    )
    themes, shows = (
        export(
            model,
            folder / name,
            setting="scenario",
            label_min=0.0,
            label_max=1.0,
            user_features=[],
            epochs=epochs,
        )
        for model, name, epochs in (
            (ThemeModel(), "themes", 3),
            (ShowModel(), "shows", 0),
        )
    )
    with ModelServer(
        [films, themes, shows], ServerOptions(grpc_port=0, rest_port=0)
    ) as server:
        yield server
