"""The whole thing at work."""

import argparse
import json
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.management import call_command
from django.core.management.base import CommandError, CommandParser

from astrid import embedded
from astrid.core.commands import AstridCommand
from astrid.core.console import progress, stderr
from astrid.core.errors import AstridError
from astrid.demo.accounts import Account, ensure_accounts
from astrid.demo.summary import show, summary
from astrid.inprocess import process
from astrid.programs import demo_programs, is_alive, refuse_taken_port
from astrid.supervisor import SupervisionError, Supervisor
from observations.models import ObservationRun
from observations.services import ingest_directory
from observations.simulator import simulate_night
from observations.simulator.night import TRUTH_FILE

SEED = 2026
HOST = "127.0.0.1"
LAST_PORT = 65_535


class Command(AstridCommand):
    """Make or take a survey night, run it through the pipeline, serve the console."""

    help = "Run a survey night through the whole pipeline, then serve the console."

    def add_arguments(self, parser: CommandParser) -> None:
        """Declare the options."""
        parser.add_argument("--data", type=Path, help="folder of FITS frames; else a simulation")
        parser.add_argument("--rules", type=Path, help="rule file for that folder")
        parser.add_argument("--port", type=port, default=8000)
        parser.add_argument("--no-server", action="store_true", help="end after processing")
        parser.add_argument("--json", action="store_true", help="print the summary as JSON")

    def handle(self, *args: Any, **options: Any) -> None:
        """Do it all; the exit status tells whether every frame went through."""
        try:
            self.run(options)
        except (AstridError, SupervisionError) as error:
            raise CommandError(str(error)) from error

    def run(self, options: dict[str, Any]) -> None:
        """Prepare, process, report, serve."""
        if not options["no_server"]:
            refuse_taken_port(HOST, options["port"])
        call_command("migrate", verbosity=0, interactive=False)
        counts = run_night(options["data"] or simulated_night(), options["rules"])
        if options["json"]:
            self.stdout.write(json.dumps(counts))
        else:
            show(counts)
        accounts = ensure_accounts(settings.STATE)
        problems = problems_of(counts)
        for line in problems:
            self.stderr.write(line)
        if options["no_server"]:
            announce(accounts, None)
        elif status := serve(options["port"], lambda: announce(accounts, options["port"])):
            raise CommandError("the console did not run to its end", returncode=status)
        if problems:
            raise CommandError("not every frame went through, see above", returncode=1)


def port(text: str) -> int:
    """Read the number of a port."""
    number = int(text) if text.isdecimal() else 0
    if not 1 <= number <= LAST_PORT:
        raise argparse.ArgumentTypeError(f"{text} is no port: they go from 1 to {LAST_PORT}")
    return number


def serve(port: int, on_ready: Callable[[], None]) -> int:
    """Run web, worker and beat until interrupted; give the exit status."""
    os.environ.setdefault("SITE_URL", f"http://{HOST}:{port}")  # for links in letters
    programs = demo_programs(host=HOST, port=port, concurrency=1)
    with embedded.services(embedded.unset_services(os.environ)) as held:
        supervisor = Supervisor(programs, kept_open=held)
        return supervisor.run(is_ready=lambda: is_alive(HOST, port), on_ready=on_ready)


def simulated_night() -> Path:
    """Give the folder of the demo's simulated night, making it the first time."""
    folder: Path = settings.STATE / "demo" / f"night-{SEED}"
    if not (folder / TRUTH_FILE).exists():
        stderr.print("simulating a survey night")
        simulate_night(folder, seed=SEED)
    return folder


def run_night(folder: Path, rules: Path | None) -> dict[str, Any]:
    """Ingest a folder and process everything that is due."""
    with progress() as bars:
        bar = bars.add_task("ingest", total=None)
        run: ObservationRun = ingest_directory(
            folder,
            rules_file=rules,
            progress=lambda done, total: bars.update(bar, completed=done, total=total),
        )
        report = process(bars)
    for refusal in run.refusals:
        stderr.print(f"refused {refusal['reason']}", markup=False)  # it begins with the file
    truth = folder / TRUTH_FILE
    return summary(run, report, truth if truth.exists() else None)


def problems_of(counts: dict[str, Any]) -> list[str]:
    """Say, a line each, what did not go through."""
    failed = counts["frames_by_status"].get("failed", 0)
    lines = [f"failed: {run}: {reason}" for run, reason in counts["failed"].items()]
    if failed:
        lines.append(f"{failed} of {counts['frames']} frames have failed")
    if counts["frames_refused"]:
        lines.append(f"{counts['frames_refused']} files were refused")
    if not counts["frames"]:
        lines.append("no frame was found; see docs/ingestion.md for rule files")
    return lines


def announce(accounts: list[Account], port: int | None) -> None:
    """Print where to go and how to sign in."""
    if port is not None:
        stderr.print(f"\nAstrID is at http://127.0.0.1:{port}/  (Ctrl-C ends it)", style="bold")
    for account in accounts:
        secret = account.password or f"its own password (manage.py changepassword {account.name})"
        stderr.print(f"  {account.role:<9} sign in as {account.name} / {secret}", markup=False)
