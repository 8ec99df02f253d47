#!/usr/bin/env bash
# faiss-cpu 1.15.1, usearch 2.26.6 and voyager 2.2.3: a graph (HNSW) in which some vectors are equal.
#
# Of 20,000 items of length 1, 1,000 have no data yet and get the mean of the others, as is advised
# for them. They are rarely among the 10 nearest ones of a query (1 in 100 or fewer), so that one
# expects little of it. But all three libraries fall from a recall above 0.9 to one below 0.2 for
# queries as a whole. The mean is near the middle of everything, where walks pass, and equal items
# are linked to one another: the list of a walk fills up with them, and it ends there. With 100
# of them half of all is lost, a walk four times as long is no remedy, and a little noise on each of
# the 1,000 a small one. With one of them in the index for all it is as good as without them. Nothing is
# said. So a retrieval that was tried with warm items loses them when the cold ones are added.
#
#   no equal items: faiss above 0.9, usearch above 0.9, voyager above 0.9
#   1,000 equal: faiss below 0.2, usearch below 0.2, voyager below 0.2
#   one of the 1,000: faiss above 0.9, usearch above 0.9, voyager above 0.9
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3.11 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet faiss-cpu==1.15.1 usearch==2.26.6 voyager==2.2.3 \
  numpy==2.4.6
cat > "$folder/equal.py" <<'PYTHON'
import faiss
import numpy as np
import voyager
from usearch.index import Index

NUM_ITEMS, NUM_QUERIES, WIDTH, K = 20_000, 200, 32, 10
LINKS, BUILD = 16, 200  # The same for all libraries.


def by_faiss(items, queries, walk):
    index = faiss.IndexHNSWFlat(WIDTH, LINKS)
    index.hnsw.efConstruction, index.hnsw.efSearch = BUILD, walk
    index.add(items)
    return index.search(queries, K)[1]


def by_usearch(items, queries, walk):
    index = Index(
        ndim=WIDTH,
        metric="l2sq",
        dtype="f32",
        connectivity=LINKS,
        expansion_add=BUILD,
        expansion_search=walk,
    )
    index.add(np.arange(len(items)), items, threads=1)
    return index.search(queries, K, threads=1).keys


def by_voyager(items, queries, walk):
    index = voyager.Index(
        voyager.Space.Euclidean, WIDTH, M=LINKS, ef_construction=BUILD, random_seed=1
    )
    index.add_items(items, num_threads=1)
    return index.query(queries, K, num_threads=1, query_ef=walk)[0]


def distances(items, queries):
    return np.sum(queries**2, axis=1)[:, None] - 2 * queries @ items.T + np.sum(items**2, axis=1)


def recall(found, items, queries):
    """An item as near as the 10th one is right, whichever of equal ones it is."""
    far = distances(items, queries)
    limits = np.sort(far, axis=1)[:, K - 1] + 1e-4
    right = [
        sum(row[item] <= limit for item in {int(item) for item in items_found})
        for row, limit, items_found in zip(far, limits, found)
    ]
    return np.mean(right) / K


def in_words(number):
    if number > 0.9:
        return "above 0.9"
    return "below 0.2" if number < 0.2 else "between"


def show(name, items, queries, walk=64):
    shown = []
    for search in (by_faiss, by_usearch, by_voyager):
        measured = recall(search(items, queries, walk), items, queries)
        shown.append(f"{search.__name__.removeprefix('by_')} {in_words(measured)}")
    print(f"{name}:", ", ".join(shown))


def unit(vectors):
    return vectors / np.linalg.norm(vectors, axis=1, keepdims=True)


faiss.omp_set_num_threads(1)
rng = np.random.default_rng(1)
middle = rng.normal(size=[1, WIDTH]) * 0.7
items = unit(rng.normal(size=[NUM_ITEMS, WIDTH]) + middle).astype(np.float32)
queries = unit(rng.normal(size=[NUM_QUERIES, WIDTH]) + middle).astype(np.float32)
cold = rng.permutation(NUM_ITEMS)[:1000]
mean = np.delete(items, cold, axis=0).mean(axis=0)
equal, few, noisy = items.copy(), items.copy(), items.copy()
equal[cold] = noisy[cold] = few[cold[:100]] = mean
noisy[cold] += rng.normal(size=[len(cold), WIDTH]).astype(np.float32) * 0.002
best = np.argsort(distances(equal, queries), axis=1)[:, :K]

show("no equal items", items, queries)
show("100 equal", few, queries)
show("1,000 equal", equal, queries)
show("1,000 equal, a walk of 256", equal, queries, walk=256)
show("1,000 with noise", noisy, queries)
show("one of the 1,000", np.delete(equal, cold[1:], axis=0), queries)
print(f"of the 10 nearest of a query 1 in 100 or fewer is an equal one: {np.isin(best, cold).mean() < 0.01}")
PYTHON
"$folder/venv/bin/python" "$folder/equal.py" | tee "$folder/output"
diff "$folder/output" - <<'EXPECTED'
no equal items: faiss above 0.9, usearch above 0.9, voyager above 0.9
100 equal: faiss between, usearch between, voyager between
1,000 equal: faiss below 0.2, usearch below 0.2, voyager below 0.2
1,000 equal, a walk of 256: faiss below 0.2, usearch below 0.2, voyager below 0.2
1,000 with noise: faiss between, usearch between, voyager between
one of the 1,000: faiss above 0.9, usearch above 0.9, voyager above 0.9
of the 10 nearest of a query 1 in 100 or fewer is an equal one: True
EXPECTED
