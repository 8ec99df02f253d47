"""A model as MLflow loads it; it takes long to import, so that tests do it."""

import json

import pandas as pd
import pytest

from pipeline.experiment.version_dir import read_manifest


@pytest.fixture(params=["experiment", "scenario_experiment"])
def folder(request, written):
    return written(request.param, "mlflow")


def test_its_example_and_json_of_whole_numbers_are_answered(folder):
    import mlflow
    from mlflow.pyfunc.scoring_server import infer_and_parse_data

    model = mlflow.pyfunc.load_model(str(folder))
    example = json.loads((folder / "serving_input_example.json").read_text("utf-8"))
    split = example["dataframe_split"]
    (task,) = (dict(zip(split["columns"], row, strict=True)) for row in split["data"])
    task["support_label"] = [int(label) for label in task["support_label"]]
    given = infer_and_parse_data(
        {"dataframe_records": [task]}, model.metadata.get_input_schema()
    )
    (row,) = model.predict(given, params={"k": 2}).to_dict("records")
    assert len(row["item_id"]) == len(row["score"]) == 2


def test_what_the_graph_refuses_is_a_bad_parameter(written):
    import mlflow

    model = mlflow.pyfunc.load_model(str(written("experiment", "mlflow")))
    task = {"support_item_id": [["f1"]], "support_label": [[9]]}
    message = r"^\[support_label must be within \[1, 5\], got\] \[9\]$"
    with pytest.raises(mlflow.MlflowException, match=message) as caught:
        model.predict(pd.DataFrame(task))
    assert caught.value.error_code == "INVALID_PARAMETER_VALUE"


def test_it_says_what_it_is(folder):
    from mlflow.models import Model

    described = Model.load(str(folder))
    manifest = read_manifest(folder)
    assert described.metadata["model_version"] == manifest["model_version"]
    inputs = described.get_input_schema()
    assert {"support_item_id", "support_label"} <= set(inputs.required_input_names())
    assert {"exclude_item_id"} <= set(inputs.optional_input_names())
    assert "item_id" in described.get_output_schema().input_names()
