"""Checks of a request in the graph: what cannot be answered is refused, and named.

Each check returns the inputs, to be used in place of those it was given: an op runs as
soon as its inputs are there, and could otherwise fail before the check, in words that
say nothing of the request.
"""

from collections.abc import Mapping, Sequence
from typing import Any, TypeAlias

from models.legacy_keras import tf
from models.serving.options import ServingOptions

# Values by name of the input, each [B, ...].
Inputs: TypeAlias = Mapping[str, tf.Tensor]
Checked: TypeAlias = dict[str, tf.Tensor]


def check_request(
    inputs: Inputs,
    roles: Sequence[str],
    options: ServingOptions,
    label_range: tuple[float, float],
    *,
    only_whole: bool = False,
) -> Checked:
    """Refuses a request that does not fit together, or is beyond a limit.

    Args:
        inputs: Of any signature.
        roles: "user" and "item", or "item" alone: what makes a pair.
        options: The limits.
        label_range: Lowest and highest label there is.
        only_whole: Whether labels are whole numbers, as clicks are.
    """
    checked = check_batch(inputs, options.max_tasks)
    if "support_label" in checked:
        names = [f"support_{role}_id" for role in roles]
        checked = check_shapes(checked, [*names, "support_label"])
        checked = check_widths(checked, ["support_label"], options.max_support)
        checked = check_labels(checked, label_range, only_whole=only_whole)
    if "query_item_id" in checked:
        checked = check_shapes(checked, [f"query_{role}_id" for role in roles])
    items = ("query_item_id", "candidate_item_id", "exclude_item_id")
    present = [name for name in items if name in checked]
    return check_widths(checked, present, options.max_query)


def check_batch(inputs: Inputs, max_tasks: int) -> Checked:
    """Refuses inputs that do not all have the same number of tasks, or too many."""
    sizes = tf.stack([tf.shape(value)[0] for value in inputs.values()])
    names = ", ".join(inputs)
    check = tf.debugging.Assert(
        tf.reduce_all(sizes == sizes[0]),
        [f"all inputs must have one number of tasks; {names} have", sizes],
        summarize=-1,
    )
    message = [f"a request must hold at most {max_tasks} tasks, got", sizes[0]]
    is_small = tf.debugging.Assert(sizes[0] <= max_tasks, message)
    return _behind([check, is_small], inputs, list(inputs))


def check_shapes(inputs: Inputs, names: Sequence[str]) -> Checked:
    """Refuses inputs, those named, that are not all of one shape."""
    first, *others = names
    shape = tf.shape(inputs[first])
    checks = []
    for name in others:
        other = tf.shape(inputs[name])
        message = [f"{first} and {name} must have one shape, got", shape, "and", other]
        checks.append(tf.debugging.Assert(tf.reduce_all(shape == other), message))
    return _behind(checks, inputs, names)


def check_widths(inputs: Inputs, names: Sequence[str], limit: int) -> Checked:
    """Refuses a task with more than the limit in one of the inputs named, [B, N]."""
    checks = []
    for name in names:
        width = tf.shape(inputs[name])[1]
        message = [f"{name} must hold at most {limit} values a task, got", width]
        checks.append(tf.debugging.Assert(width <= limit, message))
    return _behind(checks, inputs, names)


def check_number(inputs: Inputs, name: str, limit: int) -> Checked:
    """Refuses to score more pairs, [B, M], than the limit."""
    shape = tf.shape(inputs[name])
    message = [
        f"a request must have at most {limit} pairs of tasks and items to score, got",
        shape,
    ]
    check = tf.debugging.Assert(
        tf.reduce_prod(tf.cast(shape, tf.int64)) <= limit, message
    )
    return _behind([check], inputs, list(inputs))


def check_labels(
    inputs: Inputs, label_range: tuple[float, float], *, only_whole: bool = False
) -> Checked:
    """Refuses a label that there is not, unless its item is "", which is padding.

    Args:
        inputs: With `support_item_id` string [B, S] and `support_label` float32 [B, S].
        label_range: Lowest and highest label there is.
        only_whole: Whether labels are whole numbers, as clicks are.
    """
    labels = inputs["support_label"]
    low, high = label_range
    is_wrong = tf.clip_by_value(labels, low, high) != labels  # True for NaN.
    if only_whole:
        is_wrong |= tf.floor(labels) != labels
    is_wrong &= inputs["support_item_id"] != ""
    whole = "a whole number " if only_whole else ""
    check = tf.raw_ops.Assert(  # `tf.debugging.Assert` makes a branch of it.
        condition=~tf.reduce_any(is_wrong),
        data=[
            f"support_label must be {whole}within [{low:g}, {high:g}], got",
            tf.gather_nd(labels, tf.where(is_wrong)),
        ],
    )
    return _behind([check], inputs, ["support_label"])


def _behind(checks: Sequence[Any], inputs: Inputs, names: Sequence[str]) -> Checked:
    """Lets the inputs named wait for the checks."""
    with tf.control_dependencies(checks):
        return {**inputs, **{name: tf.identity(inputs[name]) for name in names}}
