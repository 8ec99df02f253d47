import importlib

import pytest

from models import legacy_keras


def test_keras_is_the_legacy_one():
    assert legacy_keras.tf.keras.Model.__module__.startswith("tf_keras.")


def test_refuses_another_keras(monkeypatch):
    monkeypatch.setattr(legacy_keras.tf.keras.Model, "__module__", "keras.src.models")
    with pytest.raises(
        ImportError, match=r"comes from keras\.src\.models\. Set TF_USE"
    ):
        importlib.reload(legacy_keras)
