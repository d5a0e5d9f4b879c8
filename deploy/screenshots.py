"""Take pictures of the screens of a running AstrID: light and dark, wide and as on a phone.

Needs Chromium with its driver (``apt-get install chromium chromium-driver``). Example, while
``make demo`` runs in another terminal and has printed a name and a password::

    .venv/bin/python deploy/screenshots.py operator PASSWORD

writes docs/screenshots/NAME-THEME-WIDTH.png of every screen in SCREENS, and the table of
docs/screens.md that shows them. A page that is led to by
a link on another one is named by both: ``night=/console/nights/ a[href^='/console/nights/2']``.

Every page's requests are watched: one that leaves the site, and one that the browser refuses or
that fails, ends the script with an error, for the console must work without the internet.
"""

import argparse
import base64
import io
import json
import shutil
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urljoin, urlsplit

from PIL import Image
from selenium import webdriver
from selenium.webdriver.chrome.service import Service
from selenium.webdriver.common.by import By
from selenium.webdriver.support.wait import WebDriverWait

# Where each is, and what the table of docs/screens.md says of it.
SCREENS = {
    "home=/console/": "Overview: the funnel of a night, what waits, what failed",
    "review=/console/review/": "Review: one detection at a time",
    "sheet=/console/sheet/": "Contact sheet: thirty differences",
    "object=/console/ a[href^='/console/objects/'], a[href^='/console/detections/']": (
        "An object: epochs, light curve, surroundings, verdicts"
    ),
    "adjudicate=/console/adjudicate/": "Adjudication: what people disagree on",
    "curators=/console/curators/": "Curators: how well they judge, how far they agree",
    "night=/console/nights/ a[href^='/console/nights/2']": (
        "Certificate of a night: the fate of every candidate"
    ),
    "summaries=/console/analytics/": "Summaries: what was done each day, and how well",
    "curves=/console/lightcurves/": "Light curves of targets, by name or place",
    "curve=/console/lightcurves/ th a[href^='/console/lightcurves/']": (
        "A light curve: zoom, flags, folding, downloads"
    ),
    "tables=/console/catalog/tap/": "Tables, asked in ADQL",
    "queries=/console/queries/": "Saved queries, and their nightly files",
    "crossmatch=/console/catalog/crossmatch/": "Cross-match of a table with what AstrID has",
    "settings=/admin/catalog/systemconfig/ a[href*='systemconfig/part/differencing']": (
        "Settings of a part of the program"
    ),
    "list=/admin/detection/detection/": "A list of the admin",
    "network=/admin/detection/model/?model_type__exact=classifier th a[href*='/change/']": (
        "A network: figures, failures, provenance"
    ),
}
PAGE = Path("docs/screens.md")
THEMES = ("light", "dark")
WIDTHS = (1280, 360)  # a desk, and the narrowest phone
_SHOWN_PX = {1280: 260, 360: 120}  # in the table
FLAGS = (
    "--headless=new",
    "--no-sandbox",
    "--disable-gpu",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--hide-scrollbars",
)
PATIENCE_S = 30
SETTLED_S = 3.0  # what pages paint from data that they fetch
TALLEST_PX = 2000  # what is below says no more about how a page looks
COLOURS = 256
LARGE_BYTES = 50_000
# Pictures below the window load when they come near it; these pictures show the whole page.
LOAD_PICTURES = """
const done = arguments[0];
const pictures = [...document.images];
pictures.forEach((picture) => { picture.loading = "eager"; });
Promise.all(pictures.map((picture) => picture.decode().catch(() => null))).then(done);
"""


@dataclass(frozen=True)
class Camera:
    """A signed-in browser at one site, and how wide and how tall its pictures are.

    ``height`` is None where a picture shows the whole page.
    """

    browser: Any
    site: str
    width: int
    height: int | None
    theme: str


def main() -> int:
    """Take the pictures; give 1 if a page asked for something it should not or did not get."""
    options = _options()
    options.out.mkdir(parents=True, exist_ok=True)
    problems = []
    for theme in options.theme:
        with open_browser(theme) as browser:
            sign_in(browser, options)
            for width in options.width:
                camera = Camera(browser, options.site, width, options.height, theme)
                for page in options.pages:
                    problems += shoot(camera, page, options.out)
    if options.pages == list(SCREENS):
        write_page()
    sys.stderr.writelines(f"{line}\n" for line in problems)
    return 1 if problems else 0


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("name", help="whom to sign in as")
    parser.add_argument("password")
    parser.add_argument("pages", nargs="*", default=list(SCREENS), metavar="NAME=PATH")
    parser.add_argument("--site", default="http://127.0.0.1:8000")
    parser.add_argument("--out", type=Path, default=Path("docs/screenshots"))
    parser.add_argument("--width", type=int, nargs="+", default=WIDTHS, help="pixels")
    parser.add_argument(
        "--height", type=int, help=f"pixels; the page up to {TALLEST_PX} by default"
    )
    parser.add_argument("--theme", choices=THEMES, nargs="+", default=THEMES)
    return parser.parse_args()


@contextmanager
def open_browser(theme: str) -> Iterator[Any]:
    """Run Chromium without a window, in a light or dark desktop, logging its requests."""
    options = webdriver.ChromeOptions()
    options.binary_location = _program("chromium")
    options.set_capability("goog:loggingPrefs", {"performance": "ALL", "browser": "ALL"})
    with tempfile.TemporaryDirectory() as profile:
        for flag in (*FLAGS, f"--user-data-dir={profile}"):
            options.add_argument(flag)
        browser = webdriver.Chrome(options=options, service=Service(_program("chromedriver")))
        wish = {"features": [{"name": "prefers-color-scheme", "value": theme}]}
        browser.execute_cdp_cmd("Emulation.setEmulatedMedia", wish)
        try:
            yield browser
        finally:
            browser.quit()


def _program(name: str) -> str:
    found = shutil.which(name)
    if found is None:
        raise SystemExit(f"{name} is not installed: apt-get install chromium chromium-driver")
    return found


def sign_in(browser: Any, options: argparse.Namespace) -> None:
    """Sign in at the site.

    Raises
    ------
    SystemExit
        If name and password do not fit; with what the page says.
    """
    browser.get(urljoin(options.site, "/admin/login/?next=/console/"))
    browser.find_element(By.NAME, "username").send_keys(options.name)
    browser.find_element(By.NAME, "password").send_keys(options.password)
    browser.find_element(By.CSS_SELECTOR, "#login-form [type=submit]").click()
    _until_loaded(browser)
    refused = browser.find_elements(By.CLASS_NAME, "errornote")
    if refused:
        raise SystemExit(f"signing in as {options.name!r}: {refused[0].text}")


def shoot(camera: Camera, page: str, folder: Path) -> list[str]:
    """Write the picture of ``NAME=PATH [LINK]``; give what the page should not have done."""
    name, _, place = page.partition("=")
    path, _, link = place.partition(" ")
    browser = camera.browser
    _resize(browser, camera.width, camera.height or 900)
    browser.get(urljoin(camera.site, path))
    if link:
        browser.get(browser.find_element(By.CSS_SELECTOR, link).get_attribute("href"))
    _until_loaded(browser)
    browser.execute_async_script(LOAD_PICTURES)
    if camera.height is None:
        _resize(browser, camera.width, _height_of(browser))
    time.sleep(SETTLED_S)
    picture = browser.execute_cdp_cmd("Page.captureScreenshot", {"format": "png"})
    _write(base64.b64decode(picture["data"]), folder / f"{name}-{camera.theme}-{camera.width}.png")
    return [f"{path}: {line}" for line in [*_too_wide(camera), *problems_of(camera)]]


def _too_wide(camera: Camera) -> list[str]:
    wide = int(camera.browser.execute_script("return document.documentElement.scrollWidth"))
    return [f"{wide} px wide on a screen of {camera.width}"] if wide > camera.width else []


def _resize(browser: Any, width: int, height: int) -> None:
    size = {"width": width, "height": height, "deviceScaleFactor": 1, "mobile": False}
    browser.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", size)


def _height_of(browser: Any) -> int:
    found = browser.execute_script("return document.documentElement.scrollHeight")
    return min(int(found), TALLEST_PX)


def _until_loaded(browser: Any) -> None:
    ready = "return document.readyState"
    WebDriverWait(browser, PATIENCE_S).until(lambda b: b.execute_script(ready) == "complete")


def _write(png: bytes, path: Path) -> None:
    """Write a picture; a large one with a palette, which takes a third of the room."""
    picture = Image.open(io.BytesIO(png)).convert("RGB")
    if len(png) > LARGE_BYTES:
        picture = picture.quantize(COLOURS, dither=Image.Dither.NONE)
    picture.save(path, optimize=True)


def write_page() -> None:
    """Show every screen in the table of docs/screens.md; the words above it stay."""
    head, _, _ = PAGE.read_text().partition("| screen |")
    rows = [_row(page.partition("=")[0], words) for page, words in SCREENS.items()]
    titles = "| screen | light | dark | phone, light | phone, dark |\n|---|---|---|---|---|\n"
    PAGE.write_text(head + titles + "".join(rows))


def _row(name: str, words: str) -> str:
    cells = [
        f'<img src="screenshots/{name}-{theme}-{width}.png" alt="{words}, {theme}" '
        f'width="{_SHOWN_PX[width]}">'
        for width in WIDTHS
        for theme in THEMES
    ]
    return f"| {' | '.join([words, *cells])} |\n"


def problems_of(camera: Camera) -> list[str]:
    """List the requests that left the site, and what the browser complained of, since last time."""
    own = urlsplit(camera.site).netloc
    asked = {urlsplit(url) for url in _requests(camera.browser)}
    away = {url.geturl() for url in asked if url.scheme in ("http", "https") and url.netloc != own}
    said = [line["message"] for line in camera.browser.get_log("browser")]
    return [*(f"asks for {url}" for url in sorted(away)), *said]


def _requests(browser: Any) -> Iterator[str]:
    for entry in browser.get_log("performance"):
        message = json.loads(entry["message"])["message"]
        if message["method"] == "Network.requestWillBeSent":
            yield message["params"]["request"]["url"]


if __name__ == "__main__":
    sys.exit(main())
