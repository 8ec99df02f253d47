import apache_beam as beam
from apache_beam.testing.test_pipeline import TestPipeline
from apache_beam.testing.util import assert_that, equal_to

from transforms.reading.grouping import gather, group_by_shard, of_kinds, spread


def test_each_kind_of_output_goes_its_own_way():
    with TestPipeline("FnApiRunner") as root:
        pairs = root | beam.Create([("a", 1), ("b", 2), ("a", 3)])
        of_a, of_c = of_kinds(pairs, "a", "c")
        assert_that(of_a, equal_to([1, 3]), label="1 and 3")
        assert_that(of_c, equal_to([]), label="nothing")


def test_all_collections_come_to_one_place_even_if_they_are_empty():
    with TestPipeline("FnApiRunner") as root:
        letters = root | "letters" >> beam.Create(["x", "y"])
        nothing = root | "nothing" >> beam.Create([])
        gathered = {"letters": letters, "nothing": nothing} | gather()
        in_order = gathered | beam.Map(
            lambda lists: {n: sorted(lists[n]) for n in lists}
        )
        assert_that(in_order, equal_to([{"letters": ["x", "y"], "nothing": []}]))


def test_every_shard_waits_for_the_sign_that_it_may_start():
    with TestPipeline("FnApiRunner") as root:
        elements = root | "elements" >> beam.Create([(1, "x")])
        sign = root | "sign" >> beam.Create([None])
        groups = (elements, sign) | group_by_shard(3, "")
        in_order = groups | beam.MapTuple(lambda shard, group: (shard, sorted(group)))
        assert_that(in_order, equal_to([(0, [""]), (1, ["", "x"]), (2, [""])]))


def test_spreading_loses_nothing_and_adds_nothing():
    with TestPipeline("FnApiRunner") as root:
        elements = root | beam.Create([(0, None), (0, "x"), (7, "y")])
        key = spread(lambda element: (element[0], element[1] == "x"))
        assert_that(elements | key, equal_to([(0, None), (0, "x"), (7, "y")]))
