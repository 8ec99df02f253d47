from pipeline.reports.run.figures import course_figure, metrics_of_both


def test_the_metric_that_epochs_are_chosen_by_comes_first():
    line = {"epoch": 1, "best_epoch": 1, "pair_accuracy": 0.9, "tasks_per_s": 5.0}
    line |= {"val_recall@20": 0.7, "val_ndcg": 0.4, "val_mrr": 0.3}
    svg = course_figure([line], "recall@20")
    titles = ("recall@20", "pair_accuracy", "ndcg", "tasks per second")
    places = [svg.index(f">{title}<") for title in titles]
    assert places == sorted(places)
    assert ">mrr<" not in svg
    assert svg.count("<svg") == 1


def test_what_both_splits_have_is_in_one_panel_and_what_is_not_told_of_both_is_not():
    line = {"epoch": 2, "best_epoch": 1, "tasks_per_s": 5.0, "mae": 0.6, "mse": 0.56}
    line |= {"val_rmse": 0.73, "best_val_rmse": 0.72, "val_mae": 0.61}
    assert metrics_of_both([line]) == ["mae"]
    svg = course_figure([line], "rmse")
    assert svg.index(">rmse<") < svg.index(">mae<") < svg.index(">tasks per second<")
    assert ">mse<" not in svg
