#!/usr/bin/env bash
# MLflow 3.17.2: whole numbers in a column of lists of doubles.
#
# With the schema Array(DataType.double), the list [5, 3] is refused: "Can not safely convert int64
# to float64", by predict and, with status 400, by the scoring server. [5.0, 3] is taken. JSON of
# most languages writes 5.0 as 5, so that a client is refused whenever all its numbers happen to
# be whole. Array(AnyType()) takes both.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3.11 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet mlflow==3.17.2
cat > "$folder/lists.py" <<'PYTHON'
import sys

from mlflow.exceptions import MlflowException
from mlflow.pyfunc.scoring_server import infer_and_parse_data
from mlflow.types import ColSpec, DataType, Schema
from mlflow.types.schema import AnyType, Array

with open(sys.argv[1], "w") as output:
    for name, kind in (("double", DataType.double), ("any", AnyType())):
        schema = Schema([ColSpec(Array(kind), "labels")])
        for labels in ([5, 3], [5.0, 3]):
            try:
                records = {"dataframe_records": [{"labels": labels}]}
                infer_and_parse_data(records, schema)
                answer = "taken"
            except MlflowException as error:
                reason = "Can not safely convert int64 to float64"
                answer = "refused" if reason in error.message else error.message
            print(name, labels, answer, file=output)
PYTHON
MLFLOW_DISABLE_TELEMETRY=true "$folder/venv/bin/python" "$folder/lists.py" \
  "$folder/seen" >"$folder/log" 2>&1 || { cat "$folder/log"; exit 1; }
cat "$folder/seen"
diff - "$folder/seen" <<'SEEN'
double [5, 3] refused
double [5.0, 3] taken
any [5, 3] taken
any [5.0, 3] taken
SEEN
