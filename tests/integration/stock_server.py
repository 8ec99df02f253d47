"""Loads an exported model as a stranger would: TensorFlow alone, none of our code.

Run by `test_served_models.py` in a process of its own.
"""

import importlib.abc
import json
import pathlib
import sys

OURS = {"cmml", "models", "pipeline", "transforms", "tuning"}


class Unreachable(importlib.abc.MetaPathFinder):
    """Keeps our packages out, wherever they are installed."""

    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] in OURS:
            raise ModuleNotFoundError(f"No module named {name!r}")


def is_reachable(name):
    try:
        __import__(name)
    except ModuleNotFoundError:
        return False
    return True


def by_saved_model(directory, requests):
    """Answers with `tf.saved_model.load`."""
    loaded = tf.saved_model.load(directory)
    answers = {}
    for name, request in requests.items():
        signature = loaded.signatures[name]
        _, specs = signature.structured_input_signature
        inputs = {key: tf.constant(v, specs[key].dtype) for key, v in request.items()}
        answers[name] = plain(signature(**inputs), lambda tensor: tensor.numpy())
    return answers


def by_session(directory, requests):
    """Answers with a session, by the loader that TensorFlow Serving has."""
    answers = {}
    with tf.compat.v1.Session(graph=tf.Graph()) as session:
        meta_graph = tf.compat.v1.saved_model.load(session, ["serve"], directory)
        for name, request in requests.items():
            signature = meta_graph.signature_def[name]
            feed = {signature.inputs[key].name: v for key, v in request.items()}
            fetch = {key: info.name for key, info in signature.outputs.items()}
            answers[name] = plain(session.run(fetch, feed), lambda array: array)
    return answers


def ops_of(directory):
    """Names of all ops of the graph and its functions, and those not registered."""
    from tensorflow.core.protobuf.saved_model_pb2 import SavedModel
    from tensorflow.python.framework import op_def_registry

    content = pathlib.Path(directory, "saved_model.pb").read_bytes()
    (meta_graph,) = SavedModel.FromString(content).meta_graphs
    graph = meta_graph.graph_def
    nodes = [*graph.node, *(n for f in graph.library.function for n in f.node_def)]
    functions = {function.signature.name for function in graph.library.function}
    ops = {node.op for node in nodes} - functions
    return sorted(ops), sorted(op for op in ops if op_def_registry.get(op) is None)


def plain(outputs, to_array):
    """Turns outputs into what JSON can hold."""
    return {
        key: [
            [v.decode() if isinstance(v, bytes) else float(v) for v in row]
            for row in to_array(value)
        ]
        for key, value in outputs.items()
    }


if __name__ == "__main__":
    sys.meta_path.insert(0, Unreachable())
    reachable = [name for name in sorted(OURS) if is_reachable(name)]

    import tensorflow as tf

    for job in json.loads(sys.stdin.read()):
        all_ops, unknown_ops = ops_of(job["model"])
        result = {
            "reachable": reachable,
            "saved_model": by_saved_model(job["model"], job["requests"]),
            "session": by_session(job["model"], job["requests"]),
            "ops": all_ops,
            "unknown_ops": unknown_ops,
        }
        print(json.dumps(result))
