"""The files of deploy/, read as the programs read them that they are for."""

import pathlib
import re
import subprocess

import pytest
import yaml
from google.protobuf import (
    descriptor_pb2,
    descriptor_pool,
    message_factory,
    text_format,
    wrappers_pb2,
)
from tensorflow_serving.config.model_server_config_pb2 import ModelServerConfig

DEPLOY = pathlib.Path(__file__).parents[3] / "deploy"

# The Python packages of TensorFlow Serving do not have these messages. Fields as of
# tensorflow_serving/servables/tensorflow/session_bundle_config.proto and
# tensorflow_serving/config/monitoring_config.proto.
INT64 = "google.protobuf.Int64Value"
MESSAGES = {
    "BatchingParameters": {
        "max_batch_size": INT64,
        "batch_timeout_micros": INT64,
        "max_enqueued_batches": INT64,
        "num_batch_threads": INT64,
        "thread_pool_name": "google.protobuf.StringValue",
        "allowed_batch_sizes": "repeated int64",
        "pad_variable_length_inputs": "bool",
    },
    "PrometheusConfig": {"enable": "bool", "path": "string"},
    "MonitoringConfig": {"prometheus_config": "t.PrometheusConfig"},
}

# As `tensorflow_model_server --help` lists them, with their types.
FLAGS = {
    "model_config_file": "path",
    "model_config_file_poll_wait_seconds": "int",
    "file_system_poll_wait_seconds": "int",
    "num_load_threads": "int",
    "num_unload_threads": "int",
    "enable_model_warmup": "bool",
    "monitoring_config_file": "path",
    "rest_api_timeout_in_ms": "int",
    "enable_batching": "bool",
    "batching_parameters_file": "path",
    "allow_version_labels_for_unavailable_models": "bool",
}


def message_class(name):
    """Makes the class of one of `MESSAGES`."""
    file = descriptor_pb2.FileDescriptorProto(
        name="t.proto",
        package="t",
        syntax="proto3",
        dependency=[wrappers_pb2.DESCRIPTOR.name],
    )
    kinds = {"bool": 8, "string": 9, "int64": 3}
    for message_name, fields in MESSAGES.items():
        message = file.message_type.add(name=message_name)
        for number, (field, kind) in enumerate(fields.items(), start=1):
            plain = kind.removeprefix("repeated ")
            added = message.field.add(
                name=field, number=number, label=3 if plain != kind else 1
            )
            if plain in kinds:
                added.type = kinds[plain]
            else:
                added.type, added.type_name = 11, f".{plain}"
    pool = descriptor_pool.DescriptorPool()
    pool.AddSerializedFile(wrappers_pb2.DESCRIPTOR.serialized_pb)
    pool.Add(file)
    return message_factory.GetMessageClass(pool.FindMessageTypeByName(f"t.{name}"))


def parse(name, message):
    text = (DEPLOY / name).read_text(encoding="utf-8")
    return text_format.Parse(text, message)


@pytest.fixture(scope="module")
def services():
    text = (DEPLOY / "docker-compose.yml").read_text(encoding="utf-8")
    return yaml.safe_load(text)["services"]


@pytest.fixture(scope="module")
def flags(services):
    pairs = (flag.split("=", 1) for flag in services["serving"]["command"])
    return {name.removeprefix("--"): value for name, value in pairs}


def test_models_config_names_one_model_under_the_mounted_folder():
    (entry,) = parse("models.config", ModelServerConfig()).model_config_list.config
    assert (entry.name, entry.base_path) == ("cmml", "/models/cmml")
    assert entry.model_platform == "tensorflow"
    assert entry.model_version_policy.latest.num_versions == 1
    assert not entry.version_labels  # A server that starts would refuse them.


def test_monitoring_is_where_prometheus_looks():
    monitoring = parse("monitoring.config", message_class("MonitoringConfig")())
    text = (DEPLOY / "prometheus.yml").read_text(encoding="utf-8")
    (job,) = yaml.safe_load(text)["scrape_configs"]
    assert monitoring.prometheus_config.enable
    assert monitoring.prometheus_config.path == job["metrics_path"]
    assert job["static_configs"] == [{"targets": ["serving:8501"]}]


def test_batching_never_pads_by_itself():
    batching = parse("batching_parameters.txt", message_class("BatchingParameters")())
    # It would pad with the first value of a tensor, not with "".
    assert not batching.pad_variable_length_inputs
    assert batching.max_batch_size.value == 8
    assert batching.batch_timeout_micros.value == 0
    assert batching.num_batch_threads.value >= 1
    assert not batching.allowed_batch_sizes


def test_a_parameter_that_is_not_one_would_be_found():
    with pytest.raises(text_format.ParseError, match="no field named"):
        text_format.Parse("max_batch: 3", message_class("BatchingParameters")())


def test_flags_of_the_container_exist_and_have_values_of_their_type(flags):
    assert set(flags) <= set(FLAGS)
    for name, value in flags.items():
        pattern = {"int": r"\d+", "bool": "true|false", "path": r"/.+|\$\{.+\}"}
        assert re.fullmatch(pattern[FLAGS[name]], value), f"--{name}={value}"


def test_files_that_flags_name_are_in_the_mounted_folder(services, flags):
    mounts = [volume.rsplit(":", 2) for volume in services["serving"]["volumes"]]
    assert [".", "/config", "ro"] in mounts
    for name, kind in FLAGS.items():
        if kind == "path" and name in flags:
            default = flags[name].rpartition(":-")[2].rstrip("}")
            assert (DEPLOY / pathlib.Path(default).relative_to("/config")).is_file()


def test_nothing_but_this_machine_reaches_the_ports(services):
    ports = [port for service in services.values() for port in service["ports"]]
    assert ports
    assert all(port.startswith("127.0.0.1:") for port in ports)


def test_batching_is_off(flags):
    assert "enable_batching" not in flags
    assert "batching_parameters_file" not in flags  # Fatal without the former.


@pytest.mark.parametrize(("state", "status"), [("AVAILABLE", 0), ("UNAVAILABLE", 1)])
def test_the_health_check_asks_for_an_available_version(
    services, tmp_path, state, status
):
    command = services["serving"]["healthcheck"]["test"]
    assert command[:3] == ["CMD", "bash", "-c"]
    # A file in place of the connection; the rest of the command as it is.
    answer = tmp_path / "answer"
    answer.write_text(f'\r\n{{"state": "{state}"}}', encoding="utf-8")
    script = command[3].replace("3<>/dev/tcp/127.0.0.1/8501", f"3<{answer}")
    script = script.replace(">&3 ", "> /dev/null ")
    script = script.replace("${MODEL_NAME:-cmml}", "cmml")  # As Compose does.
    assert subprocess.run(["bash", "-c", script], check=False).returncode == status
    assert "GET /v1/models/cmml HTTP/1.0" in script


def test_the_runbook_explains_every_flag_and_file(flags):
    text = (DEPLOY / "README.md").read_text(encoding="utf-8")
    for name in FLAGS:
        assert f"--{name}" in text, f"--{name} is not explained"
    for path in DEPLOY.iterdir():
        assert path.name == "README.md" or f"`{path.name}`" in text, path.name
