"""The examples for Python readers, run one after another on the small experiments."""

import pathlib
import re
import shutil

import pytest

# The small experiments know none of the films of the examples.
pytestmark = pytest.mark.filterwarnings("ignore:items of the support set")

ROOT = pathlib.Path(__file__).parents[2]
PAGE = ROOT / "docs" / "start" / "python.md"
SNIPPET = re.compile(
    r"<!-- From Python: begin -->\n(.*)<!-- From Python: end -->", re.S
)
PYTHON = re.compile(r"^```python\n(.*?)^```$", re.M | re.S)


def front_section():
    """The section of the front page for Python readers."""
    text = (ROOT / "README.md").read_text(encoding="utf-8")
    return re.search(r"^## From Python\n(.*?)^## ", text, re.M | re.S)[1]


@pytest.fixture
def readers_folder(
    tmp_path,
    monkeypatch,
    experiment,
    scenario_experiment,
    raw_dir,
    scenario_tables,
):
    """A working folder with the tables and configurations that the examples name."""
    for tables in (raw_dir, scenario_tables):
        shutil.copytree(tables, tmp_path, dirs_exist_ok=True)
    (tmp_path / "configs").mkdir()
    demo = tmp_path / "configs" / "movielens_small.yaml"
    shutil.copyfile(experiment.config_path, demo)
    clicks = tmp_path / "my_clicks.yaml"
    shutil.copyfile(scenario_experiment.config_path, clicks)
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("CMML_DATA_DIR", raising=False)
    return tmp_path


@pytest.mark.usefixtures("readers_folder")
def test_the_examples_of_the_page_run(capsys):
    pytest.importorskip("pandas")
    names = {}
    for example in PYTHON.findall(PAGE.read_text(encoding="utf-8")):
        exec(compile(example, str(PAGE), "exec"), names)
    assert "did you mean 'dropout'?" in capsys.readouterr().out
    assert [len(names[name]) for name in ("best", "scores", "reasons")] == [3, 2, 4]


@pytest.mark.usefixtures("readers_folder")
def test_the_example_of_the_front_page_runs(capsys):
    (example,) = PYTHON.findall(front_section())
    exec(compile(example, "README.md", "exec"), {})
    assert "'attribution': " in capsys.readouterr().out


def test_the_front_page_has_the_first_example_of_the_page():
    snippet = SNIPPET.search(PAGE.read_text(encoding="utf-8"))
    assert PYTHON.findall(front_section()) == PYTHON.findall(snippet[1])
