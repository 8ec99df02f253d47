"""Anomalies of a data set, and any other proto that TFDV reads, as text."""

from collections.abc import Mapping

from google.protobuf import text_format
from google.protobuf.message import Message
from tensorflow_metadata.proto.v0 import anomalies_pb2

from transforms.plural import counted, plural
from transforms.reading.row_error import REASONS


def proto_file(message: Message) -> bytes:
    """Returns the bytes of a `.pbtxt` file."""
    return text_format.MessageToString(message, as_utf8=True).encode()


def build_anomalies(num_rejected: Mapping[str, int]) -> anomalies_pb2.Anomalies:
    """Returns one anomaly for each reason that rows were refused for.

    Args:
        num_rejected: Refused rows by reason.
    """
    result = anomalies_pb2.Anomalies()
    for reason, count in sorted(num_rejected.items()):
        info = result.anomaly_info[reason]
        info.severity = anomalies_pb2.AnomalyInfo.WARNING
        info.short_description = f"{counted(count, 'row')} refused"
        info.description = (
            f"{counted(count, 'row')} {plural(count, 'was', 'were')} refused: "
            f"{REASONS[reason]}."
        )
    return result
