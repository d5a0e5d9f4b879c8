"""The stamp network's card as a page that people read, made from the card alone."""

from typing import Any

from detection.card import Card

INTENDED = """\
Three small convolutional networks look at one candidate: its stamp of science, reference and
difference in full resolution around the middle and coarser farther out, the matched-filter S/N of
the difference, where data are missing, and a list of measured facts (seeing, peak and trough,
width, the nearest source of the reference, history where it is known). They give the calibrated
probability that the candidate is real, how far the three disagree, and the probabilities of
supernova, variable, transient and artifact. `evaluate_model` measures it on labelled stamps."""

DATA = """\
Candidates that the pipeline finds in simulated scenes, and changes and artifacts put into places
where nothing changes (`detection/stampnet/changes.py`, `flaws.py`, `mismatch.py`): hot pixels,
cosmic rays, columns and faint bands, trails, ghosts, clumps of noise, dipoles, rings of badly known
PSFs, saturated stars, rims of missing data, stars left by a wrong flux scale, cores burnt into one
of the frames. Three in ten places have such residuals beside them whatever is put there, so that
they do not speak against a real change. With real data the same is done on real frames and on real
stamps, residuals of stars beside candidates are taken as artifacts, and the labelled stamps are
learned. Real data are not part of the project: `train_model --real FOLDER` reads them. The split is
by sky: no object and no scene is on two sides of it. Classes count alike, whatever their number."""

LIMITS = """\
* Real figures rest on labelled stamps of one survey. Where they hold few bogus ones, the AUC and
  the false positives have wide intervals: look at the counts above them.
* Confidences are calibrated for a mix with the share of real ones given above. In another mix
  they rank as well as before, but are no rates.
* A subtraction that failed over a whole frame leaves residuals that look like stars: the network
  believes some of them.
* A star that varied by less than 3 % is none of the changes that were learned: an error of the flux
  scale looks the same.
* A peak of noise and a real source of the same significance look alike below 7 sigma.
* Supernovae without a visible host look like any new star: only their history tells.
* The lengths of histories used in training are assumed, not measured."""


def page(card: Card) -> str:
    """Give the model card as Markdown."""
    simulated, real = card.metrics["simulated"], card.metrics["real_out_of_fold"]
    sections = [
        f"# Model card: {card.name} {card.version}",
        "Made from the card beside the weights (`detection/stampnet/documentation.py`); "
        "do not edit.",
        f"## What it is for\n{INTENDED}",
        f"## What it is\n{identity(card)}",
        f"## What it learned from\n{DATA}\n\n{parts_table(card.training['parts'])}",
        f"### Files of real data\n{files_table(card.training['real_files'])}",
        f"## How good it is\n{figures_table(simulated, real)}",
        f"### Classes among real ones\n{classes_table(simulated, real)}",
        f"## Measured after the training\n{remarks(card.remarks)}",
        f"## Known limits\n{LIMITS}",
        f"## How to make it again\n{recipe(card)}",
    ]
    return "\n\n".join(sections) + "\n"


def identity(card: Card) -> str:
    """Say which file this is about."""
    slope, intercept = card.calibration.slope, card.calibration.intercept
    return (
        f"{card.architecture['members']} members with a shared first layer, "
        f"{card.architecture['parameters']:,} parameters in all; normalisation version "
        f"{card.normalisation}. SHA-256 `{card.sha256}`; of the numbers alone "
        f"`{card.training['numbers_sha256']}`.\n\n"
        f"Confidence = sigmoid({slope:.3f} logit(p) {intercept:+.3f}) of the mean probability, for "
        f"{card.training['prior']:.0%} real ones. Threshold of detection "
        f"{card.thresholds['detection']:.3f} (keeps 97 % of the real ones calibrated on), strict "
        f"{card.thresholds['strict']:.3f} (lets 1 % of the bogus ones pass)."
    )


def parts_table(parts: dict[str, dict[str, Any]]) -> str:
    """Tabulate what each part of the data holds."""
    rows = [
        "| part | skies | real | bogus | SHA-256 of pixels and labels |",
        "|---|---|---|---|---|",
    ]
    rows += [
        f"| {name} | {part['skies']} | {part['real']} | {part['bogus']} | `{part['sha256'][:16]}` |"
        for name, part in parts.items()
    ]
    return "\n".join(rows)


def files_table(files: dict[str, str]) -> str:
    """List the real files, or say that there were none."""
    if not files:
        return "None: it was trained on simulation only."
    rows = ["| file | SHA-256 |", "|---|---|"]
    return "\n".join([*rows, *(f"| {name} | `{found}` |" for name, found in files.items())])


MEANING = {
    "auc": "area under the ROC curve",
    "fpr_at_tpr95": "bogus that pass where 95 % of the real do",
    "missed_at_fpr1": "real that are lost where 1 % of the bogus pass",
    "ece": "expected calibration error",
}


def figures_table(simulated: dict[str, Any], real: dict[str, Any] | None) -> str:
    """Put simulated and real figures side by side."""
    rows = [
        "Simulated: candidates of at least 5 sigma in scenes of their own. Real: labelled stamps, "
        "each judged by a network that had not met its object. Intervals are 95 %, by sky.\n",
        "| | simulated | real |",
        "|---|---|---|",
        f"| real / bogus candidates | {counts(simulated)} | {counts(real)} |",
    ]
    for name, words in MEANING.items():
        rows.append(f"| {words} | {interval(simulated, name)} | {interval(real, name)} |")
    return "\n".join(rows)


def counts(figures: dict[str, Any] | None) -> str:
    """Give the size of a sample."""
    return "not measured" if figures is None else f"{figures['real']} / {figures['bogus']}"


def interval(figures: dict[str, Any] | None, name: str) -> str:
    """Write one figure and its interval."""
    if figures is None:
        return "not measured"
    found = figures[name]
    return f"{found['value']:.4f} ({found['low']:.4f} to {found['high']:.4f})"


def classes_table(simulated: dict[str, Any], real: dict[str, Any] | None) -> str:
    """Tabulate how often a class is called by its name."""
    rows = ["| | sample | n | right | interval |", "|---|---|---|---|---|"]
    for sample, figures in (("simulated", simulated), ("real", real or {})):
        for name, found in figures.get("classes", {}).items():
            rows.append(
                f"| {name} | {sample} | {found['n']} | {found['value']:.3f} | "
                f"{found['low']:.3f} to {found['high']:.3f} |"
            )
    return "\n".join(rows)


def remarks(found: list[str]) -> str:
    """List what was measured after the training, or say that nothing was."""
    return "\n".join(f"* {remark}" for remark in found) if found else "Nothing was measured yet."


def recipe(card: Card) -> str:
    """Say how the file was made."""
    training = card.training
    if "tuning" in training:
        return relearned(training)
    libraries = ", ".join(f"{name} {number}" for name, number in training["libraries"].items())
    seconds = training["seconds_by_step"]
    real = " --real FOLDER" if training["real_files"] else ""
    return (
        f"`manage.py train_model --preset {training['preset_name']} --seed {training['seed']}"
        f"{real}`: {seconds['data']:.0f} s for the data and {seconds['fit']:.0f} s for the fit on "
        "the machine, and beside the work, where this file was made. Operations are deterministic: "
        "the same machine, versions and data give the same weights. "
        f"Libraries: {libraries}."
    )


def relearned(training: dict[str, Any]) -> str:
    """Say how a network that learned on from verdicts was made."""
    asked = ", ".join(f"{name} {value}" for name, value in training["tuning"].items())
    seconds = training["seconds_by_step"]
    return (
        f"`manage.py retrain_model` from {training['from']} (SHA-256 `{training['from_sha256']}`) "
        f"with the verdicts of the data set `{training['verdicts']}`; {asked}: "
        f"{seconds['data']:.0f} s for the data and {seconds['fit']:.0f} s for the fit. The same "
        "verdicts, machine and versions give the same file."
    )
