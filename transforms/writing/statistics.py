"""Schema, statistics and anomalies of a data set, as the protos that TFDV reads.

Everything is counted from the whole data set, and sorted, so that equal data sets
give equal bytes.
"""

import math
from collections import Counter
from collections.abc import Iterable, Mapping

from google.protobuf import text_format
from google.protobuf.message import Message
from tensorflow_metadata.proto.v0 import anomalies_pb2, schema_pb2, statistics_pb2

from transforms.plural import counted, plural
from transforms.reading.row_error import REASONS
from transforms.schema import TASK_ID_KEY, Feature

FINE_SIZES = "num_values"  # Name of a custom statistic: a finer histogram of sizes.
_NUM_BUCKETS = 10
_NUM_FINE_BUCKETS = 50


def rows_schema(num_rows: Mapping[str, int]) -> schema_pb2.Schema:
    """Returns the schema of an episode record: its task id, and rows of entities.

    Args:
        num_rows: Rows of the entity table that each key points to.
    """
    result = schema_pb2.Schema()
    result.feature.add(name=TASK_ID_KEY, type=schema_pb2.BYTES)
    for name, last in num_rows.items():
        rows = schema_pb2.IntDomain(min=1, max=last, is_categorical=True)
        result.feature.add(name=name, type=schema_pb2.INT, int_domain=rows)
    return result


def add_features(result: schema_pb2.Schema, features: Iterable[Feature]) -> None:
    """Adds the types of features of users or items, and how many values they have."""
    for feature in features:
        numeric = feature.kind == "numeric"
        result.feature.add(
            name=feature.name,
            type=schema_pb2.FLOAT if numeric else schema_pb2.BYTES,
            value_count=schema_pb2.ValueCount(max=feature.max_values),
        )


def fill_sizes(
    feature: statistics_pb2.FeatureNameStatistics,
    common: statistics_pb2.CommonStatistics,
    sizes: Counter[int],
) -> None:
    """Fills in how many values an example has; one without any is missing.

    Args:
        feature: The feature, of which `common` is a part.
        common: Statistics of features of any type.
        sizes: Examples by number of values.
    """
    present = {size: count for size, count in sizes.items() if size and count}
    common.num_missing = sizes[0]
    common.num_non_missing = sum(present.values())
    common.tot_num_values = sum(size * count for size, count in present.items())
    if present:
        common.min_num_values = min(present)
        common.max_num_values = max(present)
        common.avg_num_values = common.tot_num_values / common.num_non_missing
        common.num_values_histogram.CopyFrom(_histogram(Counter(present)))
        fine = _fine_histogram(Counter(present))
        feature.custom_stats.add(name=FINE_SIZES, histogram=fine)


def fill_numbers(
    stats: statistics_pb2.NumericStatistics, counts: Counter[float]
) -> None:
    """Fills in mean, deviation, extremes and histograms of counted numbers, if any.

    There are buckets of equal width to look at, and finer ones to compare with.
    """
    if not counts:
        return
    stats.mean, stats.std_dev = mean_and_std(counts)
    stats.num_zeros = counts[0.0]
    stats.min = min(counts)
    stats.max = max(counts)
    stats.median = _median(counts)
    stats.histograms.append(_histogram(counts))
    stats.histograms.append(_fine_histogram(counts))


def _histogram(counts: Counter[float] | Counter[int]) -> statistics_pb2.Histogram:
    """Returns buckets of equal width from the smallest value to the largest."""
    low, high = min(counts), max(counts)
    width = (high - low) / _NUM_BUCKETS
    samples = [0] * _NUM_BUCKETS
    for value, count in counts.items():
        place = int((value - low) / width) if width else 0
        samples[min(place, _NUM_BUCKETS - 1)] += count
    histogram = statistics_pb2.Histogram(type=statistics_pb2.Histogram.STANDARD)
    for place, count in enumerate(samples):
        start = low + place * width
        is_last = place == _NUM_BUCKETS - 1
        end = high if is_last else low + (place + 1) * width
        histogram.buckets.add(low_value=start, high_value=end, sample_count=count)
    return histogram


def _fine_histogram(
    counts: Counter[float] | Counter[int],
) -> statistics_pb2.Histogram:
    """Returns buckets that are narrow where most of the values are.

    A bucket of several values has at most a fiftieth of all, and is at most a fiftieth
    as wide as they are, so that neither a skewed distribution nor one value far out
    makes a bucket coarse. Each bucket ends at the largest value in it.
    """
    most = counts.total() / _NUM_FINE_BUCKETS
    widest = (max(counts) - min(counts)) / _NUM_FINE_BUCKETS
    histogram = statistics_pb2.Histogram(type=statistics_pb2.Histogram.QUANTILES)
    bucket: statistics_pb2.Histogram.Bucket | None = None
    for value, count in sorted(counts.items()):
        if (
            bucket is None
            or bucket.sample_count + count > most
            or value - bucket.low_value > widest
        ):
            bucket = histogram.buckets.add(low_value=value)
        bucket.high_value = value
        bucket.sample_count += count
    return histogram


def _median(counts: Counter[float]) -> float:
    """Returns the middle value, the lower one of two."""
    middle = (counts.total() + 1) // 2
    seen = 0
    for value in sorted(counts):
        seen += counts[value]
        if seen >= middle:
            return value
    raise AssertionError("the median of nothing")


def mean_and_std(counts: Counter[float]) -> tuple[float, float]:
    """Returns mean and standard deviation of counted values; (0, 0) without any.

    The sums are exact, so that the order of the values does not matter.
    """
    total = counts.total()
    if not total:
        return 0.0, 0.0
    items = counts.items()
    mean = math.fsum(value * count for value, count in items) / total
    squares = math.fsum((value - mean) ** 2 * count for value, count in items)
    return mean, math.sqrt(squares / total)


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
