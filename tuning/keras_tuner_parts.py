"""The parts of KerasTuner that are used here, imported after Keras 2 has been chosen.

KerasTuner imports TensorFlow, which must know before which Keras it is used with. It
would build models of Keras 3 only; here it builds none.
"""

import models.legacy_keras  # isort: skip

from keras_tuner.src import protos
from keras_tuner.src.distribute.oracle_chief import OracleServicer
from keras_tuner.src.distribute.oracle_client import OracleClient
from keras_tuner.src.engine.base_tuner import BaseTuner
from keras_tuner.src.engine.hyperparameters import HyperParameters
from keras_tuner.src.engine.objective import Objective
from keras_tuner.src.engine.oracle import Oracle, synchronized
from keras_tuner.src.engine.trial import Trial, TrialStatus
from keras_tuner.src.errors import FailedTrialError
from keras_tuner.src.tuners.bayesian import BayesianOptimizationOracle
from keras_tuner.src.tuners.hyperband import HyperbandOracle
from keras_tuner.src.tuners.randomsearch import RandomSearchOracle

assert models.legacy_keras.tf

__all__ = [
    "BaseTuner",
    "BayesianOptimizationOracle",
    "FailedTrialError",
    "HyperParameters",
    "HyperbandOracle",
    "Objective",
    "Oracle",
    "OracleClient",
    "OracleServicer",
    "RandomSearchOracle",
    "Trial",
    "TrialStatus",
    "protos",
    "synchronized",
]
