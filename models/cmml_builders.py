"""CMML of either setting with fresh weights."""

from models.cmml import CMML, Head
from models.episodes.entity_table import EntityTable
from models.evaluation.label_gain import LabelGain
from models.factors.factor_fit import PriorParts
from models.factors.item_factors import ItemFactors
from models.factors.no_factors import NoFactors
from models.factors.vectors import Vectors
from models.heads import DistributionHead, ValueHead
from models.legacy_keras import tf
from models.objectives.click_objective import ClickObjective, RankingLoss, margin_loss
from models.objectives.rating_objective import LOSSES, RatingObjective
from models.options import CMMLOptions, ScenarioOptions
from models.pairs.clicked_pairs import ClickedPairs
from models.pairs.features import embed_entities
from models.pairs.rated_pairs import Factors, RatedPairs
from models.parts.label_levels import LabelLevels
from models.parts.label_unit import LabelUnit
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

    Factors are to be fitted to standardised labels.

    Args:
        info: The data set.
        users: Its user table.
        items: Its item table.
        options: Members, sizes and switches.
        loss: "squared" or "absolute".
        seed: Seed of the initial weights and of dropout.
    """
    tf.keras.utils.set_random_seed(seed)
    factors = _factors(info, users, items, options)
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
        seed=seed,
    )
    objective = RatingObjective(info.label_mean, info.label_std, loss=loss)
    head: Head = ValueHead()
    if options.head == "distribution":
        gain = LabelGain(info.label_min, info.label_max)
        levels, unit = LabelLevels(info.label_levels, gain), objective.unit
        head = DistributionHead(levels, unit, LOSSES[loss], has_shares=pairs.has_prior)
    return _with_weights(CMML(pairs, objective, head, options, seed=seed))


def _factors(
    info: DatasetInfo, users: EntityTable, items: EntityTable, options: CMMLOptions
) -> Factors:
    """Returns factors that are not fitted yet, if any are made use of."""
    if options.prior != "factors" and options.embeddings == "learned":
        return NoFactors()
    parts = PriorParts(
        rank=options.prior_rank,
        full_rank_items=options.prior_full_rank_items,
        user_features=options.prior_user_features,
        item_features=options.prior_item_features,
        item_set=options.prior_item_set,
        item_noise=options.prior_item_noise,
    )
    levels = info.label_levels if options.head == "distribution" else ()
    unit = LabelUnit(info.label_mean, info.label_std)
    return ItemFactors(
        users, items, parts, levels=unit.standardised_array(levels).tolist()
    )


def clicked_cmml(
    vectors: Vectors,
    options: ScenarioOptions,
    *,
    loss: RankingLoss | None = None,
    query_negatives: int = 1,
    open_fraction: float = 0.0,
    always_open: bool = False,
    seed: int = 0,
) -> CMML:
    """Assembles a CMML of clicks.

    Args:
        vectors: Factors of users and items.
        options: Members, sizes and switches.
        loss: What is minimised on the query set; by default Eq. 4 of the paper.
        query_negatives: R, negatives behind each click of a training query.
        open_fraction: Share of batches that train without a pool; with none, the
            closed form ranks alone where no pool is given.
        always_open: Whether no pool is ever given, as where users are tasks.
        seed: Seed of the initial weights and of dropout.
    """
    tf.keras.utils.set_random_seed(seed)
    pairs = ClickedPairs(
        vectors,
        options,
        trains_open=open_fraction > 0.0,
        always_open=always_open,
        seed=seed,
    )
    objective = ClickObjective(
        loss or margin_loss(1.0), query_negatives=query_negatives
    )
    head = ValueHead()
    return _with_weights(CMML(pairs, objective, head, options, seed=seed))


def _with_weights(model: CMML) -> CMML:
    model(one_empty_episode())
    return model
