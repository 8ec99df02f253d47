import pytest

from pipeline.reports.run.bands import SUPPORT_BANDS, Bands, even_bands


def test_bands_are_called_by_their_ends():
    assert SUPPORT_BANDS.labels == ["0", "1", "2-3", "4-7", "8-15", "16+"]


def test_a_count_is_in_the_band_that_starts_at_or_below_it():
    counts = [0, 1, 2, 3, 4, 7, 8, 15, 16, 999]
    assert SUPPORT_BANDS.place(counts).tolist() == [0, 1, 2, 2, 3, 3, 4, 4, 5, 5]


def test_a_count_below_all_bands_is_in_none():
    assert Bands((1, 5)).place([0, 1]).tolist() == [-1, 0]


@pytest.mark.parametrize(("band", "last"), [(0, 0), (2, 3), (4, 15), (5, None)])
def test_the_last_count_of_a_band_is_one_below_the_next(band, last):
    assert SUPPORT_BANDS.last_of(band) == last


def test_even_bands_hold_a_fifth_each():
    assert even_bands(range(1, 11)).labels == ["1-2", "3-4", "5-6", "7-8", "9+"]


def test_counts_that_are_alike_are_one_band():
    assert even_bands([7, 7, 7]).labels == ["7+"]
