"""Requests that work as they are, for people to start from."""

import json
import pathlib
from collections.abc import Mapping

import numpy as np

from models.serving.task_request import as_json
from models.whole_files import write_atomically

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
