"""The baselines of scenarios by name."""

from __future__ import annotations

from models.scenarios.baselines.baseline import ScenarioBaseline
from models.scenarios.baselines.dot_product import DotProduct
from models.scenarios.baselines.ease import EASE
from models.scenarios.baselines.item_knn import ItemKNN
from models.scenarios.baselines.item_pop import ItemPop
from models.scenarios.baselines.popularity import Popularity

BASELINES: dict[str, type[ScenarioBaseline]] = {
    "item_pop": ItemPop,
    "popularity": Popularity,
    "dot_product": DotProduct,
    "item_knn": ItemKNN,
    "ease": EASE,
}
