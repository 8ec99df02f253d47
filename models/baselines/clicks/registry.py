"""The baselines of clicks by name."""

from models.baselines.clicks.baseline import ScenarioBaseline
from models.baselines.clicks.dot_product import (
    ClickMean,
    DotProduct,
    MatrixFactorisation,
)
from models.baselines.clicks.ease import EASE, EASEClick, EASEOfNewUsers
from models.baselines.clicks.item_knn import ClickKNN, ItemKNN
from models.baselines.clicks.popularity import ItemPop, Popularity

BASELINES: dict[str, type[ScenarioBaseline]] = {
    "item_pop": ItemPop,
    "popularity": Popularity,
    "dot_product": DotProduct,
    "matrix_factorisation": MatrixFactorisation,
    "item_knn": ItemKNN,
    "ease": EASE,
    "ease_click": EASEClick,
    "click_knn": ClickKNN,
    "click_mean": ClickMean,
}

# Where users are tasks: those that know a new user by the clicks shown, and popularity.
OF_NEW_USERS: dict[str, type[ScenarioBaseline]] = {
    "popularity": Popularity,
    "ease_click": EASEOfNewUsers,
    "click_knn": ClickKNN,
    "click_mean": ClickMean,
}
