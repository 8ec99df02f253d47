"""The learned baselines of the user-specific setting by name."""

from models.baselines.dcn import DCN
from models.baselines.dcn_fine_tuned import FineTunedDCN
from models.baselines.learned_baseline import LearnedBaseline
from models.baselines.lwa import LWA
from models.baselines.mamo import MAMO
from models.baselines.melu import MeLU
from models.baselines.metacs import MetaCS
from models.baselines.nlba import NLBA
from models.baselines.tanp import TaNP

LEARNED: dict[str, type[LearnedBaseline]] = {
    "dcn": DCN,
    "lwa": LWA,
    "nlba": NLBA,
    "tanp": TaNP,
    "mamo": MAMO,
    "melu": MeLU,
    "metacs": MetaCS,
    "dcn_f": FineTunedDCN,
}
