"""The comparison of all methods as a table for people, in Markdown."""

from collections.abc import Mapping

from models.evaluation.intervals import Interval
from pipeline.reports.page.markdown_table import cell, layout, signed

Metrics = Mapping[str, Mapping[str, Mapping[str, Interval]]]
Differences = Mapping[str, Mapping[str, Interval]]

_COLUMNS = (
    ("cold", "mae"),
    ("cold", "rmse"),
    ("cold", "ndcg@1"),
    ("cold", "ndcg@3"),
    ("cold", "ndcg@5"),
    ("warm", "mae"),
    ("warm", "ndcg@3"),
)


def comparison_table(
    metrics: Metrics, differences: Differences, reference: str, num_cold: int
) -> str:
    """Lays out the metrics of every method, and the few-shot curve.

    Args:
        metrics: By method, group and metric.
        differences: By method and group, paired difference of MAE to the reference.
        reference: The method the differences are taken to.
        num_cold: Number of cold users.

    Returns:
        Markdown.
    """
    header = ["method", *(f"{group} {name}" for group, name in _COLUMNS)]
    header.append(f"cold mae less {reference}")
    rows = []
    for method, groups in metrics.items():
        cells = [cell(groups[group][name]) for group, name in _COLUMNS]
        difference = differences.get(method, {}).get("cold")
        rows.append([method, *cells, signed(difference) if difference else "-"])
    shots = [group for group in next(iter(metrics.values())) if "/support_" in group]
    parts = [
        f"Means over tasks, {num_cold} cold users; 95 % bootstrap intervals of the "
        "mean in brackets. Lower mae and rmse, higher ndcg is better.",
        layout(header, rows),
    ]
    if shots:
        sizes = [group.rpartition("_")[2] for group in shots]
        curve = [
            [method, *(f"{groups[g]['mae'].mean:.4f}" for g in (*shots, "cold"))]
            for method, groups in metrics.items()
        ]
        parts += [
            "mae of the same cold users with fewer support pairs:",
            layout(["method", *sizes, "all"], curve),
        ]
    return "\n\n".join(parts) + "\n"
