import json
import re
import subprocess
import sys

import numpy as np
import pyarrow.parquet as pq
import pytest

from pipeline.export.loaded_version import load_version
from pipeline.insight.task_requests import (
    prepared_request,
    prepared_tasks,
    written_request,
    written_tasks,
)
from pipeline.settings.registry import load_experiment
from transforms.schema import DataError


@pytest.fixture(scope="module")
def request_of(experiment, scenario_experiment):
    """Makes the request of a task of one of the two experiments."""

    def make(setting, task_id):
        made = experiment if setting == "user" else scenario_experiment
        config = load_experiment(made.config_path)
        return prepared_request(config, made.dataset_dir)(task_id)

    return make


def test_a_user_of_the_data_set_is_asked_for_as_evaluate_does(experiment, request_of):
    rows = pq.read_table(experiment.run_dir / "eval" / "scores.parquet")
    rows = rows.to_pandas().query("method == 'cmml' and group == 'cold'")
    task_id = rows.task_id.iloc[0]
    rows = rows[rows.task_id == task_id]
    request = request_of("user", task_id)
    assert len(request["support"]) == 6  # evaluation.support_size
    assert set(request["user"]) == {"gender", "language", "age"}
    model = load_version(experiment.exported)
    answer = model.answer(request | {"query": rows.item_id.tolist()}, 10)
    scores = {item["item_id"]: item["score"] for item in answer["ranked"]}
    for item_id, score in zip(rows.item_id, rows.score, strict=True):
        assert scores[item_id] == pytest.approx(score, abs=1e-4)


def test_a_scenario_is_found_by_its_id_and_by_its_name(request_of):
    by_id = request_of("scenario", "t3")
    assert by_id == request_of("scenario", "Theme 3")
    assert by_id["task_id"] == "Theme 3"
    labels = np.array([pair["label"] for pair in by_id["support"]])
    assert (labels == 1.0).sum() == (labels == 0.0).sum() > 0
    items = {pair["item_id"] for pair in by_id["support"]}
    assert items <= set(by_id["candidates"])
    assert set(by_id["exclude"]) <= set(by_id["candidates"])


@pytest.mark.parametrize(("setting", "what"), [("user", "user"), ("scenario",) * 2])
def test_a_task_that_is_not_there_is_named(setting, what, request_of):
    with pytest.raises(
        DataError, match=f"a {what} of .*, such as '.* of meta_test, got 'nobody'"
    ):
        request_of(setting, "nobody")


@pytest.mark.parametrize("setting", ["user", "scenario"])
def test_some_tasks_of_a_data_set_are_named_as_they_can_be_asked_for(
    setting, experiment, scenario_experiment, request_of
):
    made = experiment if setting == "user" else scenario_experiment
    words = prepared_tasks(load_experiment(made.config_path), made.dataset_dir)
    kind = "the id of a user" if setting == "user" else "the id or name of a scenario"
    assert words.startswith(f"{kind} of {made.dataset_dir}, such as '")
    assert words.endswith("' of meta_test")
    named = re.findall("'([^']+)'", words)
    assert len(named) == 5
    for task_id in named:
        assert request_of(setting, task_id)["task_id"] == task_id


@pytest.mark.parametrize("setting", ["user", "scenario"])
def test_tasks_are_named_without_tensorflow(setting, experiment, scenario_experiment):
    made = experiment if setting == "user" else scenario_experiment
    code = (
        "import pathlib, sys\n"
        "from pipeline.insight.task_requests import prepared_tasks\n"
        "from pipeline.settings.registry import load_experiment\n"
        f"config = load_experiment({str(made.config_path)!r})\n"
        f"print(prepared_tasks(config, pathlib.Path({str(made.dataset_dir)!r})))\n"
        "assert 'tensorflow' not in sys.modules\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True
    )
    assert done.stdout.endswith("' of meta_test\n")


def test_some_tasks_of_a_file_are_named(tmp_path):
    path = tmp_path / "requests.jsonl"
    lines = [{"task_id": "Ada"}, {}, *({"task_id": number} for number in range(9))]
    path.write_text("".join(f"{json.dumps(line)}\n" for line in lines))
    words = f"a task_id of {path}, such as 'Ada', '0', '1', '2', '3'"
    assert written_tasks(path) == words
    path.write_text("{}\n")
    with pytest.raises(DataError, match=r"jsonl must have a task_id in its requests"):
        written_tasks(path)


def test_a_request_is_found_by_its_task_id(tmp_path):
    path = tmp_path / "requests.jsonl"
    lines = [json.dumps({"task_id": n, "support": []}) for n in ("Ada", 7)]
    path.write_text("\n\n".join(lines), encoding="utf-8")
    assert written_request(path, "7") == {"task_id": 7, "support": []}
    with pytest.raises(DataError, match=r"a task_id 'Eve', got \['Ada', '7'\]"):
        written_request(path, "Eve")


def test_requests_are_read_as_predict_reads_them(tmp_path):
    path = tmp_path / "requests.jsonl"
    request = {"task_id": "Ada", "support": [{"item_name": "A\u2028B\x85", "label": 1}]}
    text = json.dumps(request, ensure_ascii=False)
    path.write_text(f"\ufeff{text}\r\n", encoding="utf-8", newline="")
    assert written_request(path, "Ada") == request
    path.write_bytes(b'{"task_id": "\xff"}')
    with pytest.raises(DataError, match=r"requests.jsonl must be UTF-8 text: "):
        written_tasks(path)


@pytest.mark.parametrize(("line", "message"), [("{", "no JSON"), ("3", "no JSON obj")])
def test_a_line_that_is_no_request_is_named(tmp_path, line, message):
    path = tmp_path / "requests.jsonl"
    path.write_text(f"\n{line}\n", encoding="utf-8")
    with pytest.raises(DataError, match=f"requests.jsonl, line 2: {message}"):
        written_request(path, "Ada")
