"""Writes `tf.train.Example` records without TensorFlow.

TensorFlow takes seconds to import, on every worker. A record is a protocol buffer of
four small messages in a frame of lengths and checksums; both are made here.
"""

from __future__ import annotations

import functools
import gzip
import io
import struct
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import google_crc32c
from google.protobuf import descriptor_pb2, descriptor_pool, message_factory

_PACKAGE = "tensorflow"
_MASK_DELTA = 0xA282EAD8
_GZIP_LEVEL = 6

_Field = descriptor_pb2.FieldDescriptorProto


def encode_example(
    *,
    ints: Mapping[str, Sequence[int]] | None = None,
    floats: Mapping[str, Sequence[float]] | None = None,
    texts: Mapping[str, str] | None = None,
) -> bytes:
    """Returns the bytes of one `tf.train.Example`, alike every time.

    Args:
        ints: int64 values by key.
        floats: float32 values by key.
        texts: One UTF-8 text by key.
    """
    example = example_class()()
    features = example.features.feature
    for key, numbers in (ints or {}).items():
        features[key].int64_list.value.extend(numbers)
        features[key].int64_list.SetInParent()  # An empty list keeps its type.
    for key, values in (floats or {}).items():
        features[key].float_list.value.extend(values)
        features[key].float_list.SetInParent()
    for key, text in (texts or {}).items():
        features[key].bytes_list.value.append(text.encode())
    return example.SerializeToString(deterministic=True)


def tfrecord_file(records: Iterable[bytes], *, compress: bool = False) -> bytes:
    """Returns the bytes of a TFRecord file.

    Args:
        records: Its records.
        compress: Whether to gzip it, without time or file name, so that equal records
            give equal bytes.
    """
    framed = b"".join(map(_frame, records))
    if not compress:
        return framed
    buffer = io.BytesIO()
    with gzip.GzipFile("", "wb", _GZIP_LEVEL, buffer, mtime=0) as file:
        file.write(framed)
    return buffer.getvalue()


def _frame(record: bytes) -> bytes:
    length = struct.pack("<Q", len(record))
    return b"".join((length, _masked_crc(length), record, _masked_crc(record)))


def _masked_crc(data: bytes) -> bytes:
    crc = google_crc32c.value(data)
    rotated = (crc >> 15) | (crc << 17)
    return struct.pack("<I", (rotated + _MASK_DELTA) & 0xFFFFFFFF)


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
