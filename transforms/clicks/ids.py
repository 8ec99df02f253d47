"""Ids with the name of their domain before them, and their order."""

from collections.abc import Callable, Sequence

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from transforms.entities import vocabularies
from transforms.entities.vocabularies import id_order
from transforms.reading.coded_column import Ints


def in_domain(domain: str, raw_id: str) -> str:
    """Returns an id with the name of its domain, if that has one."""
    return f"{domain}:{raw_id}" if domain else raw_id


def raw_id(entity_id: str, domains: Sequence[str]) -> str:
    """Returns an id as it came, without the name of its domain.

    All that is drawn by a stable hash is drawn by raw ids, so that a domain is split
    alike alone and in a hybrid data set.

    Args:
        entity_id: An id, as `in_domain` made it.
        domains: Names of all domains.
    """
    return entity_id if "" in domains else entity_id.partition(":")[2]


def raw_ids(ids: pa.Array, domains: Sequence[str]) -> pa.Array:
    """Returns ids, a pyarrow array of texts, as `raw_id` does."""
    if "" in domains:
        return ids
    raw = [raw_id(one, domains) for one in ids.to_pylist()]
    return pa.array(raw, pa.string())


def domain_of(entity_id: str, domains: Sequence[str]) -> str:
    """Returns the name of the domain of an id; "" if there is only one without name."""
    return "" if "" in domains else entity_id.partition(":")[0]


def places_in_domain(ids: pa.Array, domain: str) -> Ints:
    """Returns the places of the ids of a domain, which has a name if there are more."""
    prefix = f"{domain}:" if domain else ""
    return np.flatnonzero(pc.starts_with(ids, prefix).to_numpy(zero_copy_only=False))


def domain_order(
    domains: Sequence[str],
) -> Callable[[str], tuple[int, tuple[bool, int, str, str]]]:
    """Returns a sort key of ids: domain after domain, inside one by `id_order`.

    Rows and records have this order, so that those of a domain are alike alone and in
    a hybrid data set.

    Args:
        domains: Names of all domains.
    """
    places = {name: place for place, name in enumerate(domains)}

    def key(entity_id: str) -> tuple[int, tuple[bool, int, str, str]]:
        place = places[domain_of(entity_id, domains)]
        return place, id_order(raw_id(entity_id, domains))

    return key


def order_of_ids(ids: pa.Array, domains: Sequence[str]) -> Ints:
    """Returns the places of different ids, a pyarrow array, by `domain_order`."""
    if "" in domains:
        return vocabularies.order_of_ids(ids)
    orders: list[Ints] = [np.zeros(0, np.int64)]
    for name in domains:
        places = places_in_domain(ids, name)
        raw = raw_ids(ids.take(pa.array(places)), domains)
        orders.append(places[vocabularies.order_of_ids(raw)])
    return np.concatenate(orders)
