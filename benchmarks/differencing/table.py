"""The figures as Markdown, for people and for the documentation."""

from collections.abc import Iterator, Sequence
from typing import Any

from benchmarks.differencing.field import BLEND_PX
from benchmarks.differencing.measure import OWN, VARIANT_PAIRS
from benchmarks.pages import lines

Figures = dict[str, Any]

NOTHING = "-"


def render(figures: Figures) -> str:
    """Give all tables as one text."""
    sections = [_about(figures), _reached(figures), *_side_by_side(figures), _peers(figures)]
    return "\n\n".join(section for section in sections if section)


def _about(figures: Figures) -> str:
    machine, ran = figures["machine"], figures["ran"]
    memory, load = machine["memory_gib"], machine["load_average"][0]
    return (
        f"Measured on {ran['date']} in {ran['minutes']:.0f} minutes by `{ran['command']}`, one "
        f"thread, on {machine['cpus']} cores of {machine['cpu']} with {memory} GiB; load average "
        f"at the end {load}, so that wall seconds are upper limits. Pairs: {ran['generator']}; "
        f"{_count(figures)}. Ranges in brackets are 95 % intervals, errors one standard error. "
        f"Flux bias, pull and place leave out blends: new sources with another change within "
        f"{BLEND_PX:g} px. Two threads and a cached reference: at most {VARIANT_PAIRS} pairs of "
        "each group."
    )


def _count(figures: Figures) -> str:
    groups = figures["summary"]["groups"]
    return ", ".join(f"{value['pairs']} of {_named(name)}" for name, value in groups.items())


def _named(group: str) -> str:
    size, _, kind = group.partition(" ")
    return f"{size}² px" + (f" ({kind})" if kind else "")


# --- this project against what it must reach


def _reached(figures: Figures) -> str:
    checks = figures["required"]
    names = list(dict.fromkeys(one["figure"] for some in checks.values() for one in some))
    rows = [[name, *(_cell(name, some) for some in checks.values())] for name in names]
    rows += _more_rows(figures["summary"]["groups"])
    reasons = [f"Refused, {_named(name)}: {why}" for name, why in _refusals(figures)]
    return "\n\n".join([lines(["AstrID", *map(_named, checks)], rows), *reasons])


def _refusals(figures: Figures) -> Iterator[tuple[str, str]]:
    for name, value in figures["summary"]["groups"].items():
        for reason in dict.fromkeys(value["failures"]):
            yield name, reason


def _cell(name: str, checks: Sequence[Figures]) -> str:
    for one in checks:
        if one["figure"] == name:
            mark = {True: "✓", False: "✗", None: ""}[one["is_reached"]]
            return f"{_number(one['value'])} ({one['required']}) {mark}".strip()
    return NOTHING


def _number(value: float | None) -> str:
    return NOTHING if value is None else f"{value:.3g}"


def _more_rows(groups: Figures) -> Iterator[list[str]]:
    """Give what has no limit to reach, or whose uncertainty matters."""
    every = list(groups.values())
    done = [value for value in every if "table" in value]
    if len(done) == len(every):
        yield from _found_rows([value["table"] for value in done])
        yield from _cost_rows([value["cost"] for value in done])
        yield ["PSF stars", *(_range(value.get("psf_stars")) for value in done)]


def _found_rows(tables: Sequence[Figures]) -> Iterator[list[str]]:
    for name in tables[0]["completeness"]["all"]:
        for kind, said in (("all", ""), ("alone", ", no blends")):
            cells = [one["completeness"][kind][name] for one in tables]
            yield [f"found, S/N {name}{said}", *map(_share, cells)]
    yield ["found, faded, S/N > 5", *(_share(one["completeness"]["faded"][">5"]) for one in tables)]
    for sign, key in (("false", "per_mpix"), ("false, negative", "negative_per_mpix")):
        yield [f"{sign} per Mpix", *(_rate(one[key]["false"]) for one in tables)]
    yield ["flux bias, %", *(_bias(one["flux"]) for one in tables)]
    yield ["place over bound, rms", *(_number(one["place"]["rms"]) for one in tables)]


def _cost_rows(costs: Sequence[Figures]) -> Iterator[list[str]]:
    yield ["wall s/Mpix, one thread", *(_number(cost["wall_s_per_mpix"]) for cost in costs)]
    for number, step in enumerate(("calibrate", "subtract", "extract")):
        seconds = [cost["steps_cpu_s_per_mpix"][number] for cost in costs]
        yield [f"CPU s/Mpix, {step}", *map(_number, seconds)]


def _share(cell: Figures) -> str:
    if not cell["asked"]:
        return NOTHING
    return (
        f"{cell['found']}/{cell['asked']} = {cell['share']:.3f} "
        f"[{cell['low']:.3f}, {cell['high']:.3f}], Φ {cell['expected']:.3f}"
    )


def _rate(cell: Figures) -> str:
    return f"{cell['rate']:.2f} [{cell['low']:.2f}, {cell['high']:.2f}]"


def _bias(flux: Figures) -> str:
    if flux["bias"] is None:
        return NOTHING
    return f"{100 * flux['bias']:+.2f} ± {100 * flux['bias_error']:.2f}"


def _range(stars: Figures | None) -> str:
    return NOTHING if stars is None else f"{stars['least']} to {stars['most']}"


# --- everyone on the same pairs

COLUMNS = (
    "method", "pairs", "CPU s/Mpix", "times AstrID", "bytes/px", "false/Mpix", "cosmic rays/Mpix",
    "std blank", "std on sources", "beyond 5 on sources", "S/N 5-7", "7-10", "> 10", "flux bias, %",
    "place/bound",
)  # fmt: skip


def _side_by_side(figures: Figures) -> Iterator[str]:
    for group, methods in figures["summary"]["side_by_side"].items():
        own = methods[OWN].get("cost")
        rows = [
            _row(figures["methods"][name]["title"], value, own) for name, value in methods.items()
        ]
        yield f"Side by side, {_named(group)}; all figures from the maps:"
        yield lines(COLUMNS, rows)


def _row(title: str, value: Figures, own: Figures | None) -> list[str]:
    if "cost" not in value:
        return [title, f"0/{value['pairs']}", *[NOTHING] * (len(COLUMNS) - 3), value["failures"][0]]
    cost, noise, found = value["cost"], value["noise"], value["map"]
    times = _number(cost["cpu_s_per_mpix"] / own["cpu_s_per_mpix"]) if own else NOTHING
    shares = found["completeness"]["all"]
    return [
        title,
        f"{value['pairs'] - len(value['failures'])}/{value['pairs']}",
        _number(cost["cpu_s_per_mpix"]),
        times,
        f"{cost['memory_bytes_per_px']:.0f}",
        _rate(found["per_mpix"]["false"]),
        _rate(found["per_mpix"]["cosmic_ray"]),
        *(f"{noise[name]['mean']:.2f}" for name in ("std_blank", "std_source")),
        f"{noise['tail_source']['mean']:.1e}",
        *(_number(shares[name]["share"]) for name in ("5-7", "7-10", "10-50")),
        _bias(found["flux"]),
        _number(found["place"]["width"]),
    ]


def _peers(figures: Figures) -> str:
    rows = [
        [
            one["title"],
            one["version"] or f"not installed: {one['install']}",
            one["given"],
            one["makes"],
            one["settings"],
        ]
        for one in figures["methods"].values()
    ]
    return lines(["method", "version", "given", "its time buys", "settings"], rows)
