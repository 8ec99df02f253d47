"""Workers that were started elsewhere write the same bytes to the same place."""

import pytest

from benchmarks.engines.engines import DASK, FLINK, SPARK, WORKER_POOLS
from benchmarks.engines.preparation import differences, num_files, prepare
from benchmarks.engines.tables import CONFIGS, RAW_DIR, write_experiments

LOCAL = "local"
# A partition of each table: flattened they add up to dozens, enough for all workers,
# and one more of each is some thousand tasks more.
FLAGS = {DASK: ["--dask_npartitions=1"]}


@pytest.fixture(scope="module")
def folder(tmp_path_factory, cmml):
    """Tables and configurations of both settings, and what this process prepares."""
    folder = tmp_path_factory.mktemp("engines")
    write_experiments(folder, num_users=40)
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)  # Paths are relative to it.
        for config in CONFIGS:
            flags = "--config", config, "--set", f"prepared_dir={LOCAL}"
            done = cmml("prepare", *flags, data_dir=RAW_DIR)
            assert done.status == 0, done.stderr
    assert num_files(folder / LOCAL) > 40
    return folder


@pytest.mark.parametrize(
    "engine", [WORKER_POOLS, DASK, FLINK, SPARK], ids=lambda e: e.name
)
def test_both_settings_have_the_same_bytes_on_every_engine(engine, folder):
    if reason := engine.left_out():
        pytest.skip(reason)
    with engine.start(folder / f"{engine.name}_workers") as flags:
        flags += FLAGS.get(engine, [])
        assert prepare(folder, engine.name, flags) == ""
    assert differences(folder / LOCAL, folder / engine.name) == []
