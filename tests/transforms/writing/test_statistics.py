from collections import Counter

from tensorflow_metadata.proto.v0 import statistics_pb2

from transforms.writing.statistics import build_anomalies, fill_numbers, mean_and_std


def fine_buckets(counts):
    stats = statistics_pb2.NumericStatistics()
    fill_numbers(stats, Counter(counts))
    return [
        (bucket.low_value, bucket.high_value, bucket.sample_count)
        for bucket in stats.histograms[1].buckets
    ]


def test_few_values_have_a_bucket_each():
    counts = {1.0: 3, 4.0: 2, 5.0: 1}
    assert fine_buckets(counts) == [(1.0, 1.0, 3), (4.0, 4.0, 2), (5.0, 5.0, 1)]


def test_fine_buckets_have_few_values_and_are_narrow():
    # 100 values at 0.00 to 0.99 and one at 500: two of 101 are at most a fiftieth.
    counts = dict.fromkeys([place / 100 for place in range(100)] + [500.0], 1)
    *buckets, last = fine_buckets(counts)
    assert {count for _, _, count in buckets} == {2}
    assert (buckets[0], last) == ((0.0, 0.01, 2), (500.0, 500.0, 1))
    # Alone far out, neighbours 10 apart of 500 share a bucket, those 11 apart do not.
    assert (480.0, 490.0, 2) in fine_buckets({**counts, 480.0: 1, 490.0: 1})
    assert (479.0, 479.0, 1) in fine_buckets({**counts, 479.0: 1, 490.0: 1})


def test_mean_and_deviation_of_counted_labels():
    # Labels 1, 1, 1 and 5: mean 2, squared distances 3 * 1 + 9 = 12.
    assert mean_and_std(Counter({1.0: 3, 5.0: 1})) == (2.0, 3**0.5)


def test_labels_that_do_not_vary_have_no_deviation():
    assert mean_and_std(Counter({4.0: 3})) == (4.0, 0.0)


def test_without_labels_mean_and_deviation_are_zero():
    assert mean_and_std(Counter()) == (0.0, 0.0)


def test_anomalies_count_refused_rows_by_reason():
    anomalies = build_anomalies({"malformed": 3})
    assert anomalies.anomaly_info["malformed"].short_description == "3 rows refused"
    assert (
        "cannot be cut into fields" in anomalies.anomaly_info["malformed"].description
    )
