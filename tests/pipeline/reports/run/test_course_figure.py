from pipeline.reports.run.course_figure import course_figure


def test_the_metric_that_epochs_are_chosen_by_comes_first():
    line = {"epoch": 1, "best_epoch": 1, "pair_accuracy": 0.9, "tasks_per_s": 5.0}
    line |= {"val_recall@20": 0.7, "val_ndcg": 0.4, "val_mrr": 0.3}
    svg = course_figure([line], "recall@20")
    titles = ("recall@20", "pair_accuracy", "ndcg", "tasks per second")
    places = [svg.index(f">{title}<") for title in titles]
    assert places == sorted(places)
    assert ">mrr<" not in svg
    assert svg.count("<svg") == 1
