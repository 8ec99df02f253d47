import types

from pipeline.settings.scenario.facts import domain_groups


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
