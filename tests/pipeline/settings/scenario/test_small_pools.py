import pytest

from pipeline.settings.scenario.small_pools import describe_small_pools
from transforms.clicks.catalogue import build_statistics
from transforms.clicks.summaries import TaskSummary
from transforms.writing.protos import proto_file


@pytest.fixture
def describe(tmp_path):
    """Says what the statistics of pools of a split come to."""

    def describe_pools(split, *sizes):
        tasks = [
            TaskSummary(f"s{n}", split, size, 9, 9) for n, size in enumerate(sizes)
        ]
        content = proto_file(build_statistics(tasks))
        (tmp_path / "statistics.pbtxt").write_bytes(content)
        return describe_small_pools(tmp_path)

    return describe_pools


def test_a_few_small_pools_are_said_with_the_key_that_leaves_them_out(describe):
    assert describe("meta_test", 40, 20, 30) == [
        "prepare: meta_test: pools have 20 to 40 items; where a user has at most 20 "
        "candidates, recall@20, which decides, does not count, but recall@5, "
        "recall@10, ndcg and mrr do: data.episodes.min_pool_size: 21 leaves such pools "
        "out"
    ]


def test_where_all_pools_are_small_no_key_is_made_up(describe):
    (sentence,) = describe("meta_validation", 9, 6)
    assert "6 to 9 items" in sentence
    assert "but recall@5, ndcg and mrr do: no key changes what decides" in sentence


@pytest.mark.parametrize("split", ["meta_validation", "meta_test"])
def test_nothing_is_said_of_larger_pools(describe, split):
    assert describe(split, 21, 99) == []


def test_nothing_is_said_of_what_is_only_trained_on(describe):
    assert describe("meta_train", 5) == []
