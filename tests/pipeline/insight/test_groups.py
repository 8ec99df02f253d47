import numpy as np
import pytest

from pipeline.insight.contexts import TaskContexts
from pipeline.insight.groups import GROUP, grouped, load_groups
from transforms.schema import DataError

FOUND = TaskContexts(
    ["1", "2", "3"],
    np.zeros([3, 2], np.float32),
    {
        "split": ["meta_test"] * 3,
        "scenario": ["War", "Horror", "Noir"],
        "size": [1.0] * 3,
    },
)


def test_labels_are_joined_whatever_their_case():
    found = grouped(FOUND, {"dark": ["horror", "NOIR"], "loud": ["western"]})
    assert found.labels[GROUP] == ["", "dark", "dark"]
    assert found.labels["scenario"] == FOUND.labels["scenario"]


def test_groups_of_labels_that_no_task_has_are_refused():
    with pytest.raises(DataError, match=r"got \['jazz'\], none of which is a label"):
        grouped(FOUND, {"music": ["Jazz"]})


def test_the_groups_of_the_paper_are_eight_genres_in_four(request):
    path = request.config.rootpath / "configs" / "groups" / "paper_genres.yaml"
    groups = load_groups(path)
    assert list(groups) == ["horror", "suspense", "romance", "war"]
    assert sum(map(len, groups.values())) == 8


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("[a]", r"must hold labels by group, got \['a'\]"),
        ("a: b", "'a' must be a list of labels, got 'b'"),
        ("a: [x]\nb: [X]", "label 'X' of 'b' stands twice"),
        ("a: [x, x]", "label 'x' of 'a' stands twice"),
        ("a: [", "is not YAML"),
    ],
)
def test_a_file_that_is_not_of_groups_is_refused(tmp_path, text, message):
    path = tmp_path / "groups.yaml"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(DataError, match=rf"groups.yaml.*{message}"):
        load_groups(path)
