#!/usr/bin/env bash
# voyager 2.2.3, with faiss-cpu 1.15.1 beside it: inner products, and the order of the items.
#
# Space.InnerProduct adds a number to each vector that makes all as long as the longest so far, so
# that the nearest one is the one of the largest product. That is right for a search of all, but
# the graph (HNSW) that is walked becomes worse by it. Of the 10 best of 20,000 items, whose lengths
# vary as popularity makes them vary, 0.1 are found, and of items in clusters 0.8, where a graph of
# the plain product, by faiss, finds nearly all. Faiss fails likewise on vectors lengthened so. As
# it is the longest so far, the order counts: the same items, added to voyager from the longest to
# the shortest, are all found. There is no warning, and vectors of one length show nothing. How
# much is lost depends on the data: of ALS factors, with a few items far longer than the others,
# nothing.
#
#   no clusters: voyager 0.1, longest first 1.0; faiss 1.0, lengthened 0.1
#   clusters: voyager 0.8, longest first 1.0; faiss 1.0, lengthened 0.9
#   clusters, all of one length: voyager 1.0, longest first 1.0; faiss 1.0, lengthened 1.0
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3.11 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet voyager==2.2.3 faiss-cpu==1.15.1 numpy==2.4.6
cat > "$folder/orders.py" <<'PYTHON'
import faiss
import numpy as np
import voyager

NUM_ITEMS, NUM_QUERIES, WIDTH, K = 20_000, 200, 32, 10
LINKS, BUILD, WALK = 16, 200, 64  # The same for both libraries.


def recall(found, items, queries):
    best = np.argsort(-(queries @ items.T), axis=1)[:, :K]
    shared = [len(set(a) & set(b)) for a, b in zip(best.tolist(), found.tolist())]
    return np.mean(shared) / K


def by_voyager(items, queries):
    index = voyager.Index(
        voyager.Space.InnerProduct, WIDTH, M=LINKS, ef_construction=BUILD, random_seed=1
    )
    index.add_items(items, num_threads=1)
    found, _ = index.query(queries, K, query_ef=WALK)
    return recall(found.astype(int), items, queries)


def by_faiss(items, queries, metric, stored, asked):
    index = faiss.IndexHNSWFlat(stored.shape[1], LINKS, metric)
    index.hnsw.efConstruction, index.hnsw.efSearch = BUILD, WALK
    index.add(stored)
    return recall(index.search(asked, K)[1], items, queries)


def show(name, items, queries):
    items, queries = items.astype(np.float32), queries.astype(np.float32)
    lengths = np.linalg.norm(items, axis=1)
    down = items[np.argsort(-lengths)]
    rest = np.sqrt(lengths.max() ** 2 - lengths**2)
    longer = np.column_stack([items, rest]).astype(np.float32)
    asked = np.column_stack([queries, np.zeros(NUM_QUERIES)]).astype(np.float32)
    print(
        f"{name}: voyager {by_voyager(items, queries):.1f}, "
        f"longest first {by_voyager(down, queries):.1f}; "
        f"faiss {by_faiss(items, queries, faiss.METRIC_INNER_PRODUCT, items, queries):.1f}, "
        f"lengthened {by_faiss(items, queries, faiss.METRIC_L2, longer, asked):.1f}"
    )


faiss.omp_set_num_threads(1)
rng = np.random.default_rng(0)
items = rng.normal(size=[NUM_ITEMS, WIDTH])
queries = rng.normal(size=[NUM_QUERIES, WIDTH])
popularity = rng.lognormal(0, 0.5, size=[NUM_ITEMS, 1])
centres = rng.normal(size=[50, WIDTH]) * 2
near_items = items + centres[rng.integers(50, size=NUM_ITEMS)]
near_queries = queries + centres[rng.integers(50, size=NUM_QUERIES)]
show("no clusters", items * popularity, queries)
show("clusters", near_items * popularity, near_queries)
near_unit = near_items / np.linalg.norm(near_items, axis=1, keepdims=True)
show("clusters, all of one length", near_unit, near_queries)
PYTHON
"$folder/venv/bin/python" "$folder/orders.py" | tee "$folder/output"
diff "$folder/output" - <<'EXPECTED'
no clusters: voyager 0.1, longest first 1.0; faiss 1.0, lengthened 0.1
clusters: voyager 0.8, longest first 1.0; faiss 1.0, lengthened 0.9
clusters, all of one length: voyager 1.0, longest first 1.0; faiss 1.0, lengthened 1.0
EXPECTED
