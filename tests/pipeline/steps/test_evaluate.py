"""What `evaluate` has left of the two small experiments."""

import dataclasses
import json
import shutil

import numpy as np
import pyarrow.parquet as pq
import pytest

from models.episodes.click_records import read_tasks
from models.episodes.rating_episodes import fixed_episodes
from models.evaluation.metric import Metric
from models.evaluation.ranking_metrics import user_metrics
from pipeline.experiment.config_file import with_changes
from pipeline.experiment.run_dir import RunDir
from pipeline.settings.registry import load_experiment, setting_of
from pipeline.settings.user import setting as user_setting
from pipeline.settings.user.metrics import metrics_by_task
from pipeline.settings.user.setting import USER
from pipeline.steps import evaluate as step
from pipeline.steps.evaluate import evaluate
from transforms.clicks.schema import load_scenario_info
from transforms.schema import SPLITS, DataError

BASELINES = {
    "user": ["support_mean", "bias_ridge"],
    "scenario": [
        *("item_pop", "popularity", "dot_product", "matrix_factorisation"),
        *("item_knn", "ease", "ease_click", "click_knn", "click_mean"),
    ],
}
# Groups whose scores are written; other support sets are shown to CMML alone.
GROUPS = {
    "user": ["cold", "warm", "cold/support_0", "cold/support_2", "cold/other_support"],
    "scenario": [
        "scenario_mean",
        "scenario_mean/support_0",
        "scenario_mean/support_4",
        "scenario_mean/own_support",
        "scenario_mean/other_support",
        "catalogue_mean",
        "catalogue_mean/other_support",
    ],
}
# Groups that are means over other groups.
FURTHER = {"user": ["all"], "scenario": ["pair_mean"]}
# Verdicts by metric, by support size, and of the whole catalogue.
VERDICTS = {"user": 2, "scenario": 3}
# The metric that decides and means, of the whole catalogue too, and support sizes.
TABLES = {"user": 3, "scenario": 5}
OVERALL = {
    "user": "\nOverall ",
    "scenario": "\nHow cmml stands beside baselines cannot be told of only 5 tasks: ",
}
WARM, MOST = "warm", {"user": 6, "scenario": 16}
# No pool is larger than 50.
UNDEFINED = {"user": set(), "scenario": {"recall@50"}}


class Evaluated:
    """What `evaluate` has left of an experiment.

    Attributes:
        made: The experiment.
        config: Its configuration.
        setting: The name of its setting.
        methods: CMML, its closed form, and the baselines.
        rows: Rows of `scores.parquet` by method and group.
    """

    def __init__(self, made):
        self.made = made
        self.config = load_experiment(made.config_path)
        self.setting = self.config.setting
        own = ["cmml", "closed_form"]
        self.methods = [*own, *BASELINES[self.setting]]
        self.rows = {}
        path = made.run_dir / "eval" / "scores.parquet"
        for row in pq.read_table(path).to_pylist():
            self.rows.setdefault((row["method"], row["group"]), []).append(row)

    def json(self, name):
        """Reads one of the files of figures."""
        path = self.made.run_dir / "eval" / f"{name}.json"
        return json.loads(path.read_text(encoding="utf-8"))

    def groups_of(self, method):
        """The groups that a method is asked about."""
        groups = GROUPS[self.setting]
        is_asked = method == "cmml"
        return [g for g in groups if is_asked or not g.endswith("other_support")]

    def asked(self, method, group):
        """What tells the pairs apart that a method was asked about, in their order."""
        keys = ("task_id", "user_id", "item_id", "label", "num_candidates")
        return [[row[key] for key in keys] for row in self.rows[method, group]]


@pytest.fixture(scope="module")
def users(experiment):
    return Evaluated(experiment)


@pytest.fixture(scope="module")
def scenarios(scenario_experiment):
    return Evaluated(scenario_experiment)


@pytest.fixture(params=["users", "scenarios"])
def evaluated(request):
    """Either of them."""
    return request.getfixturevalue(request.param)


def test_metrics_are_by_method_group_and_metric(evaluated):
    metrics = evaluated.json("metrics")
    assert list(metrics) == evaluated.methods
    names = {metric.name for metric in setting_of(evaluated.config).metrics}
    for method, groups in metrics.items():
        further = FURTHER[evaluated.setting]
        assert sorted(groups) == sorted([*further, *evaluated.groups_of(method)])
        for group, values in groups.items():
            is_whole = group.startswith("catalogue")  # Which is larger than 50.
            undefined = set() if is_whole else UNDEFINED[evaluated.setting]
            assert set(values) == names - undefined
            for interval in values.values():
                assert list(interval) == ["mean", "low", "high", "num_tasks"]
                assert interval["num_tasks"] > 0
                assert interval["low"] <= interval["mean"] <= interval["high"]


def test_scores_are_of_every_method_and_group(evaluated):
    assert set(evaluated.rows) == {
        (method, group)
        for method in evaluated.methods
        for group in evaluated.groups_of(method)
    }


def test_every_method_and_group_is_asked_the_same(evaluated):
    for method, group in evaluated.rows:
        main = GROUPS[evaluated.setting][0]
        if group == WARM or group.startswith("catalogue"):
            main = group.partition("/")[0]
        # All shoppers are fewer than are asked about with less to show.
        assert evaluated.asked(method, group) == evaluated.asked("cmml", main)


def test_support_sizes_are_what_was_shown(evaluated):
    main = GROUPS[evaluated.setting][0]
    sizes = {
        row["task_id"]: row["support_size"] for row in evaluated.rows["cmml", main]
    }
    assert 0 < max(sizes.values()) <= MOST[evaluated.setting]
    for (_, group), rows in evaluated.rows.items():
        if group == WARM or group.endswith("other_support"):
            continue
        few = "/support_" in group
        most = int(group.rpartition("_")[2]) if few else MOST[evaluated.setting]
        for row in rows:
            assert row["support_size"] == min(most, sizes[row["task_id"]])


def test_differences_are_method_less_reference(evaluated):
    values, metrics = evaluated.json("differences"), evaluated.json("metrics")
    first = setting_of(evaluated.config).metrics[0]
    assert values["format_version"] == 2
    assert values["metric"] == first.name
    in_tables = [one for one in setting_of(evaluated.config).metrics if one.in_tables]
    undefined = UNDEFINED[evaluated.setting]  # Of pools, but not of a catalogue.
    compared = [one for one in in_tables if one.name not in undefined]
    assert values["higher_is_better"] == {
        one.name: one.higher_is_better for one in in_tables
    }
    contrasts = set()
    for row in values["differences"]:
        metric, method, reference = (
            row["metric"],
            (row["method"], row["group"]),
            (row["reference"], row["reference_group"]),
        )
        contrasts.add((metric, *method, *reference))
        means = [metrics[m][g][metric]["mean"] for m, g in (method, reference)]
        assert row["mean"] == pytest.approx(means[0] - means[1], abs=1e-12)
        assert row["low"] <= row["high"]
        assert row["num_tasks"] > 0
    assert len(contrasts) == len(values["differences"])
    main = GROUPS[evaluated.setting][0]
    for baseline in BASELINES[evaluated.setting]:
        for one in compared:
            assert (one.name, "cmml", main, baseline, main) in contrasts
    own = main if evaluated.setting == "user" else f"{main}/own_support"
    for size in (0, 2 if evaluated.setting == "user" else 4):
        few = f"{main}/support_{size}"
        assert (first.name, "cmml", own, "cmml", few) in contrasts
        for baseline in BASELINES[evaluated.setting]:
            assert (first.name, "cmml", few, baseline, few) in contrasts
    assert (first.name, "cmml", own, "cmml", f"{main}/other_support") in contrasts
    if evaluated.setting == "scenario":
        whole = "catalogue_mean"
        for baseline in BASELINES["scenario"]:
            for one in in_tables:
                assert (one.name, "cmml", whole, baseline, whole) in contrasts
        other = f"{whole}/other_support"
        assert (first.name, "cmml", whole, "cmml", other) in contrasts


def test_the_table_is_kept_and_the_choices_are_recorded(evaluated):
    main = GROUPS[evaluated.setting][0]
    text = (evaluated.made.run_dir / "eval" / "table.md").read_text(encoding="utf-8")
    num_tasks = len({row["task_id"] for row in evaluated.rows["cmml", main]})
    assert text.startswith(f"Means over {num_tasks} tasks")
    for method in evaluated.methods:
        assert text.count(f"\n| {method} ") == TABLES[evaluated.setting]
    assert max(len(row) for row in text.splitlines() if row.startswith("|")) <= 100
    assert OVERALL[evaluated.setting] in text
    assert text.count("| best baseline ") == VERDICTS[evaluated.setting]
    assert "support set of another task " in text
    facts = RunDir(evaluated.made.run_dir).facts("evaluate")
    assert list(facts["chosen"]) == BASELINES[evaluated.setting]
    # Without a pool, whoever has something to choose chooses again.
    choosing = [name for name, values in facts["chosen"].items() if values]
    is_open = evaluated.setting == "scenario"
    assert list(facts["chosen_without_pool"]) == (choosing if is_open else [])


def test_what_is_up_to_date_is_read_again(evaluated, capsys):
    run = RunDir(evaluated.made.run_dir)
    before = (run.evaluation / "metrics.json").stat().st_mtime_ns
    text = evaluate(evaluated.config, evaluated.made.dataset_dir, run)
    assert text == (run.evaluation / "table.md").read_text(encoding="utf-8")
    assert (run.evaluation / "metrics.json").stat().st_mtime_ns == before
    assert "is up to date" in capsys.readouterr().err


def test_an_evaluation_with_other_keys_keeps_the_earlier_one(
    users, tmp_path, monkeypatch, capsys
):
    run = RunDir(shutil.copytree(users.made.run_dir, tmp_path / "run"))
    first = RunDir(users.made.run_dir).facts("evaluate")["fingerprint"]
    before = {path.name: path.read_bytes() for path in run.evaluation.iterdir()}
    changes = {"evaluation.seed": 7, "evaluation.baselines": ["support_mean"]}
    evaluate(with_changes(users.config, changes), users.made.dataset_dir, run)
    kept = run.path / f"eval-{first[:8]}"
    assert {path.name: path.read_bytes() for path in kept.iterdir()} == before
    assert (run.evaluation / "metrics.json").read_bytes() != before["metrics.json"]
    assert (
        "evaluate: the earlier evaluation, of another evaluation.baselines and "
        f"evaluation.seed, is now in {kept}\n"
    ) in capsys.readouterr().err
    second = run.facts("evaluate")["fingerprint"]
    monkeypatch.setattr(step, "_judge_all", lambda *_: pytest.fail("is judged again"))
    evaluate(users.config, users.made.dataset_dir, run)
    assert {path.name: path.read_bytes() for path in run.evaluation.iterdir()} == before
    folders = {path.name for path in run.path.glob("eval*")}
    assert folders == {"eval", f"eval-{second[:8]}"}


def test_a_metric_more_is_evaluated(users, tmp_path, monkeypatch, capsys):
    run = RunDir(shutil.copytree(users.made.run_dir, tmp_path / "run"))
    before = json.loads((run.evaluation / "metrics.json").read_text())
    more = Metric("mae_again", higher_is_better=False)

    def with_more(pairs, *, names=None):
        by_task = metrics_by_task(pairs)
        return {**by_task, "mae_again": by_task["mae"]}

    own = dataclasses.replace(USER, metrics=(*USER.metrics, more), by_task=with_more)
    monkeypatch.setattr(user_setting, "USER", own)
    evaluate(users.config, users.made.dataset_dir, run)
    after = json.loads((run.evaluation / "metrics.json").read_text())
    assert after["cmml"]["cold"]["mae_again"] == before["cmml"]["cold"]["mae"]
    said = capsys.readouterr().err
    assert "the earlier evaluation, of other metrics, is now in " in said


def test_an_evaluation_that_fails_leaves_the_earlier_one_in_its_place(
    users, tmp_path, monkeypatch, capsys
):
    run = RunDir(shutil.copytree(users.made.run_dir, tmp_path / "run"))
    dataset_dir, facts = users.made.dataset_dir, run.facts("evaluate")
    before = {path.name: path.read_bytes() for path in run.evaluation.iterdir()}
    other = with_changes(users.config, {"evaluation.baselines": ["support_mean"]})

    def no_table(*_):
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(step, "evaluation_text", no_table)
        with pytest.raises(KeyboardInterrupt):
            evaluate(other, dataset_dir, run)
    assert {path.name: path.read_bytes() for path in run.evaluation.iterdir()} == before
    assert run.facts("evaluate") == facts
    assert evaluate(users.config, dataset_dir, run) == before["table.md"].decode()
    # Started again, it is whole, and the keys that come back are not judged again.
    table = evaluate(other, dataset_dir, run)
    assert table == (run.evaluation / "table.md").read_text()
    monkeypatch.setattr(step, "_judge_all", lambda *_: pytest.fail("is judged again"))
    assert evaluate(users.config, dataset_dir, run) == before["table.md"].decode()
    assert run.facts("evaluate") == facts
    assert "the earlier evaluation with these keys\n" in capsys.readouterr().err


def test_a_kill_between_whole_and_in_place_repeats_nothing(
    users, tmp_path, monkeypatch
):
    run = RunDir(shutil.copytree(users.made.run_dir, tmp_path / "run"))
    other = with_changes(users.config, {"evaluation.baselines": ["support_mean"]})

    def killed(*_):
        raise KeyboardInterrupt

    for name in ("_keep_earlier", "_put_in_place"):
        with monkeypatch.context() as patch:
            patch.setattr(step, name, killed)
            with pytest.raises(KeyboardInterrupt):
                evaluate(other, users.made.dataset_dir, run)
        monkeypatch.setattr(step, "_judge_all", lambda *_: pytest.fail("again"))
    table = evaluate(other, users.made.dataset_dir, run)
    assert table == (run.evaluation / "table.md").read_text()


def test_a_data_set_without_meta_test_tasks_is_an_error(evaluated, tmp_path):
    dataset_dir = shutil.copytree(evaluated.made.dataset_dir, tmp_path / "data")
    path = dataset_dir / "dataset.json"
    info = json.loads(path.read_text(encoding="utf-8"))
    info["num_tasks"]["meta_test"] = 0
    path.write_text(json.dumps(info), encoding="utf-8")
    with pytest.raises(DataError, match="data holds no meta_test tasks to evaluate on"):
        evaluate(evaluated.config, dataset_dir, RunDir(tmp_path))


def by_task(rows, of="score"):
    """Labels and scores, or another column, of each user, in the order of the file."""
    tasks = {}
    for row in rows:
        tasks.setdefault(row["task_id"], []).append((row["label"], row[of]))
    return [np.array(task, np.float64).T for task in tasks.values()]


def ndcg_without_ties(labels, scores, k):
    def dcg(ranked):
        return sum((2.0**x - 1.0) / np.log2(i + 2) for i, x in enumerate(ranked[:k]))

    return dcg(labels[np.argsort(-scores)]) / dcg(np.sort(labels)[::-1])


def test_errors_recomputed_from_the_scores_are_the_metrics(users):
    metrics = users.json("metrics")
    for (method, group), rows in users.rows.items():
        tasks = by_task(rows)
        mae = np.mean([np.abs(s - x).mean() for x, s in tasks])
        rmse = np.mean([np.sqrt(((s - x) ** 2).mean()) for x, s in tasks])
        found = metrics[method][group]
        assert found["mae"]["mean"] == pytest.approx(mae, abs=1e-6)
        assert found["rmse"]["mean"] == pytest.approx(rmse, abs=1e-6)


@pytest.mark.parametrize("k", [1, 3, 5])
def test_orders_recomputed_from_the_scores_are_the_metrics(users, k):
    # Means of the support tie all pairs of a task; these two do not.
    for method in ("cmml", "bias_ridge"):
        tasks = by_task(users.rows[method, "cold"], of="gain")
        assert all(len(set(scores)) == len(scores) for _, scores in tasks)
        told = [(x, s) for x, s in tasks if len(set(x)) > 1]  # The others are left out.
        mean = np.mean([ndcg_without_ties(x, s, k) for x, s in told])
        found = users.json("metrics")[method]["cold"][f"ndcg@{k}"]["mean"]
        assert found == pytest.approx(mean, abs=1e-6)


def test_all_is_cold_and_warm_together(users):
    num_cold, num_warm = (
        len(by_task(users.rows["cmml", group])) for group in ("cold", "warm")
    )
    metrics = users.json("metrics")["cmml"]
    cold, warm, both = (metrics[g]["mae"]["mean"] for g in ("cold", "warm", "all"))
    mean = (num_cold * cold + num_warm * warm) / (num_cold + num_warm)
    assert both == pytest.approx(mean)


@pytest.fixture(scope="module")
def pairs(experiment):
    """(user row, item row) pairs of a split, by "support" and "query"."""

    def read(split, role):
        found = set()
        for batch in fixed_episodes(experiment.dataset_dir, split):
            mask = batch[f"{role}_mask"].numpy()
            users = batch[f"{role}_user"].numpy()[mask]
            items = batch[f"{role}_item"].numpy()[mask]
            found |= set(zip(users.tolist(), items.tolist(), strict=True))
        return found

    return {
        split: {r: read(split, r) for r in ("support", "query")} for split in SPLITS
    }


def test_warm_query_pairs_are_in_no_support_set(pairs):
    asked = pairs["meta_train"]["query"]
    assert len(asked) == 39 * 3  # Tasks of meta-train, query size.
    for split in SPLITS:
        assert not asked & pairs[split]["support"]


def test_cold_users_are_in_no_other_split(pairs):
    users = {
        split: {user for role in pairs[split].values() for user, _ in role}
        for split in SPLITS
    }
    assert len(users["meta_test"]) == 16
    assert not users["meta_test"] & (users["meta_train"] | users["meta_validation"])


def by_user(rows):
    """Ranks of each user of each scenario."""
    ranks = {}
    for row in rows:
        of_task = ranks.setdefault(row["task_id"], {})
        ranks_of = of_task.setdefault(row["user_id"], [])
        ranks_of.append((row["rank"], row["num_tied"], row["num_candidates"]))
    return ranks


def recall(ranks, k):
    """Each click is on any of the ranks that it shares alike; no pool is too small."""
    assert all(number > k for _, _, number in ranks)
    shares = [min(max(k + 1 - rank, 0) / tied, 1.0) for rank, tied, _ in ranks]
    return sum(shares) / len(ranks)


@pytest.mark.parametrize("k", [5, 10])
def test_recall_recomputed_from_the_ranks_is_in_the_metrics(scenarios, k):
    metrics = scenarios.json("metrics")
    for (method, group), rows in scenarios.rows.items():
        found = [
            [recall(ranks, k) for ranks in users.values()]
            for users in by_user(rows).values()
        ]
        mean = metrics[method][group][f"recall@{k}"]["mean"]
        assert mean == pytest.approx(np.mean([np.mean(users) for users in found]))
        if group == "scenario_mean":
            mean = metrics[method]["pair_mean"][f"recall@{k}"]["mean"]
            assert mean == pytest.approx(np.mean(np.concatenate(found)))


def test_every_figure_can_be_recomputed_from_the_ranks(scenarios):
    rows = scenarios.rows["ease", "scenario_mean"]
    names = ("task_id", "user_id", "rank", "num_tied", "num_candidates")
    task, user, rank, tied, number = (np.array([r[n] for r in rows]) for n in names)
    (_, task), (_, user) = (np.unique(ids, return_inverse=True) for ids in (task, user))
    found = user_metrics(
        *(task, user, rank),
        num_tasks=task.max() + 1,
        num_tied=tied,
        num_candidates=number,
    ).by_scenario()
    metrics = scenarios.json("metrics")["ease"]["scenario_mean"]
    assert found.keys() - metrics.keys() == UNDEFINED["scenario"]
    for name, one in metrics.items():
        assert one["mean"] == pytest.approx(np.nanmean(found[name]))
        assert one["num_tasks"] == np.isfinite(found[name]).sum()


def test_every_held_out_click_of_meta_test_is_ranked_once(scenarios, scenario_dataset):
    path = scenario_dataset / "vocabulary"
    users, items = (
        ["", *(path / f"{name}.txt").read_text(encoding="utf-8").split("\n")]
        for name in ("user_id", "item_id")
    )
    info = load_scenario_info(scenario_dataset)
    expected = []
    for task in read_tasks(scenario_dataset, "meta_test", info):
        for user, item in zip(task.query_user, task.query_item, strict=True):
            num_known = int((task.known_user == user).sum())
            num_candidates = task.pool.size - num_known
            expected.append(
                [task.scenario_id, users[user], items[item], None, num_candidates]
            )
    for (method, group), rows in scenarios.rows.items():
        if not group.startswith("catalogue"):
            assert sorted(scenarios.asked(method, group)) == sorted(expected)
        assert all(1 <= row["rank"] <= row["num_candidates"] for row in rows)
        ends = [row["rank"] + row["num_tied"] - 1 for row in rows]
        assert all(
            e <= row["num_candidates"] for e, row in zip(ends, rows, strict=True)
        )


def test_tastes_are_found_out(scenarios):
    # Who shares a taste clicks ten times as often: vectors must beat popularity.
    metrics = scenarios.json("metrics")
    by_vectors, popular, own = (
        metrics[method]["scenario_mean"]["recall@5"]["mean"]
        for method in ("dot_product", "popularity", "cmml")
    )
    assert by_vectors > popular + 0.2
    assert own > popular + 0.2


def test_hyperparameters_are_those_of_the_grid(scenarios):
    chosen = RunDir(scenarios.made.run_dir).facts("evaluate")["chosen"]
    # Of the grid, or twice or half of what is at its edge.
    assert chosen["ease"]["l2"] in (50.0, 100.0, 200.0, 400.0, 800.0)
