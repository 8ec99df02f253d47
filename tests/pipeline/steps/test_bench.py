"""What `cmml bench` takes on its command line."""

import pathlib
import subprocess
import sys

import pytest

from pipeline.steps import bench

ROOT = pathlib.Path(bench.__file__).parents[2]


@pytest.fixture
def model(tmp_path):
    """Two versions under a base path."""
    for version in ("7", "30"):
        directory = tmp_path / "cmml" / version
        (directory / "assets.extra").mkdir(parents=True)
        (directory / "saved_model.pb").write_bytes(b"")
        (directory / "assets.extra" / "manifest.json").write_text("{}")
    return tmp_path / "cmml"


def test_everything_has_a_default(model):
    options = bench.resolve_options(model)
    assert options.version_dir == model / "30"  # The newest by number.
    assert options.sizes.support == (0, 5, 10, 40)
    assert options.sizes.candidates == (10, 100, 1000)
    assert options.sizes.concurrency == (1, 8)
    assert options.transports == ("inprocess", "grpc", "rest")
    assert options.has_grid


def test_a_version_may_be_named(model):
    assert bench.resolve_options(model / "7").version_dir == model / "7"


def test_a_version_may_be_the_working_directory(model, monkeypatch):
    monkeypatch.chdir(model / "7")
    assert bench.resolve_options(pathlib.Path(".")).version_dir == model / "7"


def test_a_version_that_is_not_complete_is_passed_over(model):
    (model / "30" / "saved_model.pb").unlink()
    assert bench.resolve_options(model).version_dir == model / "7"


@pytest.mark.parametrize("asked", [{"soak": 1.5}, {"reload": True}, {"fuzz": 10}])
def test_the_grid_is_left_out_where_something_else_is_asked_for(model, asked):
    assert not bench.resolve_options(model, **asked).has_grid


def test_targets_choose_their_transports(model):
    assert bench.resolve_options(model, target="a:8500").transports == ("grpc",)
    both = bench.resolve_options(model, target="a:8500", rest_target="http://a:8501")
    assert both.transports == ("grpc", "rest")
    assert both.targets == {"grpc": "a:8500", "rest": "http://a:8501"}


@pytest.mark.parametrize(
    ("flags", "message"),
    [
        ({"support": "5,x"}, "--support must be whole numbers from 0, .* got '5,x'"),
        ({"candidates": "0"}, "--candidates must be whole numbers from 1, .* got '0'"),
        ({"concurrency": ""}, "--concurrency must be whole numbers from 1"),
        ({"seconds": 0.0}, "--seconds must be above 0, got 0"),
        ({"transports": "grpc,smoke"}, r"--transports must be some of .*\['smoke'\]"),
        ({"soak": -1.0}, "--soak and --fuzz must not be negative, got -1.0, 0"),
        ({"fuzz": 3, "transports": "inprocess"}, "name grpc or rest as well"),
        ({"target": "a:1", "reload": True}, "--reload starts a server itself"),
        (
            {"target": "a:1", "transports": "grpc,rest"},
            r"there is no target for the transports \['rest'\]",
        ),
    ],
)
def test_what_cannot_be_is_refused(model, flags, message):
    with pytest.raises(ValueError, match=message):
        bench.resolve_options(model, **flags)


def test_a_folder_without_a_model_is_named(tmp_path):
    with pytest.raises(ValueError, match=f"{tmp_path} holds no exported model"):
        bench.resolve_options(tmp_path)


def test_arguments_are_checked_without_tensorflow():
    code = "import sys, pipeline.steps.bench; assert 'tensorflow' not in sys.modules"
    subprocess.run([sys.executable, "-c", code], check=True, cwd=ROOT)
