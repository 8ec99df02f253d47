import json
import re

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
        ('{"query": ["f1"', r"line 2: no JSON: Expecting ',' delimiter, column 16"),
        ('{"support": [{"item_id": "f1", "label": "x"}]}', "line 2: .*, got 'x'"),
        ('{"sport": []}', r"line 2: unknown keys \['sport'\]"),
        ('{"task_id": "\\ud800"}', "line 2: .*surrogates not allowed"),
        (
            json.dumps({"support": [*SUPPORT, {"item_name": "Film 1", "label": 1}]}),
            "line 2: a support pair must have one label, got 5 and 1 for item 'f1'",
        ),
        ("[" * 100_000, "line 2: maximum recursion depth"),
        (
            json.dumps({"support": [{"item_id": "f1", "label": 5}] * 1001}),
            "line 2: support must hold at most 1000 values, got 1001",
        ),
    ],
)
def test_a_bad_line_is_refused_by_its_number_and_all_others_are_answered(
    answer, tmp_path, line, message
):
    good = '{"query": ["f1"]}'
    with pytest.raises(RequestError, match=r"requests\.jsonl: 1 of 3 lines") as error:
        answer(good, line, good)
    assert "refused, the others answered.\n" in str(error.value)
    assert re.search(message, str(error.value))
    first, second = (tmp_path / "answers.jsonl").read_text().splitlines()
    first, second = json.loads(first), json.loads(second)
    assert (first.pop("line"), second.pop("line")) == (1, 3)
    assert first == second
    assert "ranked" in first


def test_where_all_lines_are_refused_no_others_are_said_to_be_answered(answer):
    with pytest.raises(RequestError, match=r"2 of 2 lines refused\.\n  line 1: "):
        answer("[", "[")


def test_what_the_graph_refuses_is_refused_by_its_line(answer, model, monkeypatch):
    monkeypatch.setitem(model.manifest["limits"], "max_support", 10_000)
    monkeypatch.setattr(predict, "load_version", lambda directory: model)
    support = [{"item_id": f"x{n}", "label": 5} for n in range(1001)]
    with pytest.raises(
        RequestError, match=r"line 1: .*at most 1000 values a task"
    ) as e:
        answer(json.dumps({"support": support}))
    assert len(str(e.value).splitlines()) == 2


def test_items_that_the_model_does_not_know_are_said_and_limited(
    answer, tmp_path, capsys
):
    def support(*ids):
        return json.dumps({"support": [{"item_id": i, "label": 5} for i in ids]})

    text = answer(support("f1", "f2", "f3", "f4", "none")).read_text()
    assert json.loads(text)["unknown_items"] == ["none"]
    assert re.search(
        r"predict: the model does not know the item of 1 of 5 support pairs\. Unknown "
        r"are items 'none'; all that are known: .*item_id\.txt$",
        capsys.readouterr().err.splitlines()[-1],
    )
    with pytest.raises(
        RequestError,
        match=r"allows 30% .*got 2 of 4 support pairs unknown.*'x1', 'x2'; all that",
    ) as error:
        answer(support("f1", "f2", "x1", "x2"))
    assert "'f10'" not in str(error.value)  # One that is in no request is no help.
    assert "does not know" not in capsys.readouterr().err  # It is said once.
    with pytest.raises(RequestError, match=r"'F1'.*'f1'.*upper and lower case"):
        answer(support("F1", "f2", "f3", "f4", "f5"))
    assert (tmp_path / "answers.jsonl").exists()


def test_ids_are_read_as_preparation_read_them(model, monkeypatch):
    monkeypatch.setitem(model.manifest, "normalize_ids", True)
    request = {"support": [{"item_id": " F1", "label": 5}], "query": ["F2"]}
    own = {"support": [{"item_id": "f1", "label": 5}], "query": ["f2"]}
    assert model.answer(request, 3) == model.answer(own, 3)
    monkeypatch.setitem(model.manifest, "domains", ["Shop"])
    assert [model.id_of(one) for one in ("Shop:007", "Other:007")] == [
        *("Shop:7", "other:007"),
    ]


def test_answers_can_be_read_by_people(answer):
    support = [{"item_id": "f1", "label": 5}, {"item_name": "Film 2", "label": 1.5}]
    lines = [
        json.dumps({"task_id": "Ada", "support": support, "query": ["f9"]}),
        json.dumps({"support": support}),
        json.dumps({"support": None}),
    ]
    text = answer(*lines, top=2, as_text=True).read_text(encoding="utf-8").split("\n")
    assert text[:4] == ["Ada rated:", "     5  Film 1", "   1.5  Film 2", "ranked:"]
    assert text[4].endswith("  Film 9")
    assert text[5] == "A new user rated:"
    assert text[8] == "recommended:"
    # Two items a user, and the end of the last line.
    assert text[11:13] == [
        "A new user rated nothing,",
        "recommended by popularity, in % of all known ratings:",
    ]
    assert len(text[13:]) == 3


def test_people_read_what_the_model_does_not_know(answer):
    support = [*SUPPORT, {"item_id": "f0", "label": 3}]
    request = {"support": support, "user": {"gender": "x"}}
    text = answer(json.dumps(request), as_text=True).read_text()
    assert "     4  Film 3\n     3  f0\nrecommended:\n" in text
    assert text.endswith("\nunknown to the model: items 'f0'; gender 'x'\n")


def test_people_read_a_pair_that_comes_twice_once(answer):
    support = [*SUPPORT, {"item_name": "Film 1", "label": "5.0"}]
    once, twice = (
        answer(json.dumps({"support": pairs}), as_text=True).read_text()
        for pairs in (SUPPORT, support)
    )
    assert twice == once


@pytest.mark.parametrize("lines", [(), ("", "  ")])
def test_a_file_without_a_request_is_refused(answer, lines):
    with pytest.raises(RequestError, match=r"requests\.jsonl must have .* is empty"):
        answer(*lines)


def test_people_read_what_scenarios_without_clicks_are_served_by(
    scenario_experiment, cmml, tmp_path
):
    path = tmp_path / "requests.jsonl"
    requests = [
        {"user_id": "s3"},
        {"user_id": "who"},
        {"user_id": "who", "candidates": ["g1", "g2"]},
    ]
    path.write_text("".join(f"{json.dumps(one)}\n" for one in requests))
    model = scenario_experiment.exported
    done = cmml("predict", "--model", model, "--input", path, "--text")
    assert [line for line in done.stdout.splitlines() if line.endswith(":")] == [
        "A new scenario, 0 pairs:",
        "recommended for s3 by what is known of the user:",
        "A new scenario, 0 pairs:",
        "recommended for who by popularity, in % of all known clicks:",
        "A new scenario, 0 pairs:",
        "recommended for who by popularity in the pool, in % of all known clicks:",
    ]
    *_, last, unknown = done.stdout.splitlines()
    assert last.split()[0].endswith("%")  # Of all clicks.
    assert unknown == "unknown to the model: users 'who'"


def test_scenarios_are_asked_for_a_user(
    scenario_experiment, scenario_tables, cmml, tmp_path
):
    path = tmp_path / "requests.jsonl"
    clicks = [{"user_id": f"s{u}", "item_id": f"g{u % 4}"} for u in range(8)]
    request = {"support": [*clicks, clicks[0]], "user_id": "s3"}
    path.write_text(json.dumps(request) + "\n")
    model = scenario_experiment.exported
    done = cmml("predict", "--model", model, "--input", path, "--text")
    assert done.status == 0, done.stderr
    assert "A new scenario, 8 pairs:\n" in done.stdout  # One comes twice.
    assert "recommended for s3:" in done.stdout
    config = scenario_experiment.config_path
    done = cmml("predict", "--config", config, "--input", path)
    assert len(json.loads(done.stdout)["recommended"]) == 5


def test_more_items_than_the_model_recommends_are_said_in_a_line(
    answer, model, monkeypatch, capsys
):
    most = model.manifest["limits"]["top_k"]
    answer('{"support": []}', top=most)
    assert "--top" not in capsys.readouterr().err
    said = f"predict: the model recommends at most {most} items ("
    for num_items, why in ((most, "all that it has"), (most + 1, "its export.top_k")):
        monkeypatch.setitem(model.manifest, "num_candidates", num_items)
        answer('{"support": []}', top=50)
        last = capsys.readouterr().err.splitlines()[-1]
        assert last == f"{said}{why}), --top asks for 50"
