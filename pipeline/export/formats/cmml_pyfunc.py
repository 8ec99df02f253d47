"""What MLflow runs of an export: data frames in and out of a SavedModel.

A copy of this file goes along with every model, so that it needs no package of CMML:
it imports nothing of ours.
"""

import math
import numbers
import os
import re
from collections.abc import Mapping
from typing import Any, TypeAlias

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")

import numpy as np
import pandas as pd
import tensorflow as tf

Row: TypeAlias = Mapping[str, Any]  # Values of a task by column.

QUERY, USER = "query_item_id", "query_user_id"


class CmmlModel:
    """Recommends to tasks, or scores the items that they ask about.

    Args:
        directory: The SavedModel.
    """

    def __init__(self, directory: str) -> None:
        # Kept: the signatures do not keep the tables they use alive.
        self._loaded = tf.saved_model.load(directory)

    def predict(
        self, model_input: pd.DataFrame, params: Mapping[str, Any] | None = None
    ) -> pd.DataFrame:
        """Answers tasks, one a row.

        Args:
            model_input: Columns as the inputs of `rank` and `recommend`, without the
                dimension of tasks: lists where a signature takes [B, ...] values of
                each. Columns and values may be missing. A row with a `query_item_id`
                is ranked, any other recommended to.
            params: `k`, the most items recommended; all that the model finds if it is
                not there.

        Returns:
            One row a task, in their order: `item_id`, list of str, best first, or as
            they are in `query_item_id`; `score`, and what else the model says of an
            item, lists of float; and `fallback_reason`.

        Raises:
            ValueError: If a value is not what it should be; it names row and column.
        """
        most = (params or {}).get("k")
        rows = [
            {str(key): value for key, value in row.items() if not _is_missing(value)}
            for row in model_input.to_dict("records")
        ]
        answers: dict[int, Row] = {}
        for signature in ("rank", "recommend"):
            asked = {
                place: row
                for place, row in enumerate(rows)
                if bool(np.size(row.get(QUERY, ()))) == (signature == "rank")
            }
            if asked:
                answers |= self._answers(signature, asked, most)
        outputs = self._loaded.signatures["recommend"].structured_outputs
        return pd.DataFrame(
            [answers[place] for place in range(len(rows))], columns=sorted(outputs)
        )

    def _answers(
        self, signature: str, rows: Mapping[int, Row], most: int | None
    ) -> dict[int, Row]:
        """Asks a signature about rows; returns the answers by place."""
        function = self._loaded.signatures[signature]
        _, specs = function.structured_input_signature
        rows = {place: _checked(place, row, signature) for place, row in rows.items()}
        inputs = {name: _tensor(name, rows, spec) for name, spec in specs.items()}
        outputs = {name: value.numpy() for name, value in function(**inputs).items()}
        answers: dict[int, Row] = {}
        for at, (place, row) in enumerate(rows.items()):
            answer = {name: value[at] for name, value in outputs.items()}
            if signature == "rank":
                ids = np.array([text.encode() for text in row[QUERY]], object)
                answer |= {"item_id": ids, "fallback_reason": b""}
                size = len(ids)
            else:
                size = int((answer["item_id"] != b"").sum())
                size = size if most is None else min(size, most)
            answers[place] = {name: _plain(one, size) for name, one in answer.items()}
        return answers


class _InMlflow(CmmlModel):
    """Refuses by the exception of MLflow, whose server then says what is wrong."""

    def predict(
        self, model_input: pd.DataFrame, params: Mapping[str, Any] | None = None
    ) -> pd.DataFrame:
        from mlflow.exceptions import MlflowException

        try:
            return super().predict(model_input, params)
        except (ValueError, tf.errors.InvalidArgumentError) as error:
            refused = re.search("assertion failed: (.*)", str(error))
            reason = refused[1] if refused else str(error)
            raise MlflowException.invalid_parameter_value(reason) from None


def _load_pyfunc(data_path: str) -> CmmlModel:
    """Loads the model: MLflow calls this."""
    return _InMlflow(data_path)


def _is_missing(value: Any) -> bool:
    return value is None or (isinstance(value, float) and math.isnan(value))


def _checked(place: int, row: Row, signature: str) -> Row:
    """Returns a row in which what belongs together has one length."""
    sizes = {name: np.size(value) for name, value in row.items()}
    support = {name: sizes[name] for name in row if name.startswith("support_")}
    if len({*support.values()}) > 1:
        raise ValueError(
            f"row {place}: support lists must be equally long, got {support}."
        )
    if USER not in row:
        return row
    users, num_items = [*row[USER]], sizes.get(QUERY, 0)
    if len(users) not in {1, num_items or 1}:
        raise ValueError(
            f"row {place}: {USER} must hold one user, or one for each of {num_items} "
            f"items, got {len(users)}."
        )
    if signature == "recommend":
        return {**row, USER: users[0]}
    return {**row, USER: users * num_items if len(users) == 1 else users}


def _tensor(name: str, rows: Mapping[int, Row], spec: tf.TensorSpec) -> tf.Tensor:
    """Returns a column as an input of a signature, [B] or padded to [B, N]."""
    is_text, is_list = spec.dtype == tf.string, spec.shape.rank == 2
    missing: Any = [] if is_list else "" if is_text else math.nan
    columns = [
        _values(place, name, row.get(name, missing), is_text=is_text, is_list=is_list)
        for place, row in rows.items()
    ]
    width = max(map(len, columns))
    padded = np.full([len(rows), width], "" if is_text else 0.0, object)
    for at, values in enumerate(columns):
        padded[at, : len(values)] = values
    tensor = tf.constant(padded if is_text else padded.astype(np.float32), spec.dtype)
    return tensor if is_list else tensor[:, 0]


def _values(
    place: int, name: str, value: Any, *, is_text: bool, is_list: bool
) -> list[Any]:
    """Returns what a cell holds, if it is of its type."""
    is_given_list = isinstance(value, list | tuple | np.ndarray)
    values = [*value] if is_given_list else [value]
    kind = str if is_text else numbers.Real
    if is_given_list != is_list or not all(isinstance(one, kind) for one in values):
        one = "text" if is_text else "number"
        what = f"a list of {one}s" if is_list else f"a {one}"
        raise ValueError(f"row {place}: {name} must be {what}, got {value!r}.")
    return values


def _plain(value: Any, size: int) -> Any:
    """Returns an output of one task as texts and numbers of Python."""
    if isinstance(value, bytes):
        return value.decode()
    return [v.decode() if isinstance(v, bytes) else v for v in value[:size].tolist()]
