"""The learned baselines of each kind of pairs by name."""

from models.baselines.learned.conet import CoNet
from models.baselines.learned.dcn import DCN, FineTunedDCN
from models.baselines.learned.learned_baseline import LearnedBaseline
from models.baselines.learned.lwa_and_nlba import LWA, NLBA
from models.baselines.learned.mamo import MAMO
from models.baselines.learned.melu import MeLU
from models.baselines.learned.metacs import MetaCS
from models.baselines.learned.s2meta import S2Meta
from models.baselines.learned.tanp import TaNP

OF_RATINGS: dict[str, type[LearnedBaseline]] = {
    "dcn": DCN,
    "lwa": LWA,
    "nlba": NLBA,
    "tanp": TaNP,
    "mamo": MAMO,
    "melu": MeLU,
    "metacs": MetaCS,
    "dcn_f": FineTunedDCN,
}

OF_CLICKS: dict[str, type[LearnedBaseline]] = {
    "dcn": DCN,
    "lwa": LWA,
    "nlba": NLBA,
    "tanp": TaNP,
    "melu": MeLU,
    "dcn_f": FineTunedDCN,
    "s2meta": S2Meta,
    "conet": CoNet,
}
