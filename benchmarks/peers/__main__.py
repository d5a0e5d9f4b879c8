"""Run one method on one pair: ``python -m benchmarks.peers METHOD FOLDER REPEATS``.

With ``--version`` in place of a folder it prints the version, or fails with what is missing.
"""

import importlib
import json
import sys
from dataclasses import asdict
from pathlib import Path
from typing import Any

from benchmarks.peers.job import Job
from benchmarks.peers.meter import Cost, measure

NOT_INSTALLED = 3  # exit status
LONG_S = 15.0  # work that takes longer is done once: the first run adds little to it


def main() -> int:
    """Do what the command line says."""
    name, what = sys.argv[1:3]
    module = importlib.import_module(f"benchmarks.peers.{name}")
    if what == "--version":
        return _tell_version(module)
    job = Job(Path(what))
    inputs = module.prepare(job)
    maps, costs = _run(module, inputs, int(sys.argv[3]))
    for key, values in maps.items():
        job.save(f"{name}-{key}", values)
    written = json.dumps([asdict(cost) for cost in costs])
    (job.folder / f"{name}-costs.json").write_text(written)
    return 0


def _tell_version(module: Any) -> int:
    try:
        version = module.version()
    except (ImportError, FileNotFoundError) as error:
        sys.stderr.write(f"{error}\n")
        return NOT_INSTALLED
    sys.stdout.write(version)
    return 0


def _run(module: Any, inputs: Any, repeats: int) -> tuple[dict[str, Any], list[Cost]]:
    costs: list[Cost] = []
    maps: dict[str, Any] = {}
    while len(costs) < repeats and sum(cost.cpu_s for cost in costs) < LONG_S:
        maps, cost = measure(lambda: module.run(inputs))
        costs.append(cost)
    return maps, costs


if __name__ == "__main__":
    sys.exit(main())
