"""The learned baselines of the scenario-specific setting by name."""

from models.baselines.dcn import DCN
from models.baselines.learned_baseline import LearnedBaseline

LEARNED: dict[str, type[LearnedBaseline]] = {
    "dcn": DCN,
}
