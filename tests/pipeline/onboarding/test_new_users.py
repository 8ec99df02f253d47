import pytest

from pipeline.experiment.prepared import read_ids
from pipeline.onboarding.new_scenario import load_known_scenarios
from pipeline.onboarding.new_users import load_known_users


@pytest.mark.parametrize("is_whole", [False, True])
def test_a_model_of_all_pairs_was_trained_on_every_user(experiment, is_whole):
    known = load_known_users(experiment.dataset_dir, is_whole=is_whole)
    everyone = set(read_ids(experiment.dataset_dir, "user_id")[1:])
    others = {task.task_id for task in known.meta_validation}
    assert others
    assert (known.trained_ids == everyone) == is_whole
    assert (not others & known.trained_ids) == (not is_whole)


def test_a_model_of_all_clicks_was_trained_on_held_out_ones(scenario_experiment):
    known, whole = (
        load_known_scenarios(scenario_experiment.dataset_dir, is_whole=is_whole).clicks
        for is_whole in (False, True)
    )
    assert known < whole
