"""What a page shows of a network's card at a glance: its figures side by side, and its limits."""

import re
from dataclasses import dataclass
from typing import Any

from detection.models import Model

FIGURES = {
    "auc": "area under the ROC curve (AUC)",
    "fpr_at_tpr95": "bogus that pass where 95 % of the real do",
    "missed_at_fpr1": "real that are lost where 1 % of the bogus pass",
    "ece": "calibration error (ECE)",
    "bogus_passing": "bogus above the threshold",
    "real_passing": "real above the threshold",
    "called_unknown": "known kinds that are called unknown",
}
NOT_MEASURED = "not measured"
LIMITS, AFTER = "Known limits", ("Measured after the training", "On real frames")


@dataclass(frozen=True)
class Line:
    """One figure, as it was measured on simulations and on the sky."""

    name: str
    simulated: str
    real: str


def lines_of(row: Model) -> list[Line]:
    """Give the figures of a network with their 95 % intervals."""
    simulated, real = samples_of(row)
    counts = Line("real / bogus candidates", counted(simulated), counted(real))
    found = [
        Line(words, measured(simulated, name), measured(real, name))
        for name, words in FIGURES.items()
        if name in simulated or name in real
    ]
    kinds = sorted({*simulated.get("classes", {}), *real.get("classes", {})})
    found += [
        Line(f"{kind} called by its name", *(shared(part, kind) for part in (simulated, real)))
        for kind in kinds
    ]
    return [counts, *found] if found and "real" in simulated else found


def samples_of(row: Model) -> tuple[dict[str, Any], dict[str, Any]]:
    """Give what was measured on simulations, and what on the sky; empty where nothing was."""
    metrics = row.training_metrics or {}
    if "simulated" in metrics:
        return metrics["simulated"], metrics.get("real_out_of_fold") or {}
    return metrics, {}


def counted(part: dict[str, Any]) -> str:
    """Write how many candidates a sample holds."""
    return f"{part['real']} / {part['bogus']}" if "real" in part else NOT_MEASURED


def measured(part: dict[str, Any], name: str) -> str:
    """Write one figure with its interval."""
    found = part.get(name)
    return interval(found) if found else NOT_MEASURED


def shared(part: dict[str, Any], kind: str) -> str:
    """Write how often a class is called by its name, and of how many."""
    found = part.get("classes", {}).get(kind)
    return f"{interval(found, 3)} of {found['n']}" if found else NOT_MEASURED


def interval(found: dict[str, float], digits: int = 4) -> str:
    """Write a figure with its interval."""
    value, low, high = (f"{found[key]:.{digits}f}" for key in ("value", "low", "high"))
    return f"{value} [{low}, {high}]"


def limits_of(row: Model) -> list[str]:
    """List where a network is known to fail, as its card says it."""
    return items_under(row.model_card, LIMITS)


def remarks_of(row: Model) -> list[str]:
    """List what was measured after the training, as the card says it."""
    return [one for title in AFTER for one in items_under(row.model_card, title)]


def items_under(text: str, title: str) -> list[str]:
    """Give the items of the list under a heading of a Markdown text, each as one line."""
    part = re.search(rf"^#+ {re.escape(title)}$(.*?)(?=^#|\Z)", text, re.MULTILINE | re.DOTALL)
    items = re.split(r"^\* ", part[1], flags=re.MULTILINE)[1:] if part else []
    return [" ".join(item.replace("`", "").split()) for item in items]
