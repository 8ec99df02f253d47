#!/usr/bin/env bash
# MLflow 3.17.2 with pandas 3.1.1: a model refuses the frame that its signature is inferred from.
#
# infer_signature takes columns of categories, of nullable Int64 and booleans with a missing
# value, and of times with a zone, and names a type for each: string, long, "long (optional)",
# "boolean (optional)", datetime. A model saved with that signature refuses to predict the same
# frame: a category is not converted to its own type, and "optional" columns take no missing
# value but in a nullable Float32 or a text. Other types that MLflow has no name for
# (uint64: "Any") pass. Nothing is said when the model is saved.
#
#   texts: string, predicted
#   texts as categories: string, refused
#   numbers as categories: long, refused
#   Int64 with one missing: long, refused
#   boolean with one missing: boolean, refused
#   Float32 with one missing: float, predicted
#   times in UTC: datetime, refused
#   uint64: any, predicted
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3.11 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet mlflow==3.17.2 pandas==3.1.1 numpy==2.4.6
cat > "$folder/refused.py" <<'PYTHON'
import sys

import mlflow
import pandas as pd
from mlflow.models import infer_signature


class NumRows(mlflow.pyfunc.PythonModel):
    def predict(self, context, model_input, params=None):
        return [len(model_input)]


columns = {
    "texts": pd.Series(["a", "b"]),
    "texts as categories": pd.Series(["a", "b"], dtype="category"),
    "numbers as categories": pd.Series([1, 2], dtype="category"),
    "Int64 with one missing": pd.Series([1, None], dtype="Int64"),
    "boolean with one missing": pd.Series([True, None], dtype="boolean"),
    "Float32 with one missing": pd.Series([1.5, None], dtype="Float32"),
    "times in UTC": pd.Series(pd.to_datetime(["2020-01-01"], utc=True)),
    "uint64": pd.Series([1, 2], dtype="uint64"),
}
for number, (name, column) in enumerate(columns.items()):
    frame = pd.DataFrame({"value": column})
    signature = infer_signature(frame)
    path = f"{sys.argv[1]}/{number}"
    mlflow.pyfunc.save_model(path, python_model=NumRows(), signature=signature)
    kind = str(signature.inputs.inputs[0].type).removeprefix("DataType.").lower()
    try:
        mlflow.pyfunc.load_model(path).predict(frame)
        print(f"{name}: {kind}, predicted")
    except mlflow.MlflowException:
        print(f"{name}: {kind}, refused")
PYTHON
"$folder/venv/bin/python" "$folder/refused.py" "$folder" 2> "$folder/log" | tee "$folder/output"
diff "$folder/output" - <<'EXPECTED'
texts: string, predicted
texts as categories: string, refused
numbers as categories: long, refused
Int64 with one missing: long, refused
boolean with one missing: boolean, refused
Float32 with one missing: float, predicted
times in UTC: datetime, refused
uint64: any, predicted
EXPECTED
