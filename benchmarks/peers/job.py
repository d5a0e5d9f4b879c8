"""The folder through which a pair goes to a process of its own, and results come back."""

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

SCIENCE, REFERENCE = "science", "reference"


@dataclass(frozen=True)
class Job:
    """Arrays and facts of one pair, as files in a folder."""

    folder: Path

    def array(self, name: str) -> npt.NDArray[Any]:
        """Read an array into memory."""
        return np.asarray(np.load(self.folder / f"{name}.npy"))

    def save(self, name: str, values: npt.NDArray[Any]) -> None:
        """Write an array."""
        np.save(self.folder / f"{name}.npy", values)

    def has(self, name: str) -> bool:
        """Tell whether there is such an array."""
        return (self.folder / f"{name}.npy").exists()

    @property
    def facts(self) -> dict[str, Any]:
        """Read what is known of the pair, by name."""
        facts: dict[str, Any] = json.loads((self.folder / "facts.json").read_text())
        return facts

    def state(self, facts: dict[str, Any]) -> None:
        """Write what is known of the pair."""
        (self.folder / "facts.json").write_text(json.dumps(facts))
