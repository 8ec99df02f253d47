"""Data sets beside the one trained on, made by hand."""

import pathlib
import types
from collections import Counter

import numpy as np
import pytest
from google.protobuf import text_format
from tensorflow_metadata.proto.v0 import anomalies_pb2, statistics_pb2

from pipeline.experiment.config_section import DriftConfig
from pipeline.judging.data_drift import anomalies_of, compare_datasets
from pipeline.settings.registry import load_experiment
from pipeline.steps.validate_data import stop_at_drift, validate_data
from transforms.schema import DataError
from transforms.writing.statistics import fill_numbers, fill_sizes, mean_and_std

CONFIGS = pathlib.Path(__file__).parents[3] / "configs"
LABELS = {1.0: 10, 3.0: 20, 5.0: 10}
LENGTHS = {10: 30, 20: 30}


def fill(histogram, counts):
    for value, count in counts.items():
        histogram.buckets.add(low_value=value, high_value=value, sample_count=count)


def write_dataset(
    directory,
    *,
    items=("a", "b", "c", "d"),
    users=None,
    labels=LABELS,
    lengths=LENGTHS,
    genre_missing=0,
):
    """A data set of one split; no genre at all if none is given."""
    statistics = statistics_pb2.DatasetFeatureStatisticsList()
    dataset = statistics.datasets.add(name="meta_train")
    label = dataset.features.add(name="support/label").num_stats
    fill(label.histograms.add(), labels)
    label.mean, label.std_dev = mean_and_std(Counter(labels))
    fill_sizes(dataset.features[0], label.common_stats, Counter(lengths))
    if genre_missing is not None:
        genre = dataset.features.add(name="genre").string_stats.common_stats
        genre.num_missing, genre.num_non_missing = genre_missing, 10 - genre_missing
    (directory / "vocabulary").mkdir(parents=True)
    new = [directory.name]
    for name, values in (("item_id", items), ("user_id", users or new)):
        text = "".join(f"{value}\n" for value in values)
        (directory / "vocabulary" / f"{name}.txt").write_text(text)
    (directory / "statistics.pbtxt").write_text(text_format.MessageToString(statistics))
    (directory / "_SUCCESS").touch()
    return directory


@pytest.fixture
def drifts(tmp_path):
    """Compares a data set with the reference: values by name and what was compared."""

    def drifts(**changes):
        reference = write_dataset(tmp_path / "reference")
        new = write_dataset(tmp_path / "new", **changes)
        limits = DriftConfig(may_be_new=("user_id",))
        found = compare_datasets(new, reference, limits)
        return {
            (drift.name, anomalies_pb2.AnomalyInfo.Type.Name(drift.kind)): drift
            for drift in found
        }

    return drifts


MOVED = "COMPARATOR_NORMALIZED_ABSOLUTE_DIFFERENCE_HIGH"
MISSING = "FEATURE_TYPE_LOW_FRACTION_PRESENT"


def test_equal_data_sets_do_not_differ(drifts):
    found = drifts()
    assert [drift.value for drift in found.values()] == [0.0] * len(found)
    assert not anomalies_of(found.values()).anomaly_info


def test_unknown_ids_are_a_share_of_the_different_ones(drifts):
    # b and c are known; x and y are not.
    found = drifts(items=("b", "c", "x", "y"))
    drift = found["item_id", "ENUM_TYPE_UNEXPECTED_STRING_VALUES"]
    assert (drift.value, drift.is_anomaly) == (0.5, True)
    assert not any(name == "user_id" for name, _ in found)  # New ones are the point.


def test_labels_that_move_are_told_in_deviations(tmp_path):
    reference = write_dataset(tmp_path / "reference")
    moved = {value + 1.0: count for value, count in LABELS.items()}
    new = write_dataset(tmp_path / "new", labels=moved)
    found = compare_datasets(new, reference, DriftConfig())
    (drift,) = [d for d in found if d.detail.startswith("values")]
    # All move by 1; the variance is (10 * 4 + 20 * 0 + 10 * 4) / 40 = 2.
    assert drift.value == pytest.approx(1 / 2**0.5, rel=0.01)
    assert drift.is_anomaly


def test_the_same_mean_is_not_the_same_data(tmp_path):
    reference = write_dataset(tmp_path / "reference")
    new = write_dataset(tmp_path / "new", labels={3.0: 40})
    found = compare_datasets(new, reference, DriftConfig())
    (drift,) = [d for d in found if d.detail.startswith("values")]
    # Half of the labels move by 2, so all by 1 on average.
    assert drift.value == pytest.approx(1 / 2**0.5, rel=0.01)


def test_support_sets_that_are_shorter_are_told(drifts):
    found = drifts(lengths={5: 30, 15: 30})
    drift = found["support/label", MOVED]  # The lengths, which come after the values.
    # All are shorter by 5, and the deviation is 5.
    assert drift.value == pytest.approx(1.0, rel=0.01)


def test_one_long_support_set_moves_the_others_nowhere(drifts):
    found = drifts(lengths={10: 30, 20: 29, 500: 1})
    drift = found["support/label", MOVED]
    # One of 60 is longer by 480, so all by 8 on average; the deviation is 5.
    assert drift.value == pytest.approx(8 / 5)
    assert "lengths move by 8 on average, their mean from 15 to 23" in drift.detail


def test_what_tasks_are_without_by_design_is_not_compared(tmp_path):
    new, reference = (write_dataset(tmp_path / name) for name in ("new", "reference"))
    found = compare_datasets(new, reference, DriftConfig(), may_lack=["genre"])
    assert "genre" not in {drift.name for drift in found}
    user = load_experiment(CONFIGS / "lastfm_users.yaml")
    assert user.may_lack == ("pool", "query/item")
    assert load_experiment(CONFIGS / "lastfm_scenario.yaml").may_lack == ()


@pytest.mark.parametrize(("missing", "is_anomaly"), [(1, False), (2, True)])
def test_a_feature_that_is_missing_more_often_is_told(drifts, missing, is_anomaly):
    drift = drifts(genre_missing=missing)["genre", MISSING]
    assert drift.value == pytest.approx(missing / 10)
    assert drift.is_anomaly == is_anomaly


def test_a_feature_that_is_not_there_is_always_an_anomaly(drifts):
    drift = drifts(genre_missing=None)["genre", "SCHEMA_MISSING_COLUMN"]
    assert drift.is_anomaly
    (info,) = anomalies_of([drift]).anomaly_info.values()
    assert info.severity == anomalies_pb2.AnomalyInfo.ERROR
    assert "missing" in info.description


def config(**drift):
    return types.SimpleNamespace(
        drift=DriftConfig(**drift), task_ids=("user_id",), may_lack=()
    )


def test_the_step_writes_anomalies_beside_the_data_set(tmp_path, capsys):
    reference = write_dataset(tmp_path / "reference")
    new = write_dataset(tmp_path / "new", items=("x", "y"))
    before = sorted(path.name for path in new.iterdir())
    assert validate_data(config(), new, reference) == 1
    path = tmp_path / "new-drift" / "anomalies.pbtxt"
    anomalies = text_format.Parse(path.read_text(), anomalies_pb2.Anomalies())
    assert list(anomalies.anomaly_info) == ["item_id"]
    assert "DRIFT item_id: 2 of 2 values" in capsys.readouterr().out
    assert sorted(path.name for path in new.iterdir()) == before
    assert validate_data(config(max_unknown_share=1.0), new, reference) == 0


@pytest.mark.parametrize(
    ("name", "status"),
    [("own_table", 0), ("own_clicks", 1), ("own_user_clicks", 0)],
)
def test_tasks_may_be_new_and_entities_may_not(tmp_path, capsys, name, status):
    task_ids = load_experiment(CONFIGS / f"{name}.yaml").task_ids
    reference = write_dataset(tmp_path / "reference", users=("1", "2", "3"))
    new = write_dataset(tmp_path / "new", users=("u-1", "u-2", "u-3"))
    experiment = types.SimpleNamespace(
        drift=DriftConfig(), task_ids=task_ids, may_lack=()
    )
    assert validate_data(experiment, new, reference) == status
    is_told = "DRIFT user_id: 3 of 3 values are unknown" in capsys.readouterr().out
    assert is_told == bool(status)
    may_be_new = DriftConfig(may_be_new=("user_id",))
    experiment = types.SimpleNamespace(drift=may_be_new, task_ids=task_ids, may_lack=())
    assert validate_data(experiment, new, reference) == 0


def test_a_run_is_stopped_by_a_reference_that_differs(tmp_path):
    reference = str(write_dataset(tmp_path / "reference"))
    new = write_dataset(tmp_path / "new", items=("x", "y"))
    stop_at_drift(config(), new)
    with pytest.raises(DataError, match=r"item_id: 2 of 2 values.*anomalies\.pbtxt"):
        stop_at_drift(config(reference=reference), new)
    stop_at_drift(config(reference=reference, max_unknown_share=1.0), new)


def test_what_cannot_be_compared_is_refused(tmp_path):
    new = write_dataset(tmp_path / "new")
    with pytest.raises(DataError, match="neither --against nor the key"):
        validate_data(config(), new, None)
    with pytest.raises(DataError, match="must be prepared and whole"):
        validate_data(config(), new, tmp_path / "no")


def write_prices(directory, prices, *, histograms=2):
    """A data set of one numeric feature, as `prepare` writes it."""
    statistics = statistics_pb2.DatasetFeatureStatisticsList()
    feature = statistics.datasets.add(name="meta_train").features.add(name="price")
    fill_numbers(feature.num_stats, Counter(prices))
    del feature.num_stats.histograms[histograms:]
    (directory / "vocabulary").mkdir(parents=True)
    (directory / "statistics.pbtxt").write_text(text_format.MessageToString(statistics))
    (directory / "_SUCCESS").touch()
    return directory


def compare_prices(tmp_path, new, reference, **histograms):
    found = compare_datasets(
        write_prices(tmp_path / "new", new, **histograms),
        write_prices(tmp_path / "reference", reference),
        DriftConfig(),
    )
    (drift,) = [drift for drift in found if drift.detail.startswith("values")]
    return drift


@pytest.mark.parametrize("furthest", [400.0, 4000.0])
def test_skewed_numbers_move_as_far_as_they_do(tmp_path, furthest):
    random = np.random.default_rng(5)
    new, reference = random.lognormal(3.0, 1.0, (2, 1000))
    new[0] = furthest
    drift = compare_prices(tmp_path, new, reference)
    # Of two samples of equal size it is the mean distance of the sorted values.
    true = np.abs(np.sort(new) - np.sort(reference)).mean() / reference.std()
    assert drift.value == pytest.approx(true, abs=0.01)


def test_means_that_are_told_are_those_of_the_values(tmp_path):
    prices = np.random.default_rng(5).lognormal(3.0, 1.0, 1000)
    drift = compare_prices(tmp_path, [*prices, 900.0], prices)
    told = f"from {prices.mean():.3g} to {np.mean([*prices, 900.0]):.3g}"
    assert told in drift.detail
    assert f"deviation of {prices.std():.3g}" in drift.detail


def test_statistics_of_an_earlier_version_are_compared_bucket_by_bucket(tmp_path):
    prices = np.random.default_rng(5).lognormal(3.0, 1.0, 1000)
    assert compare_prices(tmp_path, prices, prices, histograms=1).value == 0.0
