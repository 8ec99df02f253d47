"""The learned baselines of the scenario-specific setting by name."""

from models.baselines.dcn import DCN
from models.baselines.dcn_fine_tuned import FineTunedDCN
from models.baselines.learned_baseline import LearnedBaseline
from models.baselines.lwa import LWA
from models.baselines.melu import MeLU
from models.baselines.nlba import NLBA
from models.baselines.tanp import TaNP
from models.scenarios.baselines.conet import CoNet
from models.scenarios.baselines.s2meta import S2Meta

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
