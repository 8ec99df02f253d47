import types

import pytest

from pipeline.settings.finding import Finding
from pipeline.settings.step_parts import StepParts
from pipeline.steps.audit import audit


@pytest.fixture
def audit_of(tmp_path):
    """Audits a data set of a setting whose checks find something made up."""

    def run(look):
        setting = types.SimpleNamespace(parts=StepParts(audit=look))
        config = types.SimpleNamespace(setting="made_up", functions=lambda: setting)
        return audit(config, tmp_path)

    return run


def test_a_leak_is_in_the_exit_status(audit_of, capsys):
    findings = [Finding("one", "ok", "fine"), Finding("two", "LEAK", "1 of 2")]
    assert audit_of(lambda config, dataset_dir: findings) == 1
    printed = capsys.readouterr().out
    assert "LEAK  two: 1 of 2" in printed
    assert "1 leak found in 2 checks" in printed
    assert audit_of(lambda config, dataset_dir: findings[:1]) == 0
    assert "0 leaks found in 1 check\n" in capsys.readouterr().out


def test_a_setting_without_an_audit_says_so(audit_of):
    with pytest.raises(ValueError, match="audit does not know setting 'made_up'"):
        audit_of(None)


def test_the_audit_of_a_prepared_data_set_of_users_is_clean(experiment, cmml):
    done = cmml("audit", "--config", experiment.config_path)
    assert done.status == 0, done.stderr
    assert "0 leaks found in 11 checks" in done.stdout
    assert "permuted labels: bias ridge on meta-validation" in done.stdout


def test_the_audit_of_a_prepared_data_set_of_scenarios_is_clean(
    scenario_experiment, scenario_tables, cmml
):
    config = scenario_experiment.config_path
    done = cmml("audit", "--config", config, data_dir=scenario_tables)
    assert done.status == 0, done.stdout
    assert "0 leaks found in 21 checks" in done.stdout
    assert "out of fold" in done.stdout
    for line in done.stdout.splitlines()[1:-1]:
        name, _, detail = line[len("note  ") :].partition(": ")
        assert not detail.startswith(name)
    assert done.stdout.count("items of clicks in pools") == 1
    assert done.stdout.count("mean normalised rank") == 2  # By factors, by popularity.
