"""Whether older releases of TensorFlow answer an exported model alike.

python -m benchmarks.older_tensorflow --version VERSION 2.20.0 2.13.1

Each release is installed into an environment of its own, for the processor alone, and
loads the model as TensorFlow Serving does, through a session; nothing of this project
is there. Prints a JSON line for each exported version and release: how many request
examples and outputs there are, the largest difference of a number to what the
TensorFlow here answers, and whether all texts are the same.
"""

import argparse
import json
import os
import pathlib
import subprocess
import sys
import tempfile
from typing import Any

import numpy as np

_SETTINGS = {"TF_CPP_MIN_LOG_LEVEL": "3", "TF_ENABLE_ONEDNN_OPTS": "0"}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("releases", nargs="*", help="of TensorFlow")
    parser.add_argument("--version", action="append", type=pathlib.Path, required=True)
    parser.add_argument(
        "--answers", type=pathlib.Path, help="write those of here, only"
    )
    arguments = parser.parse_args()
    if arguments.answers is not None:
        answers = [answers_of(version) for version in arguments.version]
        arguments.answers.write_text(json.dumps(answers, default=_as_lists))
        return
    with tempfile.TemporaryDirectory() as name:
        folder = pathlib.Path(name)
        expected = _asked(sys.executable, arguments.version, folder / "here")
        for release in arguments.releases:
            python = _installed(release, folder / release)
            answers = _asked(python, arguments.version, folder / "answers")
            for version, one, other in zip(
                arguments.version, expected, answers, strict=True
            ):
                line = {"model": str(version), "release": release}
                print(json.dumps(line | compared(one, other)), flush=True)


def answers_of(version: pathlib.Path) -> dict[str, dict[str, np.ndarray]]:
    """Returns the outputs of every request example of a version, by this TensorFlow."""
    import tensorflow as tf  # Of the interpreter that is asked, whichever it is.

    tf1, answers = tf.compat.v1, {}
    with tf1.Session(graph=tf.Graph()) as session:
        model = tf1.saved_model.loader.load(session, ["serve"], str(version))
        examples = version / "assets.extra" / "request_examples"
        for path in sorted(examples.glob("*.json")):
            request = json.loads(path.read_text())
            signature = model.signature_def[request["signature_name"]]
            inputs = _columns(request)
            feeds = {
                info.name: _array(inputs[name], tf.dtypes.as_dtype(info.dtype))
                for name, info in signature.inputs.items()
            }
            outputs = {name: info.name for name, info in signature.outputs.items()}
            answers[path.stem] = session.run(outputs, feeds)
    return answers


def compared(
    expected: dict[str, dict[str, np.ndarray]],
    answers: dict[str, dict[str, np.ndarray]],
) -> dict[str, Any]:
    """Returns how far the answers of one version lie apart."""
    pairs = [
        (values, answers[example][name])
        for example, outputs in expected.items()
        for name, values in outputs.items()
    ]
    is_text = [values.dtype.kind == "U" for values, _ in pairs]
    return {
        "examples": len(expected),
        "outputs": len(pairs),
        "largest_difference": max(
            float(np.abs(one - other).max(initial=0.0))
            for (one, other), text in zip(pairs, is_text, strict=True)
            if not text
        ),
        "same_texts": all(
            np.array_equal(*pair)
            for pair, text in zip(pairs, is_text, strict=True)
            if text
        ),
    }


def _columns(request: dict[str, Any]) -> dict[str, Any]:
    """Returns the inputs of a request over REST, by columns or by rows, by columns."""
    if "inputs" in request:
        return request["inputs"]
    rows = request["instances"]
    return {name: [row[name] for row in rows] for name in rows[0]}


def _array(values: Any, dtype: Any) -> np.ndarray:
    if dtype.as_numpy_dtype is not object:
        return np.array(values, dtype.as_numpy_dtype)
    texts = np.array(values, str)
    return np.char.encode(texts, "utf-8").astype(object)


def _asked(
    python: str, versions: list[pathlib.Path], output: pathlib.Path
) -> list[dict[str, dict[str, np.ndarray]]]:
    """Lets an interpreter answer; it is not to find this project."""
    named = [f"--version={version.resolve()}" for version in versions]
    command = [python, __file__, "--answers", str(output), *named]
    environment = {**os.environ, **_SETTINGS}
    environment.pop("PYTHONPATH", None)
    subprocess.run(command, check=True, env=environment, cwd=output.parent)
    return [
        {
            example: {name: np.array(values) for name, values in outputs.items()}
            for example, outputs in answers.items()
        }
        for answers in json.loads(output.read_text())
    ]


def _as_lists(values: np.ndarray) -> list[Any]:
    if values.dtype == object:
        values = np.char.decode(values.astype(np.bytes_), "utf-8")
    return values.tolist()


def _installed(release: str, folder: pathlib.Path) -> str:
    """Installs a release for the processor alone; returns its interpreter."""
    subprocess.run([sys.executable, "-m", "venv", str(folder)], check=True)
    python = str(folder / "bin" / "python")
    package = f"tensorflow-cpu=={release}"
    command = [python, "-m", "pip", "install", "--quiet", package]
    subprocess.run(command, check=True)
    return python


if __name__ == "__main__":
    main()
