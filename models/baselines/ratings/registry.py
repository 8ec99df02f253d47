"""The baselines by name."""

from models.baselines.ratings.als import ALS
from models.baselines.ratings.baseline import Baseline
from models.baselines.ratings.bias_ridge import BiasRidge
from models.baselines.ratings.item_kernel import ItemKernel
from models.baselines.ratings.item_knn import ItemKNN
from models.baselines.ratings.matrix_factorisation import MatrixFactorisation
from models.baselines.ratings.means import GlobalMean, ItemMean, SupportMean

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
