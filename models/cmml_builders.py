"""CMML of either setting with fresh weights."""

from models.cmml import CMML
from models.episodes.entity_table import EntityTable
from models.factors.item_factors import ItemFactors, NoFactors
from models.factors.vectors import Vectors
from models.legacy_keras import tf
from models.objectives.click_objective import ClickObjective
from models.objectives.objective import Objective
from models.objectives.ranking_losses import RankingLoss, margin_loss
from models.objectives.rating_objective import RatingObjective
from models.options import CMMLOptions, MemberOptions, ScenarioOptions
from models.pairs.clicked_pairs import ClickedPairs
from models.pairs.features import embed_entities
from models.pairs.pair_embedding import PairEmbedding
from models.pairs.rated_pairs import Factors, RatedPairs
from models.recommender import one_empty_episode
from transforms.schema import DatasetInfo


def rated_cmml(
    info: DatasetInfo,
    users: EntityTable,
    items: EntityTable,
    options: CMMLOptions,
    *,
    loss: str = "squared",
    seed: int = 0,
) -> CMML:
    """Assembles a CMML of ratings for a prepared data set; factors are not fitted yet.

    Args:
        info: The data set.
        users: Its user table.
        items: Its item table.
        options: Members, sizes and switches.
        loss: "squared" or "absolute".
        seed: Seed of the initial weights and of dropout.
    """
    tf.keras.utils.set_random_seed(seed)
    factors: Factors = NoFactors()
    if options.prior == "factors" or options.embeddings != "learned":
        factors = ItemFactors(info.num_users, info.num_items, rank=options.prior_rank)
    if options.embeddings == "fixed":
        users, items = users.without_features(), items.without_features()
    user_embedding, item_embedding = embed_entities(
        users,
        items,
        options.embedding_dim,
        min_item_count=info.options["min_item_count"],
        item_id=options.item_id and options.embeddings != "fixed",
        seed=seed,
    )
    pairs = RatedPairs(
        user_embedding,
        item_embedding,
        factors,
        options,
        label_mean=info.label_mean,
        label_std=info.label_std,
        seed=seed,
    )
    objective = RatingObjective(info.label_mean, info.label_std, loss=loss)
    return _with_weights(pairs, objective, options, seed)


def clicked_cmml(
    vectors: Vectors,
    options: ScenarioOptions,
    *,
    loss: RankingLoss | None = None,
    query_negatives: int = 1,
    seed: int = 0,
) -> CMML:
    """Assembles a CMML of clicks.

    Args:
        vectors: Factors of users and items.
        options: Members, sizes and switches.
        loss: What is minimised on the query set; by default Eq. 4 of the paper.
        query_negatives: R, negatives behind each click of a training query.
        seed: Seed of the initial weights and of dropout.
    """
    tf.keras.utils.set_random_seed(seed)
    pairs = ClickedPairs(vectors, options, seed=seed)
    objective = ClickObjective(
        loss or margin_loss(1.0), query_negatives=query_negatives
    )
    return _with_weights(pairs, objective, options, seed)


def _with_weights(
    pairs: PairEmbedding, objective: Objective, options: MemberOptions, seed: int
) -> CMML:
    model = CMML(pairs, objective, options, seed=seed)
    model(one_empty_episode())
    return model
