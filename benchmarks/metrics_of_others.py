"""What packages give for the same small arrays, metric by metric.

A package that is not installed is left out; none of them is needed by the project.
Install those to be compared into an environment of its own, beside NumPy, and run

    PYTHONPATH=. python benchmarks/metrics_of_others.py

It prints a table in Markdown: a row a case, a column a package; "-" where a package has
no such metric, and the name of the exception where it raises one.
"""

import importlib
import warnings
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import numpy as np

from models.evaluation.label_gain import LabelGain
from models.evaluation.ranking_metrics import ranks_among, user_metrics
from models.evaluation.rating_metrics import ndcg


class Case(NamedTuple):
    """One list of candidates.

    Attributes:
        name: What is special about it.
        labels: Of each candidate; above 0 is relevant.
        scores: Of each candidate.
        k: Ranks that count.
    """

    name: str
    labels: Sequence[int]
    scores: Sequence[float]
    k: int


# recall@k of ours is for cutoffs 5, 10, 20 and 50, so lists are that long.
CASES = (
    Case("one of two relevant found", [1, 0, 0, 0, 0, 0, 1], [7, 6, 5, 4, 3, 2, 1], 5),
    Case("more relevant than k", [1] * 6 + [0], [7, 6, 5, 4, 3, 2, 1], 5),
    Case("no relevant item", [0] * 7, [7, 6, 5, 4, 3, 2, 1], 5),
    Case("all relevant", [1] * 7, [7, 6, 5, 4, 3, 2, 1], 5),
    Case("all scores equal", [1, 0, 0, 0, 0, 0, 0], [1] * 7, 5),
    Case("the same, relevant last", [0, 0, 0, 0, 0, 0, 1], [1] * 7, 5),
    Case("k beyond the list", [0, 1, 0], [3, 2, 1], 5),
    Case("graded labels", [3, 5, 1, 2, 4, 1, 1], [7, 6, 5, 4, 3, 2, 1], 5),
)
METRICS = ("ndcg", "recall", "mrr")

Answer = Callable[[Case, str], Any]


def ours(case: Case, metric: str) -> Any:
    """Ratings where labels have grades, else clicks."""
    labels = np.asarray(case.labels, float)
    scores = np.asarray([case.scores], float)
    everyone = np.ones_like(scores, bool)
    if metric == "ndcg":
        gain = LabelGain(0.0, 5.0).of
        return ndcg(labels[None], scores, everyone, k=case.k, gain=gain)[0]
    relevant = np.flatnonzero(labels > 0)
    if not relevant.size:
        return float("nan")
    row = np.zeros_like(relevant)
    rank, tied = ranks_among(scores, everyone, row, relevant)
    found = user_metrics(
        *(row, row, rank),
        num_tasks=1,
        num_tied=tied,
        num_candidates=labels.size,
    )
    return found.values["mrr" if metric == "mrr" else f"recall@{case.k}"][0]


def scikit_learn(case: Case, metric: str) -> Any:
    """`ndcg_score` alone is a ranking metric of one list with a cutoff."""
    package = importlib.import_module("sklearn.metrics")
    if metric != "ndcg":
        return None
    return package.ndcg_score([case.labels], [case.scores], k=case.k)


def torchmetrics(case: Case, metric: str) -> Any:
    """The functional form, of one list."""
    package = importlib.import_module("torchmetrics.functional.retrieval")
    torch = importlib.import_module("torch")
    scores = torch.tensor(case.scores, dtype=torch.float32)
    labels = torch.tensor(case.labels)
    if metric == "ndcg":
        return float(package.retrieval_normalized_dcg(scores, labels, top_k=case.k))
    if metric == "recall":
        return float(package.retrieval_recall(scores, labels > 0, top_k=case.k))
    return float(package.retrieval_reciprocal_rank(scores, labels > 0))


def _trec(case: Case) -> tuple[dict[str, Any], dict[str, Any]]:
    names = [f"d{place}" for place in range(len(case.labels))]
    qrels = {"q": dict(zip(names, map(int, case.labels), strict=True))}
    return qrels, {"q": dict(zip(names, map(float, case.scores), strict=True))}


def ranx(case: Case, metric: str) -> Any:
    """Of a `Qrels` and a `Run`; the gain of "ndcg" is linear."""
    package = importlib.import_module("ranx")
    qrels, run = _trec(case)
    name = {"ndcg": f"ndcg@{case.k}", "recall": f"recall@{case.k}", "mrr": "mrr"}
    return package.evaluate(
        package.Qrels(qrels), package.Run(run), name[metric], make_comparable=True
    )


def pytrec_eval(case: Case, metric: str) -> Any:
    """As trec_eval."""
    package = importlib.import_module("pytrec_eval")
    qrels, run = _trec(case)
    name = {
        "ndcg": f"ndcg_cut.{case.k}",
        "recall": f"recall.{case.k}",
        "mrr": "recip_rank",
    }[metric]
    found = package.RelevanceEvaluator(qrels, {name}).evaluate(run)["q"]
    return found[name.replace(".", "_")]


def lenskit(case: Case, metric: str) -> Any:
    """Of item lists, the recommended one ordered by score."""
    metrics = importlib.import_module("lenskit.metrics")
    data = importlib.import_module("lenskit.data")
    order = np.argsort(-np.asarray(case.scores, float), kind="stable")
    listed = data.ItemList(
        item_ids=order, scores=np.asarray(case.scores, float)[order], ordered=True
    )
    labels = np.asarray(case.labels, float)
    true = np.flatnonzero(labels > 0)
    test = data.ItemList(item_ids=true, rating=labels[true])
    kinds = {
        "ndcg": lambda: metrics.NDCG(case.k, gain="rating"),
        "recall": lambda: metrics.Recall(case.k),
        "mrr": lambda: metrics.RecipRank(),
    }
    return kinds[metric]().measure_list(listed, test)


def _frames(case: Case) -> tuple[Any, Any]:
    pandas = importlib.import_module("pandas")
    order = np.argsort(-np.asarray(case.scores, float), kind="stable")
    listed = pandas.DataFrame(
        {
            "user_id": 0,
            "item_id": order,
            "rank": np.arange(1, len(order) + 1),
            "score": np.asarray(case.scores, float)[order],
        }
    )
    labels = np.asarray(case.labels, float)
    true = np.flatnonzero(labels > 0)
    test = {"user_id": np.zeros_like(true), "item_id": true, "weight": labels[true]}
    return listed, pandas.DataFrame(test)


def rectools(case: Case, metric: str) -> Any:
    """Of data frames; relevance is whether a pair is there."""
    package = importlib.import_module("rectools.metrics")
    listed, test = _frames(case)
    kinds = {"ndcg": package.NDCG, "recall": package.Recall, "mrr": package.MRR}
    return kinds[metric](k=case.k).calc(listed.drop(columns="score"), test)


def keras_rs(case: Case, metric: str) -> Any:
    """Metrics of Keras, of one list."""
    package = importlib.import_module("keras_rs").metrics
    kinds = {
        "ndcg": package.NDCG,
        "recall": package.RecallAtK,
        "mrr": package.MeanReciprocalRank,
    }
    found = kinds[metric](k=case.k)
    labels = np.asarray([case.labels], np.float32)
    if metric != "ndcg":
        labels = (labels > 0).astype(np.float32)
    found.update_state(labels, np.asarray([case.scores], np.float32))
    return float(found.result())


def recommenders(case: Case, metric: str) -> Any:
    """Microsoft's, of data frames with its default columns."""
    package = importlib.import_module("recommenders.evaluation.python_evaluation")
    listed, test = _frames(case)
    names = {"user_id": "userID", "item_id": "itemID", "score": "prediction"}
    listed = listed.drop(columns="rank").rename(columns=names)
    test = test.rename(columns={**names, "weight": "rating"})
    kinds = {"ndcg": "ndcg_at_k", "recall": "recall_at_k"}
    if metric not in kinds:
        return None
    return getattr(package, kinds[metric])(test, listed, k=case.k)


ANSWERS: tuple[Answer, ...] = (
    *(ours, scikit_learn, torchmetrics, ranx, pytrec_eval),
    *(lenskit, rectools, keras_rs, recommenders),
)


def cell(answer: Answer, case: Case, metric: str) -> str:
    """Returns a figure as text; raises ImportError if there is no such package."""
    try:
        value = answer(case, metric)
    except ImportError:
        raise
    except Exception as error:  # What others raise is what is asked about.
        return type(error).__name__
    if value is None:
        return "-"
    return "undefined" if np.isnan(value) else f"{float(value):.4f}"


def installed() -> list[Answer]:
    """Returns those whose package can be imported."""
    found = []
    for answer in ANSWERS:
        try:
            cell(answer, CASES[0], "ndcg")
        except ImportError:
            continue
        found.append(answer)
    return found


def main() -> None:
    """Prints the table."""
    warnings.simplefilter("ignore")
    answers = installed()
    names = [answer.__name__ for answer in answers]
    print("|".join(["", " case ", *(f" {name} " for name in names), ""]))
    print("|".join(["", *[" --- "] * (len(names) + 1), ""]))
    for metric in METRICS:
        for case in CASES:
            if metric == "recall" and case.name == "graded labels":
                continue
            suffix = "" if metric == "mrr" else f"@{case.k}"
            cells = [cell(answer, case, metric) for answer in answers]
            title = f"{metric}{suffix}: {case.name}"
            print("|".join(["", f" {title} ", *(f" {one} " for one in cells), ""]))


if __name__ == "__main__":
    main()
