"""The user-specific setting: a task is a user, its labels are ratings."""

from models.cmml import CMML
from models.cmml_builders import rated_cmml
from models.factors.fold_fits import NUM_FOLDS
from pipeline.experiment.progress import progress_bar, say
from pipeline.settings.setting import Setting
from pipeline.settings.user.config import UserConfig
from pipeline.settings.user.data import UserData, load_user_data
from pipeline.settings.user.groups import user_groups
from pipeline.settings.user.methods import user_methods
from pipeline.settings.user.metrics import METRICS, metrics_by_task
from pipeline.settings.user.parts import USER_PARTS
from pipeline.settings.user.scoring import RatingScorer
from pipeline.settings.user.serving import user_serving
from pipeline.settings.user.training import user_training
from transforms.plural import counted

_FIRST = 4  # Batches that tell how a distribution is to start.


def _build(config: UserConfig, data: UserData, *, fit: bool) -> CMML:
    """Builds a CMML of rated pairs, and fits what is in closed form."""
    model = rated_cmml(
        data.info,
        data.users,
        data.items,
        config.model,
        loss=config.training.loss,
        seed=config.training.seed,
    )
    if fit:
        if model.pairs.factors.width:
            pairs = data.standardised_pairs
            fitted = f"{counted(pairs.num_items, 'item')} to {len(pairs.label)}"
            say(f"train: fitting factors of {fitted} pairs")
            with progress_bar("train: fit", None) as advance:
                model.pairs.factors.fit(
                    pairs,
                    seed=config.training.seed,
                    on_fit=lambda: advance(f"of {NUM_FOLDS + 1}"),
                )
        if model.starts_calibrated:
            model.start_from(user_training(config, data).episodes(0).take(_FIRST))
    return model


USER = Setting(
    metrics=METRICS,
    load=lambda config, dataset_dir: load_user_data(dataset_dir),
    build=_build,
    training=user_training,
    groups=user_groups,
    scorer=RatingScorer,
    by_task=metrics_by_task,
    methods=lambda config: user_methods(),
    serving=user_serving,
    parts=USER_PARTS,
)
