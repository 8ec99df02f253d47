"""Writes all that stands beside the graph of a version."""

import json
import pathlib
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from models.legacy_keras import tf
from models.serving.served_model import ServedModel
from models.serving.task_request import RecordedRequest, TaskRequest, Tensors, as_json
from models.whole_files import write_atomically, write_json
from pipeline.experiment.prepared import read_ids
from pipeline.experiment.progress import say
from pipeline.experiment.run_dir import RunDir
from pipeline.experiment.version_dir import (
    ITEM_NAMES,
    MANIFEST,
    MODEL_CARD,
    PARITY,
    REQUEST_EXAMPLES,
    WARMUP,
)
from pipeline.export.manifest import make_manifest
from pipeline.export.model_card import model_card
from pipeline.export.recorded_requests import warmup_requests, write_records
from pipeline.settings.setting import ServedWords
from transforms import schema
from transforms.plural import counted

_EXAMPLE_PAIRS = 8  # Of the requests that people read.

_MOST_COMPARED = 10_000_000  # Pairs scored to see what a shortlist loses.

_SHELL = """\
#!/bin/sh
# Asks a running server: sh ask.sh [signature] [host:port], such as
# sh ask.sh recommend 127.0.0.1:8501
cd "$(dirname "$0")" || exit 1
curl --fail-with-body --silent --show-error \\
  -H 'Content-Type: application/json' \\
  -d @"${{1:-rank}}.json" \\
  "http://${{2:-127.0.0.1:8501}}/v1/models/{model_name}:predict"
"""

_PYTHON = '''\
"""Asks a running server: python ask.py [signature] [host:port]."""

import json
import pathlib
import sys
import urllib.request

signature = sys.argv[1] if len(sys.argv) > 1 else "rank"
address = sys.argv[2] if len(sys.argv) > 2 else "127.0.0.1:8501"
body = pathlib.Path(__file__).with_name(f"{{signature}}.json").read_bytes()
request = urllib.request.Request(
    f"http://{{address}}/v1/models/{model_name}:predict",
    data=body,
    headers={{"Content-Type": "application/json"}},
)
with urllib.request.urlopen(request) as response:
    print(json.dumps(json.load(response), indent=1))
'''


def write_extra_files(
    directory: pathlib.Path,
    served: ServedModel,
    loaded: tf.Module,
    run: RunDir,
    dataset_dir: pathlib.Path,
    *,
    facts: dict[str, Any],
    words: ServedWords,
    tasks: Sequence[TaskRequest],
    example: TaskRequest,
    answered: Sequence[RecordedRequest],
) -> None:
    """Writes warmup and parity records, request examples, names, manifest and card.

    Args:
        directory: Holds the SavedModel.
        served: What it was made of.
        loaded: The SavedModel, loaded again.
        run: The run it is of.
        dataset_dir: The prepared data set.
        facts: What the setting knows of the version, for the manifest.
        words: What the model does, for the card.
        tasks: Real tasks as raw ids and features.
        example: One of them, for people.
        answered: Requests with the answers of the trained model.
    """
    name, version = facts["model_name"], served.options.model_version

    def encode(inputs: Tensors) -> np.ndarray:
        tensors = {key: tf.constant(value) for key, value in inputs.items()}
        return loaded.signatures["encode"](**tensors)["context"].numpy()

    warmup = warmup_requests(tasks, encode)
    about = {"model_name": name, "version": version}
    write_records(directory / WARMUP, warmup, **about)
    write_records(directory / PARITY, answered, **about)
    size = min(_EXAMPLE_PAIRS, example.support["support_label"].shape[1])
    few = example.with_support(size).with_query(_EXAMPLE_PAIRS)
    requests = few.requests(encode)
    write_request_examples(directory / REQUEST_EXAMPLES, requests, name)
    _write_item_names(directory, dataset_dir)
    if served.shortlist_size:
        overlap = shortlist_overlap(served, loaded, tasks)
        facts = facts | {"shortlist_overlap": overlap}
        say(
            f"export: a shortlist of {counted(served.shortlist_size, 'item')} finds "
            f"{overlap:.2%} of what is recommended without it"
        )
    manifest = make_manifest(directory, served, loaded, run, facts)
    write_json(directory / MANIFEST, manifest)
    card = model_card(manifest, dataset_dir.parent.name, words)
    write_atomically(directory / MODEL_CARD, card)


def shortlist_overlap(
    served: ServedModel, loaded: tf.Module, tasks: Sequence[TaskRequest]
) -> float:
    """Returns the share of the recommended items that a shortlist does not lose.

    The more items there are to score, the fewer tasks are asked.

    Args:
        served: The model, which has a shortlist.
        loaded: The SavedModel of it.
        tasks: Real tasks as raw ids and features.
    """
    tasks = tasks[: max(1, _MOST_COMPARED // len(served.catalogue.candidates))]
    signatures = [
        served.exact().signature("recommend"),
        loaded.signatures["recommend"],
    ]
    num_kept = num_best = 0
    for task in tasks:
        inputs = task.support | task.profile | task.wanted
        if (pool := inputs.get("candidate_item_id")) is not None:
            inputs["candidate_item_id"] = pool[:, :0]  # Pools are short already.
        tensors = {name: tf.constant(value) for name, value in inputs.items()}
        best, short = (
            set(recommend(**tensors)["item_id"][0].numpy()) - {b""}
            for recommend in signatures
        )
        num_kept += len(best & short)
        num_best += len(best)
    return num_kept / max(1, num_best)


def _write_item_names(directory: pathlib.Path, dataset_dir: pathlib.Path) -> None:
    """Writes the names of the items by id, where the data set has any."""
    names = dataset_dir / schema.NAMES_DIR / "item.txt"
    if names.exists():
        ids = read_ids(dataset_dir, schema.ITEM_ID)[1:]
        texts = names.read_text(encoding="utf-8").split("\n")[:-1]
        by_id = dict(zip(ids, texts, strict=True))
        text = json.dumps(by_id, ensure_ascii=False, indent=0)
        write_atomically(directory / ITEM_NAMES, text)


def write_request_examples(
    directory: pathlib.Path,
    requests: Mapping[str, Mapping[str, np.ndarray]],
    model_name: str,
) -> None:
    """Writes the body of a REST request for each signature, and what sends it.

    Args:
        directory: Where they go.
        requests: Inputs of one task, [1, ...] each, by signature.
        model_name: Whom they ask.
    """
    for signature, inputs in requests.items():
        body = {"signature_name": signature, "instances": [as_json(inputs)]}
        text = json.dumps(body, indent=1, ensure_ascii=False) + "\n"
        write_atomically(directory / f"{signature}.json", text)
    write_atomically(directory / "ask.sh", _SHELL.format(model_name=model_name))
    write_atomically(directory / "ask.py", _PYTHON.format(model_name=model_name))
