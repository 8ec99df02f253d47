"""Picks Keras 2 (`tf_keras`) before TensorFlow picks Keras 3.

TensorFlow Recommenders 0.7 runs on `tf_keras` only, and TensorFlow decides which
Keras `tf.keras` is when it is first touched. Every module of ours therefore takes
both from here: `from models.legacy_keras import tf, tfrs`.
"""

import os

os.environ.setdefault("TF_USE_LEGACY_KERAS", "1")
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")

import tensorflow as tf

if not tf.keras.Model.__module__.startswith("tf_keras."):
    raise ImportError(
        "tf.keras must be Keras 2 (tf_keras), but its Model comes from "
        f"{tf.keras.Model.__module__}. Set TF_USE_LEGACY_KERAS=1 in the environment, "
        "or import models.legacy_keras before anything that touches tf.keras."
    )

import tensorflow_recommenders as tfrs

__all__ = ["tf", "tfrs"]
