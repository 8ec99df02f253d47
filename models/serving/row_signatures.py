"""Signatures that take rows in place of ids, for runtimes other than TensorFlow.

Texts are read by whoever asks: ids and values of features are the lines of vocabulary
files, and what a runtime computes with is their numbers. The graphs hold no table, no
loop over candidates and no check, and every op in them is one of ONNX and of LiteRT.
"""

from collections.abc import Mapping

from models.legacy_keras import tf
from models.serving.request_checks import Inputs
from models.serving.saving import InputSpec, Signature, trace
from models.serving.served_model import ServedModel, row_name
from models.serving.served_tasks import Answer
from models.serving.vocabulary import PADDING

# All but `update`: to encode the whole support set again is as good on a device.
ROW_SIGNATURES = (
    "rank",
    "encode",
    "score",
    "recommend",
    "recommend_from_context",
    "explain",
)


def row_signatures(served: ServedModel) -> dict[str, Signature]:
    """Traces the signatures, by name.

    An input `..._id` string becomes `..._row` int32 of the same shape: the line of the
    id in its vocabulary, 1 for the first; 0 if it is not there; -1 for padding. A
    feature `user_<name>` becomes int32 [B, V], the lines of its values, 0 for none, V =
    1 unless there may be several; or stays float32 [B]. What the support set holds is
    recommended again unless `exclude_item_row` names it, and a pool of candidates must
    hold each item once. Outputs are those of the signatures of ids, but `item_row`
    int32 [B, K], 0 where no item is left, and `fallback` int32 [B], a place in
    `REASONS`.

    Args:
        served: What they are of.
    """
    unbounded = served.at_once()
    return {
        name: _traced(unbounded, name, inputs)
        for name, inputs in served.inputs_by_name().items()
        if name in ROW_SIGNATURES
    }


def _traced(
    served: ServedModel, name: str, inputs: Mapping[str, InputSpec]
) -> Signature:
    by_rows = getattr(served, f"{name}_rows")
    specs = dict(_row_input(served, *item) for item in inputs.items())

    def answer(**given: tf.Tensor) -> Answer:
        answer: Answer = by_rows(_never_empty(given))
        if "attribution" in answer:
            pairs = tf.range(tf.shape(given["support_label"])[1])
            # Not by a slice: LiteRT makes none of width 0.
            answer["attribution"] = tf.gather(answer["attribution"], pairs, axis=2)
        return answer

    return trace(answer, specs)


def _never_empty(inputs: Inputs) -> Inputs:
    """Puts a pair of padding into an empty support set.

    Runtimes go wrong in sums and products over nothing.
    """
    return {
        name: _padded(value) if name.startswith("support_") else value
        for name, value in inputs.items()
    }


def _padded(values: tf.Tensor) -> tf.Tensor:
    width = tf.maximum(tf.shape(values)[1], 1)
    padding = PADDING if values.dtype == tf.int32 else 0.0
    return tf.pad(values, [[0, 0], [0, 1]], constant_values=padding)[:, :width]


def _row_input(
    served: ServedModel, name: str, spec: InputSpec
) -> tuple[str, InputSpec]:
    shape, dtype = spec
    if name == "context":
        return name, ([None, served.context_format.width], dtype)
    if dtype != tf.string:
        return name, spec
    if name in served.profile_inputs():
        feature = served.user_features[name.removeprefix("user_")]
        return name, ([None, feature.max_values], tf.int32)
    return row_name(name), (shape, tf.int32)
