"""The learned baselines of the scenario-specific setting by name."""

from models.baselines.learned.conet import CoNet
from models.baselines.learned.dcn import DCN
from models.baselines.learned.dcn_fine_tuned import FineTunedDCN
from models.baselines.learned.learned_baseline import LearnedBaseline
from models.baselines.learned.lwa import LWA
from models.baselines.learned.melu import MeLU
from models.baselines.learned.nlba import NLBA
from models.baselines.learned.s2meta import S2Meta
from models.baselines.learned.tanp import TaNP

LEARNED: dict[str, type[LearnedBaseline]] = {
    "dcn": DCN,
    "lwa": LWA,
    "nlba": NLBA,
    "tanp": TaNP,
    "melu": MeLU,
    "dcn_f": FineTunedDCN,
    "s2meta": S2Meta,
    "conet": CoNet,
}
