"""The baselines by name."""

from __future__ import annotations

from models.baselines.als import ALS
from models.baselines.baseline import Baseline
from models.baselines.bias_ridge import BiasRidge
from models.baselines.global_mean import GlobalMean
from models.baselines.item_kernel import ItemKernel
from models.baselines.item_knn import ItemKNN
from models.baselines.item_mean import ItemMean
from models.baselines.matrix_factorisation import MatrixFactorisation
from models.baselines.support_mean import SupportMean

BASELINES: dict[str, type[Baseline]] = {
    "global_mean": GlobalMean,
    "support_mean": SupportMean,
    "item_mean": ItemMean,
    "bias_ridge": BiasRidge,
    "matrix_factorisation": MatrixFactorisation,
    "als": ALS,
    "item_knn": ItemKNN,
    "item_kernel": ItemKernel,
}
