"""Counters of what is left out."""

import apache_beam as beam
from apache_beam.testing.test_pipeline import TestPipeline

from transforms.writing.counts import count_dropped


class Drop(beam.DoFn):
    def process(self, num_dropped):
        count_dropped(num_dropped)
        return ()


def test_each_reason_has_a_counter_and_none_for_nothing():
    with TestPipeline() as root:
        parts = [{"too_small": 2, "repeated": 0}, {"too_small": 3, "over_limit": 1}]
        _ = root | beam.Create(parts) | beam.ParDo(Drop())
    counters = root.result.metrics().query()["counters"]
    assert {c.key.metric.name: c.committed for c in counters} == {
        "dropped_too_small": 5,
        "dropped_over_limit": 1,
    }
