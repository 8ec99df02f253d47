import pytest
from google.protobuf import text_format
from tensorflow_serving.config.model_server_config_pb2 import ModelServerConfig

from pipeline.serving.base.models_config import (
    labels_of,
    read_models_config,
    versions_of,
    with_model,
    write_models_config,
)
from transforms.schema import DataError

TEXT = """\
model_config_list {
  config {
    name: "cmml"
    base_path: "/models/cmml"
    model_platform: "tensorflow"
    model_version_policy {
      specific {
        versions: 17
        versions: 18
      }
    }
    version_labels {
      key: "canary"
      value: 18
    }
    version_labels {
      key: "stable"
      value: 17
    }
  }
}
"""


def one_model(**changes):
    wanted = {
        "base_path": "/models/cmml",
        "versions": {18, 17},
        "labels": {"stable": 17, "canary": 18},
    }
    return with_model(ModelServerConfig(), "cmml", **(wanted | changes))


def test_the_file_is_what_a_server_reads(tmp_path):
    path = tmp_path / "models.config"
    write_models_config(path, one_model())
    assert path.read_text() == TEXT


def test_what_is_written_is_read_again(tmp_path):
    path = tmp_path / "models.config"
    config = one_model()
    write_models_config(path, config)
    found = read_models_config(path)
    assert found == config
    assert labels_of(found, "cmml") == {"stable": 17, "canary": 18}
    assert versions_of(found, "cmml") == [17, 18]


def test_without_a_file_no_model_is_served(tmp_path):
    config = read_models_config(tmp_path / "models.config")
    assert config == ModelServerConfig()
    assert labels_of(config, "cmml") == {}
    assert versions_of(config, "cmml") == []


def test_a_model_that_is_there_keeps_its_path_and_what_else_it_has():
    config = one_model()
    config.model_config_list.config[0].logging_config.sampling_config.sampling_rate = 1
    changed = with_model(
        config, "cmml", base_path="/other", versions=[19], labels={"stable": 19}
    )
    (entry,) = changed.model_config_list.config
    assert entry.base_path == "/models/cmml"
    assert entry.logging_config.sampling_config.sampling_rate == 1
    assert labels_of(changed, "cmml") == {"stable": 19}
    assert versions_of(changed, "cmml") == [19]
    assert versions_of(config, "cmml") == [17, 18]  # A copy was changed.


def test_a_policy_of_all_versions_becomes_one_of_some():
    config = one_model()
    policy = config.model_config_list.config[0].model_version_policy
    policy.Clear()
    policy.all.SetInParent()
    changed = with_model(config, "cmml", base_path="", versions=[19], labels={})
    policy = changed.model_config_list.config[0].model_version_policy
    assert policy.WhichOneof("policy_choice") == "specific"


def test_other_models_stay_as_they_are():
    other = text_format.Parse(TEXT.replace("cmml", "other"), ModelServerConfig())
    changed = with_model(other, "cmml", base_path="/b", versions=[1], labels={})
    assert changed.model_config_list.config[0] == other.model_config_list.config[0]
    assert [entry.name for entry in changed.model_config_list.config] == [
        "other",
        "cmml",
    ]


def test_an_error_names_file_and_line(tmp_path):
    path = tmp_path / "models.config"
    path.write_text(TEXT.replace("base_path", "basepath"))
    with pytest.raises(DataError, match=r"models.config, line 4:.*basepath"):
        read_models_config(path)


def test_another_kind_of_configuration_is_refused(tmp_path):
    path = tmp_path / "models.config"
    path.write_text("custom_model_config { }")
    with pytest.raises(DataError, match="got a custom_model_config"):
        read_models_config(path)
