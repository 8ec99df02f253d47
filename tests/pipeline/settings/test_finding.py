from pipeline.settings.finding import compare_protocols, tasks_overlap, to_finding


def test_a_task_in_two_splits_is_a_leak():
    assert tasks_overlap({"a": ["x", "y"], "b": ["z"]}).verdict == "ok"
    found = tasks_overlap({"a": ["x", "y"], "b": ["y", "y"]})
    assert (found.verdict, found.detail[:10]) == ("LEAK", "2 of 4 tas")


def test_what_is_bad_is_counted_and_comes_with_its_cure():
    assert to_finding("pairs", 0, "7 pairs", "prepare again.") == (
        *("pairs", "ok", "none of 7 pairs"),
    )
    assert to_finding("pairs", 2, "7 pairs", "prepare again.") == (
        *("pairs", "LEAK", "2 of 7 pairs: prepare again."),
    )


def test_a_protocol_is_told_by_what_is_alike_and_what_is_not():
    text = compare_protocols([("10 pairs", 10, 10), ("20 pairs", 20, 5)])
    alike, different = text.split("Different: ")
    assert "10 pairs" in alike
    assert "20 pairs, here 5" in different
