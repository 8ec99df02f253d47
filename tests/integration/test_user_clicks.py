"""Clicks of users without scenarios, from a log to answers for new users."""

import json
import pathlib
import random

import numpy as np
import pytest
from page_reader import read

import cmml
from models.closed_form import ClosedForm
from models.cmml_builders import clicked_cmml
from models.evaluation.shown import Shown
from models.legacy_keras import tf
from models.options import ScenarioOptions
from pipeline.settings.registry import setting_of
from pipeline.settings.scenario.metrics import metrics_by_task
from pipeline.settings.scenario.scoring import ClickScorer
from transforms.clicks.schema import load_scenario_info
from transforms.schema import META_VALIDATION

CONFIG = """
setting: scenario
name: plays
data:
  task: user
  domains:
    shop:
      source: table
      clicks: {table: {path: plays.csv}, user_column: who, item_column: song}
  split: {validation_fraction: 0.3, test_fraction: 0.3}
  episodes: {min_clicks: 3, num_shards: 2}
vectors:
  {factors: 4, item_factors: 16, iterations: 3, regularization: [1], alpha: [10],
   item_l2: [20, 40], item_clicks: [4, 8], mean_weight: [0.3, 1]}
model: {encoder: mean, encoder_dim: 8, hidden_dims: [8]}
training: {max_epochs: 1, steps_per_epoch: 3, batch_size: 4, support_size: 16}
evaluation: {support_size: 16, few_shot_sizes: [4], num_resamples: 100}
export: {model_name: plays, min_item_count: 2, top_k: 5, history_size: 16}
"""


def plays():
    """80 users, most of whose songs are those of one of 3 genres of 20."""
    rng = random.Random(0)
    for user in range(80):
        genre = rng.randrange(3)
        songs = {
            genre * 20 + rng.randrange(20) if rng.random() < 0.9 else rng.randrange(60)
            for _ in range(rng.randint(5, 14))
        }
        yield from ((f"u{user}", f"s{song}") for song in sorted(songs))


@pytest.fixture(scope="module")
def project(tmp_path_factory):
    """The experiment, run to its export."""
    folder = tmp_path_factory.mktemp("plays")
    rows = "".join(f"{who},{song}\n" for who, song in plays())
    (folder / "plays.csv").write_text("who,song\n" + rows)
    (folder / "plays.yaml").write_text(CONFIG)
    dirs = {f"{name}_dir": str(folder / name) for name in ("prepared", "runs")}
    project = cmml.load(folder / "plays.yaml", changes=dirs)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("CMML_DATA_DIR", str(folder))
        project.run()
    return project


@pytest.fixture(scope="module")
def model(project):
    """The exported model."""
    return cmml.open_model(project)


def test_every_method_ranks_the_catalogue_by_the_clicks_shown(project):
    table = project.evaluate().table.set_index("method")
    assert {*table.index} == {
        *("cmml", "closed_form", "popularity", "ease_click", "click_knn", "click_mean")
    }
    words = ("scenario", "catalogue", "pair_mean")
    assert not [column for column in table if any(word in column for word in words)]
    recall = table["user_mean recall@20"]
    # Who says nothing of a user does worse than all who look at their clicks.
    others = recall.drop("popularity")
    assert (others > recall["popularity"]).all()


def test_the_ridge_of_few_clicks_is_chosen_by_meta_validation(project):
    (path,) = pathlib.Path(project.config.prepared_dir).rglob("vectors.json")
    facts = json.loads(path.read_text())
    recall = "meta_validation_recall@20"
    by_clicks = [one for one in facts["trials"] if one["item_clicks"]]
    tried = [one for one in by_clicks if not one["mean_weight"]]
    assert {4.0, 8.0} <= {one["item_clicks"] for one in tried}
    best = max(tried, key=lambda one: one[recall])
    weighed = max(
        (one for one in by_clicks if one["mean_weight"]), key=lambda one: one[recall]
    )
    assert weighed[recall] == facts[recall]
    assert facts["mean_weight"] == weighed["mean_weight"]
    assert facts["ridge_clicks"] == facts["chosen"]["item_clicks"]
    assert facts["ridge_clicks"] == best["item_clicks"]
    assert len(facts["strengths"]) == 16


def test_the_last_values_are_judged_by_the_prior_given_one_click_some_and_all(project):
    dataset_dir = project._dataset_dir()
    data = setting_of(project.config).load(project.config, dataset_dir)
    model = clicked_cmml(data.factors, ScenarioOptions(), always_open=True)
    scorer = ClickScorer(ClosedForm(model), project.config, data)
    groups = [Shown(f"{n}", META_VALIDATION, n, n) for n in (1, 4, 16, 64)]
    recalls = [
        np.nanmean(metrics_by_task(pairs)["recall@20"])
        for pairs in scorer.score_groups(groups).values()
    ]
    (path,) = dataset_dir.rglob("vectors.json")
    facts = json.loads(path.read_text())
    assert facts["meta_validation_recall@20"] == pytest.approx(np.mean(recalls))


class OneByOne:
    """A method that is asked about one task at a time."""

    def __init__(self, method):
        self.adapt, self.score = method.adapt, method.score


@pytest.fixture(scope="module")
def ranked_alone(project):
    """Scores groups of users by a method; and what methods score each user alone."""
    data = setting_of(project.config).load(project.config, project._dataset_dir())
    model = clicked_cmml(data.factors, ScenarioOptions(), always_open=True)
    model.pairs.backbone_scale.assign(1.0)
    all_clicks = Shown("all", META_VALIDATION, 16, 16)
    groups = [all_clicks, all_clicks.few(1), all_clicks.few(0)]
    groups += [all_clicks.with_other_support()]

    def score(method):
        return ClickScorer(method, project.config, data).score_groups(groups)

    methods = (model, ClosedForm(model))
    return score, [(method, score(OneByOne(method))) for method in methods]


@pytest.mark.parametrize("most", [60, 5 * 60, 1 << 16])
def test_users_who_are_ranked_together_are_ranked_as_each_alone(
    ranked_alone, monkeypatch, most
):
    score, methods = ranked_alone
    for method, alone in methods:
        monkeypatch.setattr(type(method), "pairs_at_once", most)
        together = score(method)
        for group, expected in alone.items():
            for name, column in together[group].columns().items():
                wanted = expected.columns()[name]
                if name == "score":
                    np.testing.assert_allclose(column, wanted, rtol=1e-4, atol=1e-5)
                elif name in ("rank", "num_tied"):  # Rounding parts two that are level.
                    np.testing.assert_allclose(column, wanted, atol=1)
                    assert np.mean(column != wanted) < 0.05
                else:
                    np.testing.assert_array_equal(column, wanted)


def test_a_new_user_is_known_by_clicks_alone(model):
    clicks = [("s1",), ("s2",), ("s5",), ("s7",)]
    found = [item["item_id"] for item in model.recommend(clicks, k=5)]
    assert not {"s1", "s2", "s5", "s7"} & {*found}
    assert all(int(item[1:]) < 20 for item in found[:3])  # Of the same genre.


def test_it_is_no_matter_who_has_clicked(model):
    clicks = [{"item_id": "s1"}, {"item_id": "s2"}]
    named = [{"user_id": "u1", **click} for click in clicks]
    assert model.rank(clicks, ["s3", "s50"]) == model.rank(named, ["s3", "s50"])
    with pytest.raises(ValueError, match="task 'user', takes no user_id"):
        model.recommend(clicks, user_id="u1")


def test_a_pool_is_ranked_as_the_whole_catalogue_is(model):
    clicks = ["s41", "s42"]
    clicks = [{"item_id": item} for item in clicks]
    best = model.recommend(clicks, k=3)
    ranked = model.rank(clicks, [item["item_id"] for item in best])
    assert [one["item_id"] for one in ranked] == [one["item_id"] for one in best]
    scores = [[one["score"] for one in answer] for answer in (best, ranked)]
    np.testing.assert_allclose(*scores, atol=1e-3)


def test_without_a_click_the_popular_items_are_recommended(model):
    (first, *_) = model.recommend([], k=2)
    counts = dict.fromkeys((song for _, song in plays()), 0)
    for _, song in plays():
        counts[song] += 1
    assert counts[first["item_id"]] == max(counts.values())


def test_the_export_names_no_user(project, model):
    assert not (model.directory / "assets" / "user_id.txt").exists()
    manifest = json.loads((model.directory / "assets.extra/manifest.json").read_text())
    assert manifest["task"] == "user"


def test_the_examples_are_clicks_without_candidates(model):
    folder = model.directory / "assets.extra" / "request_examples"
    bodies = {path.stem: json.loads(path.read_text()) for path in folder.glob("*.json")}
    (rank,), (best,) = (bodies[name]["instances"] for name in ("rank", "recommend"))
    assert "user" not in "".join([*rank, *best])
    assert {*rank["support_label"]} == {1.0}
    assert best["candidate_item_id"] == []
    assert not {*rank["support_item_id"]} & {*rank["query_item_id"]}
    signature = tf.saved_model.load(str(model.directory)).signatures["recommend"]
    labels = {"support_label": tf.constant([best.pop("support_label")])}
    texts = {key: tf.constant([value], tf.string) for key, value in best.items()}
    (found,) = signature(**texts | labels)["item_id"].numpy().astype(str)
    assert len(found) == 5
    assert not {*found} & {*best["support_item_id"], *best["exclude_item_id"]}


def test_a_user_is_called_so_where_people_read(project, cmml):
    _, run = project._trained()
    folder = pathlib.Path(project.config.runs_dir).parent
    dirs = [f"{name}_dir={folder / name}" for name in ("prepared", "runs")]
    flags = ["--config", folder / "plays.yaml", "--set", dirs[0], "--set", dirs[1]]
    done = cmml("report", *flags, data_dir=folder)
    page = read(pathlib.Path(done.stdout.strip()).read_text(encoding="utf-8")).text
    files = [*run.path.glob("eval/*.*"), *run.path.glob("export/plays/*/**/README.md")]
    texts = [path.read_text() for path in files if path.suffix in (".json", ".md")]
    assert len(texts) == 4
    assert "A task is a user with clicks." in page
    assert "user u" in page  # Of whom the contexts are.
    number = load_scenario_info(project._dataset_dir()).num_held_out
    assert f"{number:,} clicks that wait for the training on all clicks" in page
    configuration = page.index("setting: scenario")  # The last that stands there.
    for text in (page[:configuration], *texts):
        assert "scenario" not in text.replace("users or scenarios", "").lower()


def test_the_audit_finds_no_leak(project):
    dataset_dir = project._dataset_dir()
    findings = setting_of(project.config).parts.audit(project.config, dataset_dir)
    assert [one for one in findings if one.verdict == "LEAK"] == []
    assert "support and query are drawn at random" in {one.detail for one in findings}


def test_new_users_are_no_drift(project):
    assert {*project.config.task_ids} == {"scenario_id", "user_id"}
