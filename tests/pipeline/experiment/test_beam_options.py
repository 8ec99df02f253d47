import importlib.util

import pytest
from apache_beam.options.pipeline_options import StandardOptions

from pipeline.experiment.beam_options import beam_options

DASK = importlib.util.find_spec("distributed") is not None


def runner_of(*flags):
    return beam_options(flags).view_as(StandardOptions).runner


def test_the_runner_is_in_process_by_default():
    assert runner_of() == "FnApiRunner"


@pytest.mark.parametrize(
    ("typed", "runner"),
    [
        ("DirectRunner", "FnApiRunner"),
        ("fnapirunner", "FnApiRunner"),
        ("FlinkRunner", "FlinkRunner"),
        ("flink", "FlinkRunner"),
        ("SPARKRUNNER", "SparkRunner"),
        ("PortableRunner", "PortableRunner"),
        ("Prism", "PrismRunner"),
        ("dataflowrunner", "DataflowRunner"),
        ("apache_beam.runners.portability.flink_runner.FlinkRunner", "FlinkRunner"),
        ("apache_beam.testing.test_pipeline.TestPipeline", None),
        ("collections.Counter", "collections.Counter"),
    ],
)
def test_a_runner_is_known_by_the_name_that_people_type(typed, runner):
    if runner is None:
        with pytest.raises(ValueError, match="--runner must be one of DirectRunner, "):
            runner_of(f"--runner={typed}")
    else:
        assert runner_of(f"--runner={typed}") == runner_of("--runner", typed) == runner


@pytest.mark.skipif(DASK, reason="dask is installed")
def test_a_runner_without_its_package_says_what_to_install():
    with pytest.raises(ValueError, match=r"needs the package dask.*'cmml\[dask\]'"):
        runner_of("--runner=DaskRunner")


@pytest.mark.skipif(not DASK, reason="dask is not installed")
@pytest.mark.parametrize(
    ("flags", "partitions"),
    [
        ([], {"npartitions": 6}),
        (["--dask_npartitions=3"], {"npartitions": 3}),
        (["--dask_partition_size", "9"], {"partition_size": 9}),
    ],
)
def test_dask_spreads_what_is_read_over_partitions(flags, partitions):
    options = beam_options(["--runner=dask", "--dask_client_address=tcp://h:1", *flags])
    given = options.get_all_options(drop_default=True)
    assert given.pop("runner") == "apache_beam.runners.dask.dask_runner.DaskRunner"
    assert given == {"address": "tcp://h:1", **partitions}


@pytest.mark.parametrize(
    ("typed", "nearest"),
    [("FlickRunner", "; did you mean 'FlinkRunner'?"), ("xyzzy", "'xyzzy'.")],
)
def test_an_unknown_runner_is_one_line_with_the_nearest_name(typed, nearest):
    with pytest.raises(ValueError, match="--runner must be one of") as caught:
        runner_of(f"--runner={typed}")
    assert str(caught.value).endswith(nearest)


def test_a_class_that_is_not_there_is_no_runner():
    with pytest.raises(ValueError, match=r"got 'a\.b\.C': no such class"):
        runner_of("--runner=a.b.C")


def test_options_of_our_own_transforms_are_known():
    options = beam_options(["--text_block_bytes=64"])
    assert options.get_all_options()["text_block_bytes"] == 64


@pytest.mark.parametrize(
    "flags",
    [
        ["--runner=FlinkRunner", "--flink_job_server_jar=/a.jar", "--parallelism=2"],
        ["--runner=SparkRunner", "--spark_job_server_jar=/a.jar"],
        ["--runner=PortableRunner", "--job_endpoint=h:1", "--parallelism=2"],
        ["--runner=DataflowRunner", "--project=p", "--setup_file=./setup.py"],
        ["--direct_num_workers=2", "--temp_location=/t"],
    ],
)
def test_a_runner_takes_its_own_flags_and_those_of_all(flags):
    beam_options(flags)


def test_a_flag_of_another_runner_is_an_error():
    message = (
        "^--direct_num_workers is a flag of DirectRunner, PortableRunner, and "
        "--runner is SparkRunner"
    )
    with pytest.raises(ValueError, match=message):
        beam_options(["--runner=SparkRunner", "--direct_num_workers=2"])


def test_unknown_flags_are_an_error_with_the_nearest_ones():
    message = (
        "^flags must be cmml's or Beam's, got '--runer'; did you mean '--runner'\\? "
        "'--xyzzy'\\.$"
    )
    with pytest.raises(ValueError, match=message):
        beam_options(["--runer=FlinkRunner", "--xyzzy", "1", "--streaming"])


@pytest.mark.parametrize(
    ("flags", "message"),
    [
        (["--direct_num_workers=x"], "--direct_num_workers: invalid int value: 'x'"),
        (["--runner"], "--runner: expected one argument"),
    ],
)
def test_a_wrong_value_is_one_line(flags, message, capsys):
    with pytest.raises(ValueError, match=rf"^argument {message}\.$"):
        beam_options(flags)
    assert capsys.readouterr().err == ""


@pytest.mark.parametrize(
    "flags", [["stray"], ["--runner=FlinkRunner", "stray"], ["--runner", "X", "stray"]]
)
def test_a_stray_argument_is_an_error(flags):
    with pytest.raises(ValueError, match="unexpected argument 'stray'"):
        beam_options(flags)
