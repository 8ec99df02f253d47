"""The class of `tf.train.Example`, without TensorFlow, to read records with."""

import functools
from typing import Any

from google.protobuf import descriptor_pb2, descriptor_pool, message_factory

_PACKAGE = "tensorflow"
_Field = descriptor_pb2.FieldDescriptorProto


@functools.cache
def example_class() -> Any:
    """Builds the message class in a pool of its own.

    TensorFlow registers the same names in the default pool, and one name may be
    registered there once.
    """
    file = descriptor_pb2.FileDescriptorProto(
        name="transforms/example.proto", package=_PACKAGE, syntax="proto3"
    )
    for name, scalar in (
        ("BytesList", _Field.TYPE_BYTES),
        ("FloatList", _Field.TYPE_FLOAT),
        ("Int64List", _Field.TYPE_INT64),
    ):
        value = _field("value", 1, scalar, label=_Field.LABEL_REPEATED)
        file.message_type.add(name=name, field=[value])
    kinds = ("bytes_list", "BytesList"), ("float_list", "FloatList")
    feature = file.message_type.add(name="Feature")
    feature.oneof_decl.add(name="kind")
    for number, (name, message) in enumerate((*kinds, ("int64_list", "Int64List")), 1):
        field = _field(name, number, _Field.TYPE_MESSAGE, message=message)
        field.oneof_index = 0
        feature.field.append(field)
    _add_features(file)
    example = file.message_type.add(name="Example")
    example.field.append(_field("features", 1, _Field.TYPE_MESSAGE, message="Features"))
    pool = descriptor_pool.DescriptorPool()
    pool.Add(file)
    return message_factory.GetMessageClass(
        pool.FindMessageTypeByName(f"{_PACKAGE}.Example")
    )


def _add_features(file: descriptor_pb2.FileDescriptorProto) -> None:
    """Adds `Features`: a map from key to `Feature`."""
    features = file.message_type.add(name="Features")
    entry = features.nested_type.add(name="FeatureEntry")
    entry.options.map_entry = True
    entry.field.append(_field("key", 1, _Field.TYPE_STRING))
    entry.field.append(_field("value", 2, _Field.TYPE_MESSAGE, message="Feature"))
    features.field.append(
        _field(
            "feature",
            1,
            _Field.TYPE_MESSAGE,
            message="Features.FeatureEntry",
            label=_Field.LABEL_REPEATED,
        )
    )


def _field(
    name: str,
    number: int,
    field_type: Any,
    *,
    message: str | None = None,
    label: Any = _Field.LABEL_OPTIONAL,
) -> descriptor_pb2.FieldDescriptorProto:
    field = _Field(name=name, number=number, type=field_type, label=label)
    if message is not None:
        field.type_name = f".{_PACKAGE}.{message}"
    return field
