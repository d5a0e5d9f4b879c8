"""Run uv with the package index that pip is configured for.

uv does not read pip's configuration, and whoever has set up pip for a mirror expects it to be used.
``python deploy/uv_like_pip.py pip sync requirements.lock`` runs ``uv pip sync requirements.lock``.
What is set for uv itself (``UV_*``) wins.
"""

import ast
import os
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

# pip's option, uv's variable, and what uv puts between several values.
VARIABLES = (
    ("index-url", "UV_DEFAULT_INDEX", " "),
    ("extra-index-url", "UV_INDEX", " "),
    ("find-links", "UV_FIND_LINKS", ","),
    ("no-index", "UV_NO_INDEX", " "),
    ("trusted-host", "UV_INSECURE_HOST", " "),
    ("cert", "SSL_CERT_FILE", " "),
    ("proxy", "ALL_PROXY", " "),
)
# pip lets the environment win over a command's section, and that over the global one.
SECTIONS = ("global", "install", ":env:")


def read_pip_settings(listing: str) -> dict[str, str]:
    """Give pip's options from what ``pip config list`` prints, the strongest section winning."""
    found: dict[str, dict[str, str]] = {section: {} for section in SECTIONS}
    for line in listing.splitlines():
        name, _, value = line.partition("=")
        section, _, option = name.partition(".")
        if section in found:
            found[section][option] = str(ast.literal_eval(value))
    return {option: value for section in SECTIONS for option, value in found[section].items()}


def uv_variables(pip: Mapping[str, str]) -> dict[str, str]:
    """Translate pip's options to uv's environment variables."""
    variables = {
        variable: separator.join(pip[option].split())
        for option, variable, separator in VARIABLES
        if pip.get(option)
    }
    if "extra-index-url" in pip:
        # As pip does, look for each version in all indexes; the lock's hashes say which file it is.
        variables["UV_INDEX_STRATEGY"] = "unsafe-best-match"
    return variables


def main() -> None:
    """Turn into uv."""
    command = [sys.executable, "-m", "pip", "config", "list"]
    listing = subprocess.run(command, check=True, capture_output=True, text=True).stdout  # noqa: S603 - fixed words
    environment = {**uv_variables(read_pip_settings(listing)), **os.environ}
    uv = str(Path(sys.executable).parent / "uv")
    os.execve(uv, [uv, *sys.argv[1:]], environment)  # noqa: S606 - becomes uv, no shell wanted


if __name__ == "__main__":
    main()
