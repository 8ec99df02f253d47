import numpy as np

from pipeline.judging.task_metrics_file import load_metrics, save_metrics


def test_metrics_are_read_as_they_were_written(tmp_path):
    metrics = {
        "own": {"mae": np.array([1.0, np.nan]), "ndcg@3": np.array([0.5, 1.0])},
        "cold/support_3": {"mae": np.array([2.0, 0.0])},
    }
    path = tmp_path / "folder" / "metrics.npz"
    save_metrics(path, metrics)
    read = load_metrics(path)
    assert read.keys() == metrics.keys()
    for group, by_metric in metrics.items():
        assert read[group].keys() == by_metric.keys()
        for name, values in by_metric.items():
            np.testing.assert_array_equal(read[group][name], values)
    assert [p.name for p in path.parent.iterdir()] == ["metrics.npz"]
