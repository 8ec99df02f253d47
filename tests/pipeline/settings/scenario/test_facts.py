import json
import types

from models.factors.vector_files import VECTORS_JSON
from pipeline.settings.scenario.facts import chosen_values, domain_groups


def test_what_was_chosen_is_what_was_searched(tmp_path):
    trials = [{"alpha": 1.0, "judged_by": "it"}, {"alpha": 2.0, "judged_by": "it"}]
    facts = {"chosen": {"alpha": 2.0, "seed": 0}, "trials": trials}
    (tmp_path / VECTORS_JSON).write_text(json.dumps(facts))
    assert chosen_values(tmp_path) == {"alpha": 2.0}


def with_domains(*names):
    domains = [types.SimpleNamespace(name=name) for name in names]
    return types.SimpleNamespace(info=types.SimpleNamespace(domains=domains))


def test_domains_are_groups_of_tasks_if_there_are_several():
    groups = domain_groups(with_domains("a", "b"), ["a:1", "b:1", "a:2"])
    assert [group.members.tolist() for group in groups] == [
        [True, False, True],
        [False, True, False],
    ]
    assert domain_groups(with_domains(""), ["1", "2"]) == []
