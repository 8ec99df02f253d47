import pytest
from apache_beam.options.pipeline_options import StandardOptions

from pipeline.experiment.beam_options import beam_options


def test_the_runner_is_in_process_by_default():
    options = beam_options([])
    assert options.view_as(StandardOptions).runner == "FnApiRunner"


@pytest.mark.parametrize(
    "flags", [["--runner=FlinkRunner"], ["--runner", "FlinkRunner"]]
)
def test_a_flag_names_another_runner(flags):
    assert beam_options(flags).view_as(StandardOptions).runner == "FlinkRunner"


def test_options_of_our_own_transforms_are_known():
    options = beam_options(["--text_block_bytes=64"])
    assert options.get_all_options()["text_block_bytes"] == 64


def test_unknown_flags_are_an_error():
    message = r"unknown flags: --bogus, --runer. They are neither cmml's nor Beam's"
    with pytest.raises(ValueError, match=message):
        beam_options(["--runer=FlinkRunner", "--bogus", "1", "--streaming"])


@pytest.mark.parametrize(
    "flags", [["stray"], ["--runner=FlinkRunner", "stray"], ["--runner", "X", "stray"]]
)
def test_a_stray_argument_is_an_error(flags):
    with pytest.raises(ValueError, match="unexpected argument 'stray'"):
        beam_options(flags)
