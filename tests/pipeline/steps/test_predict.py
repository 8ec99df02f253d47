import json

import pytest

from pipeline.export.loaded_version import load_version
from pipeline.steps import predict
from pipeline.steps.predict import RequestError

SUPPORT = [
    {"item_id": "f1", "label": 5},
    {"item_id": "f2", "label": 1.5},
    {"item_name": "Film 3", "label": 4},
]


@pytest.fixture(scope="module")
def model(experiment):
    return load_version(experiment.exported)


@pytest.fixture
def answer(experiment, model, tmp_path, monkeypatch):
    """Answers the lines of a file with `run`; returns the path of the answers."""
    monkeypatch.setattr(predict, "load_version", {experiment.exported: model}.get)

    def run(*lines, top=10, as_text=False):
        path, output = tmp_path / "requests.jsonl", tmp_path / "answers.jsonl"
        path.write_text("".join(f"{line}\n" for line in lines), encoding="utf-8")
        predict.run(
            experiment.exported, path, output_path=output, top=top, as_text=as_text
        )
        return output

    return run


def test_each_line_has_its_answer(answer, model):
    lines = [
        json.dumps({"task_id": "Zoë", "support": SUPPORT}, ensure_ascii=False),
        "",
        json.dumps({"task_id": "a\u2028b", "query": ["f1"]}, ensure_ascii=False),
    ]
    text = answer(*lines, top=2).read_text(encoding="utf-8")
    first, second = map(json.loads, text.removesuffix("\n").split("\n"))
    assert first == {"task_id": "Zoë", **model.answer({"support": SUPPORT}, 2)}
    assert second["task_id"] == "a\u2028b"


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ('{"query": ["f1"', r"requests.jsonl, line 2: Expecting ',' delimiter"),
        ('{"support": [{"item_id": "f1", "label": "x"}]}', "line 2: .*, got 'x'"),
        ('{"sport": []}', r"line 2: unknown keys \['sport'\]"),
    ],
)
def test_a_bad_line_is_named_and_nothing_is_written(answer, tmp_path, line, message):
    with pytest.raises(RequestError, match=message):
        answer('{"query": ["f1"]}', line)
    assert not (tmp_path / "answers.jsonl").exists()


def test_answers_can_be_read_by_people(answer):
    support = [{"item_id": "f1", "label": 5}, {"item_name": "Film 2", "label": 1.5}]
    lines = [
        json.dumps({"task_id": "Ada", "support": support, "query": ["f9"]}),
        json.dumps({"support": support}),
        json.dumps({"support": None}),
    ]
    text = answer(*lines, top=2, as_text=True).read_text(encoding="utf-8").split("\n")
    assert text[:4] == ["Ada rated:", "     5  f1", "   1.5  Film 2", "ranked:"]
    assert text[4].endswith("  Film 9")
    assert text[5] == "A new user rated:"
    assert text[8] == "recommended:"
    # Two items a user, and the end of the last line.
    assert text[11:13] == ["A new user rated nothing,", "recommended by popularity:"]
    assert len(text[13:]) == 3


def test_scenarios_are_asked_for_a_user(
    scenario_experiment, scenario_tables, cmml, tmp_path
):
    path = tmp_path / "requests.jsonl"
    clicks = [{"user_id": f"s{u}", "item_id": f"g{u % 4}"} for u in range(8)]
    path.write_text(json.dumps({"support": clicks, "user_id": "s3"}) + "\n")
    model = scenario_experiment.exported
    done = cmml("predict", "--model", model, "--input", path, "--text")
    assert done.status == 0, done.stderr
    assert "recommended for s3:" in done.stdout
    config = scenario_experiment.config_path
    done = cmml("predict", "--config", config, "--input", path)
    assert len(json.loads(done.stdout)["recommended"]) == 5
