"""A catalogue of clicks that is searched where no pool is given."""

import dataclasses

import numpy as np
import pytest

from models.cmml_builders import clicked_cmml
from models.factors.vectors import Vectors
from models.legacy_keras import tf
from models.options import ScenarioOptions
from models.serving import options, reduced_index, served_recommendations
from models.serving.options import ServingOptions
from models.serving.served_scenario_model import ServedScenarioModel
from transforms import schema

NUM_USERS, NUM_ITEMS, NUM_LINEAR = 6, 300, 8
TINY = {"label_dim": 3, "encoder_dim": 4, "modulation_dim": 4, "hidden_dims": (5, 4)}
TOP_K, NUM_SEARCHED = 5, 60

RARE = 7  # An item that is not recommended, having too few clicks.


def made_up_vectors(fall):
    """Vectors that vary less and less in each direction, unless `fall` is 1."""
    chance = np.random.default_rng(0)
    width = NUM_LINEAR + 4
    spread = fall ** np.arange(width)
    users, items = (
        (chance.normal(size=[1, rows + 1, width]) * spread).astype(np.float32)
        for rows in (NUM_USERS, NUM_ITEMS)
    )
    users[..., -2], users[..., -1] = 0.0, 1.0
    items[..., -2], items[..., -1] = 1.0, 0.0  # What a click weighs.
    return Vectors(users, items, num_further=NUM_LINEAR + 2, num_linear=NUM_LINEAR)


@pytest.fixture
def serve(tmp_path, monkeypatch):
    """Serves as if the catalogue were too large to look at all of it."""
    for module in (options, served_recommendations):
        monkeypatch.setattr(module, "MOST_SCORED", NUM_ITEMS - 2)
    monkeypatch.setattr(options, "_SHORTLIST", 20)
    monkeypatch.setattr(reduced_index, "_STEP", 1)
    monkeypatch.setattr(reduced_index, "_COST", 0)
    folder = tmp_path / schema.VOCABULARY_DIR
    folder.mkdir()
    for name, number in ((schema.USER_ID, NUM_USERS), (schema.ITEM_ID, NUM_ITEMS)):
        ids = "".join(f"{row}\n" for row in range(1, number + 1))
        (folder / f"{name}.txt").write_text(ids)
    counts = np.full(NUM_ITEMS + 1, 10)
    counts[[RARE, 20, 30]] = 1, 40, 30

    def build(*, fall=0.6, repeat=0.5, open_fraction=0.0, without_users=False, **more):
        vectors = made_up_vectors(fall)
        if without_users:
            vectors = dataclasses.replace(vectors, users=vectors.users[:, :1])
        model = clicked_cmml(
            vectors,
            ScenarioOptions(**TINY, prior_repeat=repeat),
            open_fraction=open_fraction,
            always_open=without_users,
        )
        serving = {"top_k": TOP_K, "search_size": NUM_SEARCHED} | more
        return ServedScenarioModel(
            model, vectors, counts, tmp_path, ServingOptions(**serving)
        )

    return build


def request_of(*, users=("1",), clicked=(), pool=(), exclude=("",)):
    """Returns what some users ask after the same clicks, by user 2 or nobody."""
    number = len(users)
    items = np.array([[str(item) for item in clicked] or [""]] * number)
    return {
        "support_user_id": tf.where(items == "", "", "2"),
        "support_item_id": tf.constant(items),
        "support_label": tf.where(items == "", np.nan, 1.0),
        "query_user_id": tf.constant(users),
        "candidate_item_id": tf.reshape(
            tf.constant([pool] * number, tf.string), [number, len(pool)]
        ),
        "exclude_item_id": tf.constant([exclude] * number),
    }


def without_user_ids(request):
    return {name: value for name, value in request.items() if "user" not in name}


def assert_same(answer, expected):
    np.testing.assert_array_equal(answer["item_id"], expected["item_id"])
    np.testing.assert_allclose(answer["score"], expected["score"], atol=1e-4)
    np.testing.assert_array_equal(
        answer["fallback_reason"], expected["fallback_reason"]
    )


@pytest.mark.parametrize("open_fraction", [0.0, 0.5])
def test_what_is_found_is_what_is_best(serve, open_fraction):
    served = serve(open_fraction=open_fraction)
    assert served.shortlist_size == 20
    everybody = tuple(map(str, range(1, NUM_USERS + 1)))
    recommend = served.signature("recommend")
    assert served._index().num_searched == NUM_SEARCHED
    for clicked in ((), (3, 9, 250)):
        asked = request_of(users=(*everybody, "who?"), clicked=clicked)
        assert_same(recommend(**asked), served.exact().recommend(**asked))


def test_where_users_are_tasks_what_is_found_is_what_is_best(serve):
    served = serve(without_users=True)
    for clicked in ((), (3,), (3, 9, 250)):
        asked = without_user_ids(request_of(clicked=clicked))
        assert_same(served.recommend(**asked), served.exact().recommend(**asked))
    assert served._index()


def test_what_was_clicked_is_looked_at_though_it_is_not_found(serve):
    served = serve(repeat=1000.0)
    likes = request_of(users=("1", "4"), clicked=(RARE, *range(40, 44), 250))
    answer = served.recommend(**likes)
    # All of them, each once, but the one that may not be recommended.
    for items in answer["item_id"].numpy():
        assert {int(item) for item in items} == {40, 41, 42, 43, 250}
    assert_same(answer, served.exact().recommend(**likes))


def test_an_excluded_item_is_not_found(serve):
    served = serve()
    best = served.recommend(**request_of())["item_id"].numpy()[0]
    asked = request_of(exclude=tuple(item.decode() for item in best))
    answer = served.recommend(**asked)
    assert not set(answer["item_id"].numpy()[0]) & set(best)
    assert_same(answer, served.exact().recommend(**asked))


def test_a_context_is_answered_as_its_clicks_are(serve):
    served = serve(repeat=1000.0)
    asked = request_of(clicked=(3, 9))
    support = {name: asked.pop(name) for name in list(asked) if "support" in name}
    context = served.encode(**support)["context"]
    assert_same(
        served.recommend_from_context(context=context, **asked),
        served.recommend(**support, **asked),
    )


def test_nothing_is_searched_where_a_pool_is_given(serve):
    served = serve()
    pool = tuple(str(item) for item in (8, 3, RARE, 120))
    for user in ("1", "who?"):
        asked = request_of(users=(user,), clicked=(3,), pool=pool)
        answer = served.recommend(**asked)
        items = {item.decode() for item in answer["item_id"].numpy()[0]}
        assert items == {*pool, ""}
        assert_same(answer, served.exact().recommend(**asked))


@pytest.mark.parametrize("search_size", [TOP_K, 10_000])
def test_the_most_popular_items_are_known_without_a_search(serve, search_size):
    answer = serve(search_size=search_size).recommend(**request_of(users=("who?",)))
    assert answer["item_id"].numpy()[0, :2].tolist() == [b"20", b"30"]
    assert answer["fallback_reason"].numpy().tolist() == [b"popularity"]


def test_all_items_are_looked_at_where_no_direction_tells_more_than_another(serve):
    served = serve(fall=1.0, search_size=TOP_K)
    asked = request_of(clicked=(3, 9))
    assert_same(served.recommend(**asked), served.exact().recommend(**asked))
    assert served._index() is None


def test_an_index_is_made_once_and_for_recommendations_alone(
    serve, monkeypatch, tmp_path
):
    made = []

    class CountedIndex(reduced_index.ReducedIndex):
        def __init__(self, *arguments, **options):
            made.append(self)
            super().__init__(*arguments, **options)

    monkeypatch.setattr(
        "models.serving.served_scenario_model.ReducedIndex", CountedIndex
    )
    served = serve()
    asked = request_of(users=("1", "3"), clicked=(3, 250))
    served.encode(**{name: asked[name] for name in asked if "support" in name})
    served.exact().recommend(**request_of())
    assert not made
    names = "rank", "recommend", "recommend_from_context"
    inputs = {name: served.inputs_by_name()[name] for name in names}
    monkeypatch.setattr(served, "inputs_by_name", lambda: inputs)
    served.save(tmp_path / "saved")
    assert len(made) == 1
    loaded = tf.saved_model.load(str(tmp_path / "saved"))
    expected = served.exact().recommend(**asked)
    assert_same(loaded.signatures["recommend"](**asked), expected)
