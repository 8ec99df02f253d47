import json
import shutil
import types

import pytest

from pipeline.cli import USAGE_ERROR, main
from pipeline.experiment.version_dir import EXTRA, MANIFEST
from pipeline.onboarding import new_users, questions
from pipeline.onboarding.new_scenario import NEW_SCENARIO
from pipeline.onboarding.new_users import NEW_USERS, load_known_users
from pipeline.steps.onboard import NO_GO, onboard
from transforms.schema import DataError

RATINGS = [
    f"new{user},f{item},{1 + (user * item) % 5},{'FM'[user % 2]}"
    for user in range(1, 9)
    for item in range(1, 9)
]


@pytest.fixture
def judge(tmp_path, capsys):
    """Runs the step on a file; returns its status, output and `onboard.json`."""

    def run(experiment, tasks, *lines, with_data=True, version=None):
        path = tmp_path / "newcomers.csv"
        path.write_text("".join(f"{line}\n" for line in lines), encoding="utf-8")
        status = onboard(
            version or experiment.exported,
            tasks=tasks,
            path=path,
            dataset_dir=experiment.dataset_dir if with_data else None,
            output=tmp_path / "out",
        )
        values = json.loads((tmp_path / "out" / "onboard.json").read_text())
        return types.SimpleNamespace(
            status=status, values=values, output=capsys.readouterr().out
        )

    return run


def test_new_users_are_judged_on_their_own_pairs(experiment, judge, tmp_path):
    header = "user_id,item_id,label,gender"
    done = judge(
        experiment, NEW_USERS, header, *RATINGS, "new1,f99,6,M", "new1,f90,2,M"
    )
    assert done.values["go"] == (done.status == 0)
    assert done.status in (0, NO_GO)
    assert done.values["file"] == {
        "path": "newcomers.csv",
        "num_usable": 65,
        "num_refused": {"label_out_of_range": 1},
        "num_left_out": {},
        "num_users": 8,
        "num_items": 9,
        "num_unknown_items": 1,
        "num_unknown_users": 0,
        "num_seen": 0,
    }
    few_shot = done.values["few_shot"]
    assert few_shot["reference"] == "item mean"
    assert [size["num_units"] for size in few_shot["sizes"]] == [8, 8, 8, 8]
    (line,) = (tmp_path / "out" / "rejected.jsonl").read_text().splitlines()
    assert json.loads(line)["line"] == 66
    assert done.output.splitlines()[-1] == str(tmp_path / "out" / "onboard.html")
    assert (tmp_path / "out" / "onboard.html").read_text().startswith("<!DOCTYPE")


def test_questions_are_chosen_by_the_model_that_was_judged(
    experiment, judge, tmp_path, monkeypatch
):
    # A SavedModel alone, as `export` writes it.
    alone = shutil.ignore_patterns(EXTRA.name)
    judged = shutil.copytree(experiment.exported, tmp_path / "judged", ignore=alone)
    asked = []

    class Served(new_users.ServedUsers):
        def __init__(self, directory):
            super().__init__(directory)
            self.directory = directory

    def plan_questions(rank, *known):
        asked.append(rank.__self__.directory)
        return questions.plan_questions(rank, *known)

    monkeypatch.setattr(new_users, "judged_dir", lambda version: judged)
    monkeypatch.setattr(new_users, "ServedUsers", Served)
    monkeypatch.setattr(new_users, "plan_questions", plan_questions)
    judge(experiment, NEW_USERS, "user_id,item_id,label,gender", *RATINGS)
    assert asked == [judged]  # The one that is served may have seen its answers.


def test_users_of_the_training_are_left_out(experiment, judge):
    rows = [f"ü{user},f{item},4" for user in range(1, 61) for item in range(1, 5)]
    done = judge(experiment, NEW_USERS, "user_id,item_id,label", *rows)
    num_seen = done.values["file"]["num_seen"]
    # Of 60 users a quarter is in meta-test, and of the others in meta-validation.
    assert 20 < num_seen < 50
    assert done.values["few_shot"]["sizes"][0]["num_units"] == 60 - num_seen
    assert len(done.values["places"]) == 60 - num_seen


def test_without_the_data_the_export_tells_what_it_can(experiment, judge):
    header = "user_id,item_id,label,gender"
    done = judge(experiment, NEW_USERS, header, *RATINGS, with_data=False)
    assert done.values["few_shot"]["reference"] == "support mean"
    assert done.values["places"] is None
    assert done.values["questions"] is None
    assert "Known tasks are missing" in done.output


def test_too_little_to_tell_anything_is_no_go(experiment, judge):
    done = judge(
        experiment, NEW_USERS, "user_id,item_id,label", "new1,f1,4", "new2,f2,3"
    )
    assert done.status == NO_GO
    assert done.values["few_shot"] is None
    assert "No-go: 2 rows are new to the model; at least 20 are needed" in done.output


def test_a_new_scenario_is_judged_on_clicks_not_seen(scenario_experiment, judge):
    # Shoppers and goods share a taste by their number modulo four.
    clicks = [
        f"s{user},g{item},1"
        for user in range(60)
        for item in range(0, 60, 3)
        if user % 4 == item % 4
    ]
    header = "user_id,item_id,label"
    done = judge(scenario_experiment, NEW_SCENARIO, header, *clicks, "who,g1,1")
    assert done.values["setting"] == "scenario"
    assert done.values["file"]["num_unknown_users"] == 1
    # Four in five of these were clicked; of those, most are known.
    assert 0.3 < done.values["file"]["num_seen"] / len(clicks) < 0.9
    assert done.values["few_shot"]["reference"] == "popularity"
    assert done.values["questions"] is None


def test_networks_that_change_nothing_place_nothing(
    experiment, judge, monkeypatch, tmp_path
):
    version = tmp_path / "model" / experiment.exported.name
    shutil.copytree(experiment.exported, version)
    path = version / MANIFEST
    path.write_text(json.dumps({**json.loads(path.read_text()), "epochs": 0}))
    monkeypatch.setattr("pipeline.onboarding.new_users.MIN_KNOWN", 2)
    monkeypatch.setattr("pipeline.onboarding.placement.MIN_KNOWN", 2)
    header = "user_id,item_id,label,gender"
    assert judge(experiment, NEW_USERS, header, *RATINGS).values["places"]
    done = judge(experiment, NEW_USERS, header, *RATINGS, version=version)
    assert done.values["places"] is None
    assert "No place: no epoch was better than the start" in done.output


def test_a_scenario_without_a_click_is_no_go(scenario_experiment, judge):
    done = judge(
        scenario_experiment, NEW_SCENARIO, "user_id,item_id,label", "s1,g1,0", "s2,g1,0"
    )
    assert done.status == NO_GO
    assert done.values["few_shot"] is None


def test_the_file_must_be_of_the_setting_of_the_model(experiment, judge):
    with pytest.raises(DataError, match=r"--scenario goes with .* give --users"):
        judge(experiment, NEW_SCENARIO, "user_id,item_id,label", "s1,g1,1")


@pytest.mark.parametrize("tasks", [NEW_USERS, NEW_SCENARIO])
def test_a_model_of_clicks_of_users_has_no_flag(
    scenario_experiment, judge, tasks, tmp_path
):
    version = tmp_path / scenario_experiment.exported.name
    shutil.copytree(scenario_experiment.exported, version)
    manifest = json.loads((version / MANIFEST).read_text())
    (version / MANIFEST).write_text(json.dumps({**manifest, "task": "user"}))
    with pytest.raises(DataError, match="got one of clicks of users"):
        judge(scenario_experiment, tasks, "user_id,item_id", "s1,g1", version=version)


def test_the_data_must_be_those_of_the_model(experiment, judge, tmp_path):
    version = tmp_path / experiment.exported.name
    shutil.copytree(experiment.exported, version)
    manifest = json.loads((version / MANIFEST).read_text())
    manifest["dataset_fingerprint"] = "other"
    (version / MANIFEST).write_text(json.dumps(manifest))
    with pytest.raises(DataError, match="data set 'other', got"):
        judge(
            experiment, NEW_USERS, "user_id,item_id,label", "new1,f1,4", version=version
        )


def test_a_file_with_the_columns_of_the_configuration_is_read(
    experiment, scenario_experiment, cmml, tmp_path
):
    users = tmp_path / "newcomers.csv"
    rows = [
        f"new{user};f{item};{1 + item % 5};F\n" for user in "abc" for item in (1, 2)
    ]
    users.write_text("uid;film;stars;sex\n" + "".join(rows))
    clicks = tmp_path / "theme.csv"
    clicks.write_text("shopper,good\ns1,g1\ns2,g2\n")
    for made, flag, path, num_rows in (
        (experiment, "--users", users, 6),
        (scenario_experiment, "--scenario", clicks, 2),
    ):
        output = tmp_path / path.stem
        arguments = ("--config", made.config_path, flag, path, "--output", output)
        # Neither is read here but the prepared data set.
        done = cmml("onboard", *arguments, data_dir=tmp_path)
        assert done.status == NO_GO, done.stderr
        values = json.loads((output / "onboard.json").read_text())
        assert values["file"]["num_usable"] == num_rows
        assert values["file"]["num_unknown_items"] == 0


def test_known_users_have_no_place_since_they_are_known(experiment, judge):
    manifest = json.loads((experiment.exported / MANIFEST).read_text())
    assert manifest["trained_on"] == "meta_train"
    known = load_known_users(experiment.dataset_dir, is_whole=False)
    rows = [f"{task.task_id},f1,4" for task in known.meta_train]
    done = judge(experiment, NEW_USERS, "user_id,item_id,label", *rows)
    reason = "the model was trained on all of these users"
    assert f"No place: {reason}." in done.output
    (rule,) = [one for one in done.values["rules"] if one["name"] == "like known tasks"]
    assert (rule["passed"], rule["detail"]) == (None, reason)


def test_the_command_line_takes_the_newest_export(experiment, tmp_path, capsys):
    path = tmp_path / "newcomers.csv"
    path.write_text("user_id,item_id,label\nnew1,f1,4\n", encoding="utf-8")
    output = tmp_path / "out"
    folder = str(experiment.exported.parent)
    argv = ["onboard", "--users", str(path), "--model", folder, "--output", str(output)]
    assert main(argv) == NO_GO
    assert (output / "onboard.json").is_file()


def test_the_command_line_needs_a_model(tmp_path, capsys):
    path = tmp_path / "newcomers.csv"
    assert main(["onboard", "--users", str(path)]) == USAGE_ERROR
    assert "newcomers.csv" in capsys.readouterr().err
    path.write_text("user_id,item_id,label\n", encoding="utf-8")
    assert main(["onboard", "--users", str(path)]) == USAGE_ERROR
    assert "--model, --config or both" in capsys.readouterr().err
