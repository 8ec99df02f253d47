import pytest

from transforms.plural import counted, plural


@pytest.mark.parametrize(
    ("number", "text"), [(0, "0 tasks were"), (1, "1 task was"), (2, "2 tasks were")]
)
def test_words_go_with_their_number(number, text):
    assert f"{counted(number, 'task')} {plural(number, 'was', 'were')}" == text
