"""Every format holds a version that answers as the SavedModel does."""

import json
import subprocess
import sys

import numpy as np
import pytest

from pipeline.experiment.version_dir import read_manifest
from pipeline.export.formats.format import FORMAT_NAMES
from pipeline.export.loaded_version import FORMATS, load_version

MADE = ("experiment", "scenario_experiment")
BY_ROWS = ("onnx", "litert")


def formats_of(names):
    """Runs a test with both experiments and some formats."""
    return pytest.mark.parametrize(
        ("made", "name"), [(made, name) for made in MADE for name in names]
    )


EVERY = formats_of(FORMATS)

# Of the packages that CMML needs, some that a service without TensorFlow does not.
OTHERS = {
    *("aiohttp", "apache_beam", "grpc", "jinja2", "matplotlib", "pandas", "psutil"),
    *("pyarrow", "rich", "scipy", "sklearn", "tensorflow", "threadpoolctl"),
}

# No support, an unknown id, several pairs; recommended and ranked.
REQUESTS = {
    "experiment": [
        {"support": [], "user": {}},
        {"support": [], "user": {"gender": "F", "language": ["de", "fr", "de", " "]}},
        {"support": [{"item_id": "f1", "label": 5}, {"item_id": "?", "label": 1}]},
        {
            "support": [{"item_id": " f2 ", "label": 3}],
            "user": {"age": 31},
            "exclude": ["f3"],
        },
        {"support": [{"item_id": "f2", "label": 2}], "query": ["f1", "f9", "nobody"]},
    ],
    "scenario_experiment": [
        {"user_id": "nobody", "support": []},
        {"user_id": "s1", "support": [], "candidates": ["g1", "g2", "g2", "?"]},
        {"user_id": "s1", "support": [{"user_id": "s1", "item_id": "g3"}]},
        {
            "user_id": "?",
            "support": [{"user_id": "??", "item_id": "g3", "label": 0}],
            "query": ["g1", "?"],
        },
    ],
}


def test_the_command_line_lists_the_formats_there_are():
    assert tuple(FORMATS) == FORMAT_NAMES


@EVERY
def test_a_format_stands_beside_the_saved_model(made, name, written):
    folder = written(made, name)
    assert folder.parent.name == f"cmml.{name}"
    assert (folder.parents[1] / "cmml" / folder.name / "saved_model.pb").is_file()
    manifest = read_manifest(folder)
    assert manifest["format"] == name
    assert manifest["model_version"] == int(folder.name)
    assert manifest["largest_difference"] <= 1e-5
    assert {"rank", "recommend"} <= set(manifest["signatures"])


@formats_of(BY_ROWS)
def test_by_rows_contexts_can_be_kept(made, name, written):
    manifest = read_manifest(written(made, name))
    assert {"encode", "score"} <= set(manifest["signatures"])
    assert {"item_id.txt", "parity_requests.jsonl"} <= set(manifest["files"])


@EVERY
def test_it_answers_as_the_saved_model_does(made, name, written, request):
    folder = written(made, name)
    saved = load_version(request.getfixturevalue(made).exported)
    other = load_version(folder)
    num_items = 0
    for asked in REQUESTS[made]:
        expected, answer = saved.answer(asked, 5), other.answer(asked, 5)
        assert answer.keys() == expected.keys()
        kind = "ranked" if "query" in asked else "recommended"
        ids, best = (
            [item["item_id"] for item in one[kind]] for one in (answer, expected)
        )
        assert ids == best
        scores = ([item["score"] for item in one[kind]] for one in (answer, expected))
        np.testing.assert_allclose(*scores, atol=2e-4)
        num_items += len(ids)
        assert answer.get("fallback_reason") == expected.get("fallback_reason")
    assert num_items > 10


@formats_of(BY_ROWS)
def test_recorded_requests_by_rows_can_be_asked_again(made, name, written):
    folder = written(made, name)
    runtime = FORMATS[name].open(folder)
    lines = (folder / "parity_requests.jsonl").read_text("utf-8").splitlines()
    assert "NaN" not in "".join(lines)  # No JSON to other languages.
    records = [json.loads(line) for line in lines]
    assert {record["signature"] for record in records} == set(
        runtime.manifest["by_rows"]
    )
    record = next(one for one in records if one["signature"] == "rank")
    specs = runtime.manifest["by_rows"]["rank"]["inputs"]
    rows = {
        key: np.array(value, specs[key]["dtype"])
        for key, value in record["rows"].items()
    }
    score = runtime.ask_rows("rank", rows)["score"]
    np.testing.assert_allclose(score, record["answer"]["score"], atol=1e-4)


@formats_of(BY_ROWS)
def test_a_context_of_another_version_is_refused(made, name, written):
    runtime = FORMATS[name].open(written(made, name))
    context = np.zeros([1, runtime.manifest["context"]["width"]], np.float32)
    with pytest.raises(ValueError, match="a context must be one of model version"):
        runtime.ask_rows("score", {"context": context})


@EVERY
def test_a_signature_that_it_has_not_is_named(made, name, written):
    runtime = FORMATS[name].open(written(made, name))
    with pytest.raises(ValueError, match=rf"export to {name} has .*got 'update'"):
        runtime.ask("update", {})


@formats_of(BY_ROWS)
def test_it_explains_as_the_saved_model_does(made, name, written, request):
    asked = REQUESTS[made][-1] | {"task_id": "one"}
    saved = load_version(request.getfixturevalue(made).exported)
    expected = saved.explained(asked, asked["query"])
    answer = load_version(written(made, name)).explained(asked, asked["query"])
    assert answer["attribution"].shape == (len(asked["query"]), 1)  # Of real pairs.
    for key in ("score", "attribution", "modulation"):
        np.testing.assert_allclose(answer[key], expected[key], atol=1e-4)


@pytest.mark.parametrize("name", BY_ROWS)
def test_a_support_set_can_be_empty(name, written):
    runtime = FORMATS[name].open(written("experiment", name))
    specs = runtime.manifest["by_rows"]["explain"]["inputs"]
    widths = {"query_item_row": 2, "user_gender": 1, "user_language": 8}
    rows = {
        key: np.zeros([1, widths.get(key, 0)][: len(spec["shape"])], spec["dtype"])
        for key, spec in specs.items()
    }
    answer = runtime.ask_rows("explain", rows)
    assert answer["attribution"].shape == (1, 2, 0)
    assert np.isfinite(answer["score"]).all()


@pytest.mark.parametrize("name", BY_ROWS)
def test_few_packages_are_imported(name, written):
    code = (
        "import sys, cmml\n"
        f"model = cmml.open_model({str(written('experiment', name))!r})\n"
        "assert len(model.recommend([('f1', 5.0)], k=3)) == 3\n"
        f"assert not {OTHERS} & set(sys.modules), {OTHERS} & set(sys.modules)\n"
    )
    subprocess.run([sys.executable, "-c", code], check=True)


def test_weights_of_16_bits_are_measured(written):
    manifest = read_manifest(written("experiment", "litert"))
    assert manifest["quantized"].keys() == {
        "mean_difference",
        "largest_difference",
        "share_of_recommended",
    }
    assert 0.0 < manifest["quantized"]["share_of_recommended"] <= 1.0
