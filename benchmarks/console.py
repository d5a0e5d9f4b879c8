"""From a key to the next item on the screen, in a real browser, many times over."""

import argparse
import importlib
import shutil
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np

from astrid.core import store
from astrid.core.console import show, table
from benchmarks import chaos, waiting
from detection import cutouts
from detection.models import Detection
from observations.reading_arguments import whole

HELP = "Judge by keyboard in a headless Chromium: from each key to the next item on the screen."
SIDE = 63  # px, of the pipeline's cutouts
PATIENCE_S = 120.0
PERCENTILES = (50, 95, 100)
FLAGS = ("--headless=new", "--no-sandbox", "--disable-gpu", "--window-size=1280,900")
# A frame is on the screen once the task after its callback runs.
WATCH = """
window.keyToPaint = [];
const stage = document.getElementById("stage");
addEventListener("keydown", (event) => {
  const before = stage.dataset.item;
  const painted = () => {
    if (stage.dataset.item === before || stage.dataset.state !== "pixels") {
      requestAnimationFrame(painted);
      return;
    }
    const after = new MessageChannel();
    after.port1.onmessage = () => window.keyToPaint.push(performance.now() - event.timeStamp);
    after.port2.postMessage(null);
  };
  requestAnimationFrame(painted);
}, true);
"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare how many verdicts, and how quick the person is."""
    parser.add_argument("--verdicts", type=whole(least=1), default=200)
    parser.add_argument(
        "--pace", type=whole(least=0), default=300, help="ms from one key to the next"
    )


def run(options: dict[str, Any]) -> dict[str, Any]:
    """Judge so many items on a database and a folder of their own; give the times, ms."""
    number = options["verdicts"]
    with chaos.scratch_database() as database, tempfile.TemporaryDirectory() as folder:
        waiting.queue_detections(number + 1)
        give_pixels(Path(folder))
        files = {"STORAGE_URL": f"file://{folder}"}
        server = chaos.Server(waiting.free_port(), waiting.environment(database) | files)
        server.start()
        try:
            times = judge(server.address, number, options["pace"] / 1000)
        finally:
            server.kill()
        kept = len(waiting.kept_verdicts().keys)
    return figures(times, kept, options)


def give_pixels(folder: Path) -> None:
    """Store cutouts of a source on noise for every detection of the database."""
    rng = np.random.default_rng(1)
    detections = list(Detection.objects.all())
    for detection in detections:
        content = cutouts.to_npz(_pixels(rng))
        detection.cutouts_path = store.name_of(store.digest(content))
        path = folder / detection.cutouts_path
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
    Detection.objects.bulk_update(detections, ["cutouts_path"])


def _pixels(rng: np.random.Generator) -> Any:
    y, x = np.mgrid[:SIDE, :SIDE] - SIDE // 2
    source = 60 * np.exp(-(x**2 + y**2) / 8)
    science, reference, difference = rng.normal(0, 3, (3, SIDE, SIDE))
    planes = [science + source, reference, difference + source, (difference + source) / 3]
    return np.array(planes, np.float16)


def judge(address: str, number: int, pace_s: float) -> list[float]:
    """Press so many keys on the review page; give the milliseconds that each took."""
    (cookies,) = waiting.make_curators(1)
    with open_browser() as browser:
        for name, value in cookies.items():
            given = {"name": name, "value": value, "url": address}
            browser.execute_cdp_cmd("Network.setCookie", given)
        browser.get(f"{address}/console/review/")
        _until(browser, "return document.getElementById('stage').dataset.state === 'pixels'")
        time.sleep(1)  # the curator looks at the first one; the next ones come meanwhile
        browser.execute_script(WATCH)
        for count in range(number):
            _press(browser, "br"[count % 2])
            time.sleep(pace_s)
        _until(browser, f"return keyToPaint.length === {number}")
        _until(browser, "return document.getElementById('saved').dataset.state === 'saved'")
        times: list[float] = browser.execute_script("return keyToPaint")
    return times


def _press(browser: Any, key: str) -> None:
    for kind in ("keyDown", "keyUp"):
        event = {"type": kind, "key": key, "text": key if kind == "keyDown" else ""}
        browser.execute_cdp_cmd("Input.dispatchKeyEvent", event)


def _until(browser: Any, script: str) -> None:
    deadline = time.monotonic() + PATIENCE_S
    while not browser.execute_script(script):
        if time.monotonic() > deadline:
            raise TimeoutError(f"the page did not come to {script!r} within {PATIENCE_S:.0f} s")
        time.sleep(0.1)


@contextmanager
def open_browser() -> Iterator[Any]:
    """Run Chromium without a window.

    Raises
    ------
    ValueError
        If Chromium, its driver or the package that drives it is missing.
    """
    chromium, driver = shutil.which("chromium"), shutil.which("chromedriver")
    if not (chromium and driver):
        raise ValueError("no Chromium with its driver: apt-get install chromium chromium-driver")
    try:
        webdriver = importlib.import_module("selenium.webdriver")
        service = importlib.import_module("selenium.webdriver.chrome.service")
    except ModuleNotFoundError as error:
        raise ValueError(f"{error}: pip install selenium, or run in `make env`") from error
    options = webdriver.ChromeOptions()
    options.binary_location = chromium
    with tempfile.TemporaryDirectory() as profile:
        for flag in (*FLAGS, f"--user-data-dir={profile}"):
            options.add_argument(flag)
        browser = webdriver.Chrome(options=options, service=service.Service(driver))
        try:
            yield browser
        finally:
            browser.quit()


def figures(times: list[float], kept: int, options: dict[str, Any]) -> dict[str, Any]:
    """Sum up the times, ms."""
    p50, p95, most = np.percentile(times, PERCENTILES).tolist()
    return {
        "verdicts": len(times),
        "kept": kept,
        "pace_ms": options["pace"],
        "key_to_paint_ms": {"median": p50, "p95": p95, "most": most},
    }


def show_figures(found: dict[str, Any]) -> None:
    """Print the figures as a table."""
    rows = [[name, f"{value:.1f}"] for name, value in found["key_to_paint_ms"].items()]
    title = f"from key to next item, ms ({found['verdicts']} verdicts, {found['kept']} kept)"
    show(table(title, ["", "ms"], rows))
