import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st
from reader_fuzz import TABLES, odd_file, read_all


@pytest.mark.parametrize("kind", TABLES)
@settings(
    max_examples=25,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(seed=st.integers(0, 10_000), number=st.integers(0, 40))
@example(seed=4, number=30)
def test_each_row_is_used_or_refused_or_the_file_is_by_one_line(
    tmp_path, kind, seed, number
):
    result = read_all(tmp_path, kind, odd_file(seed, kind, number))
    if isinstance(result, str):
        assert len(result.splitlines()) == 1
        assert kind in result or "table" in result


@pytest.mark.parametrize("kind", TABLES)
@settings(
    max_examples=25,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(data=st.binary(max_size=200))
def test_any_bytes_are_rows_or_an_error_of_one_line(tmp_path, kind, data):
    result = read_all(tmp_path, kind, data)
    if isinstance(result, str):
        assert len(result.splitlines()) == 1
