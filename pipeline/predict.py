"""The step `predict`: new users in, scores and recommendations out.

Uses the exported model and nothing else of ours, as any other client would.
"""

import json
import math
import os
import pathlib
import sys
from collections.abc import Mapping
from typing import Any

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")

import tensorflow as tf

from transforms.schema import DataError
from transforms.values import as_text

_MANIFEST_JSON = pathlib.Path("assets.extra") / "manifest.json"
_NAMES_JSON = pathlib.Path("assets.extra") / "item_names.json"
_KEYS = {"task_id", "user", "support", "query", "exclude"}


class RequestError(DataError):
    """A request line that cannot be answered; the message names file and line."""


class ExportedModel:
    """An exported model, loaded for use in this process.

    Args:
        directory: A version, or a folder of versions of which the newest is taken.

    Raises:
        ValueError: If there is no exported model.
    """

    def __init__(self, directory: str | pathlib.Path) -> None:
        self.directory = newest_version(pathlib.Path(directory))
        # Kept: the signatures do not keep the tables they use alive.
        self._loaded = tf.saved_model.load(str(self.directory))
        self._signatures = self._loaded.signatures
        _, inputs = self._signatures["rank"].structured_input_signature
        self._user_inputs = {
            name.removeprefix("user_"): spec
            for name, spec in inputs.items()
            if name.startswith("user_")
        }
        manifest = json.loads((self.directory / _MANIFEST_JSON).read_text("utf-8"))
        self._label_range = manifest["label_min"], manifest["label_max"]
        path = self.directory / _NAMES_JSON
        names = json.loads(path.read_text(encoding="utf-8")) if path.exists() else {}
        self.item_names: dict[str, str] = names
        self._ids_of_name: dict[str, list[str]] = {}
        for item_id, name in names.items():
            self._ids_of_name.setdefault(name, []).append(item_id)

    def answer(self, request: Mapping[str, Any], top: int) -> dict[str, Any]:
        """Ranks the query items of a request, or recommends where there are none.

        Args:
            request: `support`, a list of {"item_id" or "item_name", "label"}; and
                perhaps `user`, raw features by name; `query`, item ids to score;
                `exclude`, item ids not to recommend; `task_id`, handed through.
            top: Most items recommended.

        Returns:
            `task_id` if given, and `ranked` or `recommended`: items best first, each
            with `item_id`, `item_name` if known, and `score`.

        Raises:
            ValueError: If a key is unknown or a value is not what it should be.
        """
        if not isinstance(request, dict):
            raise ValueError(f"a request must be a JSON object, got {request!r}.")
        if unknown := sorted(set(request) - _KEYS):
            raise ValueError(f"unknown keys {unknown}; valid keys: {sorted(_KEYS)}.")
        support = [self._support_pair(pair) for pair in _list(request, "support")]
        inputs = {
            "support_item_id": tf.constant([[i for i, _ in support]], tf.string),
            "support_label": tf.constant([[label for _, label in support]], tf.float32),
            **self._user(request.get("user", {})),
        }
        if query := _list(request, "query"):
            ids = [_item_id(item_id) for item_id in query]
            inputs["query_item_id"] = tf.constant([ids])
            scores = self._signatures["rank"](**inputs)["score"][0].numpy()
            order = sorted(range(len(ids)), key=lambda i: -scores[i])
            answer = {"ranked": [self._item(ids[i], scores[i]) for i in order]}
        else:
            exclude = [_item_id(item_id) for item_id in _list(request, "exclude")]
            inputs["exclude_item_id"] = tf.constant([exclude], tf.string)
            best = self._signatures["recommend"](**inputs)
            ids = [
                item_id.decode() for item_id in best["item_id"][0].numpy() if item_id
            ]
            pairs = zip(ids[:top], best["score"][0].numpy(), strict=False)
            answer = {"recommended": [self._item(i, score) for i, score in pairs]}
        task = {"task_id": request["task_id"]} if "task_id" in request else {}
        return task | answer

    def _support_pair(self, pair: Any) -> tuple[str, float]:
        if not isinstance(pair, dict) or not {"label"} < set(pair):
            raise ValueError(
                "a support pair must have `label` and `item_id` or `item_name`, "
                f"got {pair!r}."
            )
        label = pair["label"]
        if not _is_number(label):
            raise ValueError(f"label must be a number, got {label!r}.")
        low, high = self._label_range
        if not low <= label <= high:
            raise ValueError(f"label must be within [{low:g}, {high:g}], got {label}.")
        if "item_id" in pair:
            return _item_id(pair["item_id"]), float(label)
        name = str(pair.get("item_name"))
        ids = self._ids_of_name.get(name, [])
        if len(ids) != 1:
            raise ValueError(
                f"item_name must name one item, got {name!r}, which names {len(ids)}."
            )
        return ids[0], float(label)

    def _user(self, features: Mapping[str, Any]) -> dict[str, tf.Tensor]:
        if not isinstance(features, dict):
            raise ValueError(f"user must be a JSON object, got {features!r}.")
        if unknown := sorted(set(features) - set(self._user_inputs)):
            raise ValueError(
                f"unknown user features {unknown}; "
                f"the model knows {sorted(self._user_inputs)}."
            )
        return {
            f"user_{name}": _user_input(name, spec, features.get(name))
            for name, spec in self._user_inputs.items()
        }

    def _item(self, item_id: str, score: Any) -> dict[str, Any]:
        name = self.item_names.get(item_id)
        item = {"item_id": item_id} | ({"item_name": name} if name else {})
        return item | {"score": round(float(score), 4)}


def _list(request: Mapping[str, Any], key: str) -> list[Any]:
    """Returns a list of a request; an empty one if it is not given."""
    value = request.get(key)
    if value is not None and not isinstance(value, list):
        raise ValueError(f"{key} must be a list, got {value!r}.")
    return value or []


def _item_id(value: Any) -> str:
    """Returns an item id as preparation reads one: 31, 31.0 and " 31" are "31"."""
    text = as_text(value)
    if text is None:
        raise ValueError(f"item_id must be a text or a number, got {value!r}.")
    return text


def _user_input(name: str, spec: tf.TensorSpec, value: Any) -> tf.Tensor:
    """Returns a raw feature as the model takes it; None is unknown."""
    if spec.dtype == tf.float32:
        wanted, is_fine = "a number", value is None or _is_number(value)
    elif spec.shape.rank == 1:
        wanted, is_fine = "one value", not isinstance(value, list | dict)
    else:
        wanted, is_fine = "a list of values", value is None or isinstance(value, list)
    if not is_fine:
        raise ValueError(f"user feature {name!r} must be {wanted}, got {value!r}.")
    if spec.dtype == tf.float32:
        return tf.constant([math.nan if value is None else value], tf.float32)
    if spec.shape.rank == 1:
        return tf.constant([as_text(value) or ""])
    return tf.constant([[as_text(part) or "" for part in value or []]], tf.string)


def _is_number(value: Any) -> bool:
    """Whether a JSON value is a number that a float32 holds, and no truth value."""
    is_number = isinstance(value, int | float) and not isinstance(value, bool)
    return is_number and abs(value) <= float(tf.float32.max)


def newest_version(directory: pathlib.Path) -> pathlib.Path:
    """Finds the exported model in a directory.

    Raises:
        ValueError: If there is none.
    """
    if (directory / "saved_model.pb").exists():
        return directory
    versions = [p for p in directory.glob("*") if p.name.isdigit()]
    if not versions:
        raise ValueError(f"{directory} holds no exported model: run `cmml export`.")
    return max(versions, key=lambda path: int(path.name))


def run(
    directory: pathlib.Path,
    input_path: pathlib.Path,
    *,
    output_path: pathlib.Path | None,
    top: int,
    as_text: bool,
) -> None:
    """Answers every line of a JSON-lines file.

    Args:
        directory: The exported model.
        input_path: One request a line, as `ExportedModel.answer` takes it.
        output_path: One JSON object a line is written here; else to stdout.
        top: Most items recommended.
        as_text: Whether answers are laid out for people.

    Raises:
        RequestError: If a line cannot be answered; nothing is then written.
    """
    try:
        lines = input_path.read_text(encoding="utf-8").split("\n")
    except UnicodeDecodeError as error:
        raise RequestError(f"{input_path} must be UTF-8 text: {error}.") from None
    print(f"predict: asking {directory}", file=sys.stderr)
    model = ExportedModel(directory)
    answers = []
    for number, line in enumerate(lines, start=1):
        if not line.strip():
            continue
        try:
            request = json.loads(line)
            answer = model.answer(request, top)
        except ValueError as error:
            raise RequestError(f"{input_path}, line {number}: {error}") from None
        as_json = json.dumps(answer, ensure_ascii=False)
        answers.append(_describe(request, answer) if as_text else as_json)
    text = "".join(f"{answer}\n" for answer in answers)
    if output_path is None:
        print(text, end="")
    else:
        output_path.write_text(text, encoding="utf-8")


def _describe(request: Mapping[str, Any], answer: Mapping[str, Any]) -> str:
    """Lays out one request and its answer for people to read."""

    def title(item: Mapping[str, Any]) -> str:
        return str(item.get("item_name", item.get("item_id")))

    kind = "ranked" if "ranked" in answer else "recommended"
    lines = [f"{request.get('task_id', 'A new user')} rated:"]
    lines += [f"  {p['label']:>4}  {title(p)}" for p in _list(request, "support")]
    lines.append(f"{kind}:")
    lines += [f"  {item['score']:.2f}  {title(item)}" for item in answer[kind]]
    return "\n".join(lines)
