from collections import Counter

import numpy as np
import pytest
from google.protobuf import text_format
from rated_tasks import Pairs, Task, shard_of_tasks
from tensorflow_metadata.proto.v0 import anomalies_pb2, schema_pb2, statistics_pb2

from transforms.entities.entities import Entity
from transforms.entities.entity_runs import rows_of
from transforms.entities.entity_table import build_entity_table
from transforms.ratings.catalogue import build_schema, build_statistics, label_levels
from transforms.ratings.summaries import summarize
from transforms.schema import MAX_LABEL_LEVELS
from transforms.specs import FeatureSpec
from transforms.writing.statistics import build_anomalies, proto_file

TASKS = [
    Task("u", "meta_train", Pairs(["a", "b"], [1.0, 5.0]), Pairs(["c"], [3.0])),
    Task("v", "meta_train", Pairs(["a"], [3.0]), Pairs(["d"], [4.0])),
    Task("w", "meta_test", Pairs([], []), Pairs(["a"], [2.0])),
]


SHARD = shard_of_tasks(0, TASKS)


@pytest.fixture
def summary():
    return summarize(SHARD)


@pytest.fixture
def users():
    features = FeatureSpec("sex"), FeatureSpec("age", kind="numeric")
    known = {
        "u": Entity("u", "", (("F",), 20.0)),
        "v": Entity("v", "", (("F",), None)),
        "w": Entity("w", "", ((), 50.0)),
    }
    rows, values = rows_of(features, SHARD.users, known, has_names=False)
    return build_entity_table(features, len(rows), values)


@pytest.fixture
def items():
    rows, values = rows_of([], SHARD.items, {}, has_names=False)
    return build_entity_table([], len(rows), values)


@pytest.fixture
def datasets(summary, users, items):
    statistics = build_statistics(summary, users, items)
    return {
        dataset.name: {feature.name: feature for feature in dataset.features}
        for dataset in statistics.datasets
    }


def test_each_split_has_its_statistics(summary, users, items):
    statistics = build_statistics(summary, users, items)
    assert {d.name: d.num_examples for d in statistics.datasets} == {
        "meta_train": 2,
        "meta_validation": 0,
        "meta_test": 1,
    }


def test_labels_are_summed_up(datasets):
    stats = datasets["meta_train"]["support/label"].num_stats
    # Labels 1, 5 and 3: mean 3, squared distances 4 + 4 + 0 = 8.
    assert (stats.mean, stats.min, stats.max, stats.median) == (3.0, 1.0, 5.0, 3.0)
    assert stats.std_dev == pytest.approx((8 / 3) ** 0.5)
    histogram, _ = stats.histograms
    # Ten buckets of width 0.4: 1 is in the first, 3 in the sixth, 5 in the last.
    counts = [bucket.sample_count for bucket in histogram.buckets]
    assert counts == [1, 0, 0, 0, 0, 1, 0, 0, 0, 1]
    assert histogram.buckets[0].high_value == pytest.approx(1.4)


def test_support_sizes_are_the_numbers_of_values(datasets):
    common = datasets["meta_train"]["support/label"].num_stats.common_stats
    assert (common.min_num_values, common.max_num_values) == (1, 2)
    assert (common.tot_num_values, common.avg_num_values) == (3, 1.5)
    assert common.num_values_histogram.buckets[0].sample_count == 1


def test_a_task_without_support_counts_as_missing(datasets):
    common = datasets["meta_test"]["support/label"].num_stats.common_stats
    assert (common.num_missing, common.num_non_missing) == (1, 0)


def test_texts_have_their_top_values(datasets):
    stats = datasets["meta_train"]["sex"].string_stats
    (top,) = stats.top_values
    assert (top.value, top.frequency, stats.unique) == ("F", 2, 1)
    assert datasets["meta_test"]["sex"].string_stats.common_stats.num_missing == 1


def test_numbers_that_are_missing_are_counted(datasets):
    stats = datasets["meta_train"]["age"].num_stats
    assert (stats.mean, stats.common_stats.num_missing) == (20.0, 1)


def test_the_schema_says_types_and_ranges(make_spec, users, items):
    by_name = {f.name: f for f in build_schema(make_spec(), users, items).feature}
    assert by_name["support/item"].int_domain.max == 4
    assert by_name["user"].int_domain.max == 3
    assert by_name["query/label"].float_domain.min == 1.0
    assert by_name["sex"].type == schema_pb2.BYTES
    assert by_name["age"].type == schema_pb2.FLOAT


def test_files_can_be_read_back(summary, users, items, make_spec):
    for message, empty in (
        (
            build_statistics(summary, users, items),
            statistics_pb2.DatasetFeatureStatisticsList(),
        ),
        (build_schema(make_spec(), users, items), schema_pb2.Schema()),
        (build_anomalies({"malformed": 3}), anomalies_pb2.Anomalies()),
    ):
        assert text_format.Parse(proto_file(message).decode(), empty) == message


def test_few_labels_are_all_levels_in_ascending_order():
    assert label_levels({5.0: 3, 0.5: 1, 3.0: 10}) == (0.5, 3.0, 5.0)
    most = range(MAX_LABEL_LEVELS - 1)
    assert label_levels(dict.fromkeys(map(float, most), 1)) == tuple(most)


def test_without_labels_there_are_no_levels():
    assert label_levels({}) == ()


def test_many_labels_share_levels_from_the_lowest_to_the_highest():
    levels = label_levels({float(label): 1 for label in range(1001)})
    assert len(levels) == MAX_LABEL_LEVELS
    assert (levels[0], levels[-1]) == (0.0, 1000.0)
    # They are evenly spread, as the labels are: 1000 / 31 = 32.3 apart.
    np.testing.assert_allclose(np.diff(levels), 1000.0 / 31.0, atol=1.0)


def test_as_many_labels_as_levels_are_all_there():
    labels = tuple(float(label) for label in range(MAX_LABEL_LEVELS))
    counts = Counter(labels)
    counts[3.0] = 1000  # However frequent one of them is.
    assert label_levels(counts) == labels


def test_levels_are_close_where_labels_are_frequent_and_leave_no_gap_empty():
    counts = {round(0.1 * step, 1): 1 for step in range(101)}  # 0.0 to 10.0.
    counts |= {round(7.0 + 0.1 * step, 1): 1000 for step in range(11)}
    levels = np.array(label_levels(counts))
    assert len(np.unique(levels)) == MAX_LABEL_LEVELS
    assert set(levels) <= counts.keys()
    # Eleven labels between 7 and 8 are nearly all that there are.
    assert np.sum((levels >= 7.0) & (levels <= 8.0)) >= 9
    assert np.diff(levels).max() < 1.0
