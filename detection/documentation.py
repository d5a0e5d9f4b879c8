"""The model card as a page that people read, made from the card alone."""

from typing import Any

from detection.card import CLASSIFIER, Card
from detection.stampnet import documentation as stamp_documentation

INTENDED = """\
A small U-Net looks at four channels of one frame (science, reference, difference, S_corr) and
gives every pixel the probability that a real change of the sky is there, brighter or fainter.
Candidates of the difference are scored with the largest probability in the 5x5 px around them,
calibrated. It decides which candidates people see; it does not decide what they are."""

DATA = """\
Simulated scenes only (`observations/simulator`), taken through the same calibration,
registration, subtraction and extraction as real frames. Seeing, depth, sky, star and galaxy
density, PSF shape and its change over the field, registration errors, defects, cosmic rays and
saturation are drawn from broad ranges (`detection/scenes.py`). In a third of the scenes the charge
of cosmic rays spreads over neighbouring pixels, and a third, drawn apart from that, have a science
frame that was interpolated before, as survey stacks are. Training, calibration and test
use different scenes: no star, galaxy or transient is in two of them. A scene is cut into tiles
after that, which are turned, mirrored and, half of them, reversed: science and reference
exchanged, difference and significance negated. So one pass of the network knows both signs."""

LIMITS = """\
* Figures from simulations say nothing certain about a given camera: measure with
  `evaluate_model` on labelled stamps of that camera, and on injected sources.
* The confidence is calibrated for the mix of real and bogus candidates of the simulated scenes
  (see the table of parts), which holds far more real ones than an ordinary night. On ordinary
  nights read it as a ranking and a threshold, not as a rate.
* A peak of pure noise and a real source of the same significance look the same: below 7 sigma
  the network leans on the surroundings.
* Variable stars are lost in the model noise of a bright star before the network sees them.
* Not simulated, hence never learned: satellite trails, ghosts, fringes, crosstalk, brighter-fatter
  effect, colour-dependent refraction, proper motion, moving objects that trail.
* Pixels that the mask marks are black to the network: a source on a saturated or bad core is
  not seen."""


def page(card: Card) -> str:
    """Give the model card as Markdown."""
    if card.model_type == CLASSIFIER:
        return stamp_documentation.page(card)
    figures = card.metrics
    sections = [
        f"# Model card: {card.name} {card.version}",
        "Made from the card beside the weights (`detection/documentation.py`); do not edit.",
        f"## What it is for\n{INTENDED}",
        f"## What it is\n{identity(card)}",
        f"## What it learned from\n{DATA}\n\n{parts_table(card.training['parts'])}",
        f"## How good it is on simulated test scenes\n{figures_table(figures)}",
        f"### Real candidates that pass, by significance\n"
        f"{bins_table(figures['real_passing_by_significance'])}",
        "### True sources that end as detections, by true S/N\n"
        "What subtraction, masking, extraction and network lose together; variables on bright\n"
        f"stars included.\n\n{bins_table(figures['found_by_snr'])}",
        f"### Both signs\n{signs(figures['signs'])}",
        f"### An ordinary night\n{survey(figures['survey'])}",
        f"## On real frames\n{remarks(card.remarks)}",
        f"## Known limits\n{LIMITS}",
        f"## How to make it again\n{recipe(card)}",
    ]
    return "\n\n".join(sections) + "\n"


def identity(card: Card) -> str:
    """Say which file this is about."""
    shape = card.architecture
    return (
        f"U-Net, {shape['depth']} levels, {shape['base']} feature maps at full resolution, "
        f"{shape['parameters']:,} parameters. Channels: {', '.join(card.channels)}; normalisation "
        f"version {card.normalisation}. SHA-256 `{card.sha256}`.\n\n"
        f"Confidence = sigmoid({card.calibration.slope:.3f} logit(p) "
        f"{card.calibration.intercept:+.3f}). Threshold of detection "
        f"{card.thresholds['detection']:.3f} (keeps 97 % of the real validation candidates), "
        f"strict {card.thresholds['strict']:.3f} (lets 1 % of the bogus ones pass)."
    )


def parts_table(parts: dict[str, dict[str, Any]]) -> str:
    """Tabulate how much each part of the data holds."""
    rows = ["| part | scenes | Mpix | real | bogus |", "|---|---|---|---|---|"]
    for name, part in parts.items():
        counts = " | ".join(str(part[key]) for key in ("scenes", "megapixels", "real", "bogus"))
        rows.append(f"| {name} | {counts} |")
    return "\n".join(rows)


def figures_table(figures: dict[str, Any]) -> str:
    """Tabulate the figures with their intervals."""
    meaning = {
        "auc": "area under the ROC curve",
        "fpr_at_tpr95": "bogus that pass where 95 % of the real do",
        "ece": "expected calibration error",
        "real_passing": "real that pass the threshold",
        "bogus_passing": "bogus that pass the threshold",
    }
    rows = [
        f"{figures['real']} real and {figures['bogus']} bogus candidates of at least 5 sigma in "
        f"{figures['scenes']} scenes; intervals are 95 %, by scene for the first three.\n",
        "| | figure | interval |",
        "|---|---|---|",
    ]
    for name, words in meaning.items():
        found = figures[name]
        rows.append(
            f"| {words} | {found['value']:.4f} | {found['low']:.4f} to {found['high']:.4f} |"
        )
    rows.append(
        f"| area under the ROC curve of the significance alone | "
        f"{figures['auc_of_significance']:.4f} | |"
    )
    return "\n".join(rows)


def bins_table(bins: list[dict[str, float]]) -> str:
    """Tabulate shares by significance."""
    rows = ["| sigma | n | share | interval |", "|---|---|---|---|"]
    for found in bins:
        span = f"{found['from']:g} to {found['to']:g}" if found["to"] < 1e6 else "above 20"
        rows.append(
            f"| {span} | {found['n']} | {found['value']:.3f} | {found['low']:.3f} to "
            f"{found['high']:.3f} |"
        )
    return "\n".join(rows)


def signs(found: dict[str, float]) -> str:
    """Compare brightening with fading, and one pass with two."""
    return (
        f"AUC of brightening candidates {found['auc_rising']:.4f}, of fading ones "
        f"{found['auc_fading']:.4f}. Running the network a second time on the reversed pair and "
        f"taking the mean gives {found['auc_both_ways']:.4f} for both together."
    )


def survey(found: dict[str, float]) -> str:
    """Say what people have to look at."""
    return (
        f"In {found['megapixels']:.1f} Mpix with few real changes: "
        f"{found['candidates_per_megapixel']:.1f} candidates per Mpix "
        f"({found['real_candidates_per_megapixel']:.1f} of them real) become "
        f"{found['detections_per_megapixel']:.1f} detections "
        f"({found['bogus_detections_per_megapixel']:.1f} of them bogus): "
        f"{found['reduction']:.2f} times fewer to look at, and bogus ones "
        f"{found['bogus_reduction']:.1f} times fewer."
    )


def remarks(found: list[str]) -> str:
    """List what was measured after the training, or say that nothing was."""
    if not found:
        return "Nothing was measured yet."
    return "\n".join(f"* {remark}" for remark in found)


def recipe(card: Card) -> str:
    """Say how the file was made."""
    training = card.training
    libraries = ", ".join(f"{name} {number}" for name, number in training["libraries"].items())
    seconds = training["seconds_by_step"]
    options = f"--preset {training['preset_name']} --seed {training['seed']}"
    return (
        f"`manage.py train_model --network unet {options}`: "
        f"{seconds['simulation']:.0f} s for the scenes and {seconds['fit']:.0f} s for the fit when "
        f"this file was made. {training['refused_scenes']} drawn scenes were refused by the "
        "pipeline, as it refuses real frames (too few stars, too crowded). "
        "Operations are deterministic: the same machine and versions give the same weights and "
        "figures. The bytes of the file may differ, as the exporter names nodes in no fixed order. "
        f"Libraries: {libraries}."
    )
