"""What formats whose graphs take rows write beside them: tables, and examples."""

import json
import math
import pathlib
import shutil
from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np

from models.serving.saving import Signature
from models.serving.task_request import RecordedRequest
from models.whole_files import write_atomically
from pipeline.experiment.version_dir import REQUEST_EXAMPLES
from pipeline.export.formats.format import FormatSource
from pipeline.export.formats.request_rows import RequestRows
from pipeline.export.manifest import described

_EXAMPLES = "request_examples"
_RECORDS = "parity_requests.jsonl"


def write_row_files(
    source: FormatSource, folder: pathlib.Path, signatures: Mapping[str, Signature]
) -> dict[str, Any]:
    """Writes the vocabularies that a client looks up, and examples.

    Args:
        source: The version.
        folder: Where the format is written.
        signatures: By rows, by name.

    Returns:
        What the manifest says: `roles` whose ids are looked up, `features` of a user,
        and types and shapes of the signatures `by_rows`.
    """
    served = source.served
    features = {
        name: {
            "kind": feature.kind,
            "vocabulary_size": feature.vocabulary_size,
            "max_values": feature.max_values,
        }
        for name, feature in served.user_features.items()
    }
    roles = list(served.ids)
    known = [name for name, facts in features.items() if facts["vocabulary_size"]]
    for table in [*(f"{role}_id" for role in roles), *known]:
        file = f"{table}.txt"
        shutil.copyfile(source.version / "assets" / file, folder / file)
    facts = {
        "roles": roles,
        "features": features,
        "by_rows": {name: described(one) for name, one in signatures.items()},
    }
    _write_examples(source, folder, signatures, facts)
    return facts


def _write_examples(
    source: FormatSource,
    folder: pathlib.Path,
    signatures: Mapping[str, Signature],
    facts: Mapping[str, Any],
) -> None:
    """Writes a request of each signature by ids, the same by rows, and the answer."""
    reader = RequestRows(folder, {**source.manifest, **facts})
    for name, signature in signatures.items():
        path = source.version / REQUEST_EXAMPLES / f"{name}.json"
        (ids,) = json.loads(path.read_text(encoding="utf-8"))["instances"]
        specs = source.manifest["signatures"][name]["inputs"]
        rows = reader.of({key: _batch(value, specs[key]) for key, value in ids.items()})
        answer = signature(**rows)
        example = {
            "ids": ids,
            "rows": _lists({key: value[0] for key, value in rows.items()}),
            "answer": _lists({key: value[0].numpy() for key, value in answer.items()}),
        }
        text = json.dumps(example, indent=1, ensure_ascii=False) + "\n"
        write_atomically(folder / _EXAMPLES / f"{name}.json", text)


def _batch(value: Any, spec: Mapping[str, Any]) -> np.ndarray:
    dtype = np.float32 if spec["dtype"] == "float32" else object
    shape = [1, *np.shape(value)]
    return np.array(value, dtype).reshape(shape)


def write_row_records(
    folder: pathlib.Path, rows: RequestRows, requests: Iterable[RecordedRequest]
) -> None:
    """Writes requests by rows with the answers of the SavedModel, one a line.

    Whoever runs the graphs elsewhere can ask them again there.

    Args:
        folder: Where the format is written.
        rows: Reads requests of ids.
        requests: By ids.
    """
    lines = [
        json.dumps(
            {
                "signature": request.signature,
                "rows": _lists(rows.of(request.inputs)),
                "answer": _lists(request.outputs),
            },
            ensure_ascii=False,
        )
        for request in requests
    ]
    write_atomically(folder / _RECORDS, "".join(f"{line}\n" for line in lines))


def _lists(values: Mapping[str, np.ndarray]) -> dict[str, Any]:
    """Returns arrays as nested lists, texts as such, NaN as None: JSON has none."""
    return {name: _plain(value.tolist()) for name, value in values.items()}


def _plain(value: Any) -> Any:
    if isinstance(value, list):
        return [_plain(part) for part in value]
    if isinstance(value, bytes):
        return value.decode()
    is_nan = isinstance(value, float) and math.isnan(value)
    return None if is_nan else value
