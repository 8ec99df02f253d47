"""Tensors of requests and answers: protos and arrays, checked against a signature."""

import dataclasses
import math
from collections.abc import Mapping
from typing import Any

import numpy as np
import numpy.typing as npt
import tensorflow as tf
from tensorflow.core.framework import tensor_pb2, types_pb2
from tensorflow.core.protobuf import meta_graph_pb2

from pipeline.serving.server.request_error import invalid

Array = npt.NDArray[Any]

# The field that holds the values of each type; TensorFlow Serving fills it too, so that
# clients may read it without `make_ndarray`.
_VALUE_FIELDS = {
    types_pb2.DT_FLOAT: "float_val",
    types_pb2.DT_DOUBLE: "double_val",
    types_pb2.DT_INT8: "int_val",
    types_pb2.DT_UINT8: "int_val",
    types_pb2.DT_INT16: "int_val",
    types_pb2.DT_UINT16: "int_val",
    types_pb2.DT_INT32: "int_val",
    types_pb2.DT_INT64: "int64_val",
    types_pb2.DT_UINT32: "uint32_val",
    types_pb2.DT_UINT64: "uint64_val",
    types_pb2.DT_BOOL: "bool_val",
    types_pb2.DT_STRING: "string_val",
}


@dataclasses.dataclass(frozen=True)
class TensorSpec:
    """An input of a signature.

    Attributes:
        name: As in requests.
        dtype: Number of the type, such as `DT_FLOAT`.
        shape: Sizes, None for any; None for any number of them.
    """

    name: str
    dtype: int
    shape: tuple[int | None, ...] | None

    @classmethod
    def of(cls, name: str, info: meta_graph_pb2.TensorInfo) -> "TensorSpec":
        """Reads the specification out of a signature."""
        if info.tensor_shape.unknown_rank:
            return cls(name, info.dtype, None)
        sizes = (dim.size for dim in info.tensor_shape.dim)
        shape = tuple(None if size < 0 else size for size in sizes)
        return cls(name, info.dtype, shape)

    @property
    def numpy_dtype(self) -> np.dtype:
        """The type of arrays; that of strings is object."""
        return np.dtype(tf.dtypes.as_dtype(self.dtype).as_numpy_dtype)

    def check_shape(self, shape: tuple[int, ...]) -> None:
        """Compares the shape of a value.

        Raises:
            RequestError: If it is another.
        """
        if self.shape is None:
            return
        fits = len(shape) == len(self.shape) and all(
            expected in (None, size)
            for expected, size in zip(self.shape, shape, strict=True)
        )
        if not fits:
            sizes = ", ".join("?" if size is None else str(size) for size in self.shape)
            raise invalid(
                f"input {self.name!r} must have shape [{sizes}], got {list(shape)}."
            )


def check_names(inputs: Mapping[str, object], specs: Mapping[str, TensorSpec]) -> None:
    """Makes sure that all inputs are there and no others.

    Raises:
        RequestError: If not.
    """
    if inputs.keys() == specs.keys():
        return
    extra = ",".join(sorted(inputs.keys() - specs.keys()))
    missing = ",".join(sorted(specs.keys() - inputs.keys()))
    raise invalid(
        f"inputs must be those of the signature, {{{','.join(sorted(specs))}}}. "
        f"Sent extra: {{{extra}}}. Missing but required: {{{missing}}}."
    )


def from_proto(
    proto: tensor_pb2.TensorProto, spec: TensorSpec, max_values: int
) -> Array:
    """Reads a tensor of a request.

    Args:
        proto: The tensor.
        spec: What it must be.
        max_values: Refuses more values, and a longer dimension. A few bytes can stand
            for any number of equal values, so that the size of a request is no bound.

    Raises:
        RequestError: If it is not what it must be.
    """
    if proto.dtype != spec.dtype:
        raise invalid(
            f"input {spec.name!r} must be {_name(spec.dtype)}, "
            f"got {_name(proto.dtype)}."
        )
    shape = tuple(dim.size for dim in proto.tensor_shape.dim)
    if proto.tensor_shape.unknown_rank or any(size < 0 for size in shape):
        raise invalid(f"input {spec.name!r} must have a known shape, got {shape}.")
    if max(math.prod(shape), *shape, 0) > max_values:  # [2**40, 0] has no value.
        raise invalid(
            f"input {spec.name!r} must have at most {max_values} values, in "
            f"each dimension too, got shape {list(shape)}."
        )
    spec.check_shape(shape)
    try:
        return tf.make_ndarray(proto)
    except (TypeError, ValueError) as error:
        raise invalid(
            f"input {spec.name!r} must have the values of shape {list(shape)}: {error}."
        ) from None


def to_proto(array: Array) -> tensor_pb2.TensorProto:
    """Writes a tensor of an answer."""
    dtype = tf.dtypes.as_dtype(array.dtype)
    field = _VALUE_FIELDS.get(dtype.as_datatype_enum)
    if field is None:
        return tf.make_tensor_proto(array)
    proto = tensor_pb2.TensorProto(dtype=dtype.as_datatype_enum)
    for size in array.shape:
        proto.tensor_shape.dim.add(size=size)
    getattr(proto, field).extend(array.ravel().tolist())
    return proto


def _name(dtype: int) -> str:
    known = types_pb2.DataType.values()
    return types_pb2.DataType.Name(dtype) if dtype in known else f"type {dtype}"
