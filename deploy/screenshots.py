"""Take pictures of the pages of a running AstrID, the README's two by default.

Needs Chromium with its driver (``apt-get install chromium chromium-driver``). Example, while
``make demo`` runs in another terminal and has printed a name and a password::

    .venv/bin/python deploy/screenshots.py curator PASSWORD

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

README_PAGES = ("console=/console/", "review=/console/review/")
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
TALLEST_PX = 16_000  # Chromium's limit of a picture taken at once
COLOURS = 256
LARGE_BYTES = 300_000
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


def main() -> int:
    """Take the pictures; give 1 if a page asked for something it should not or did not get."""
    options = _options()
    options.out.mkdir(parents=True, exist_ok=True)
    with open_browser(options.theme) as browser:
        camera = Camera(browser, options.site, options.width, options.height)
        sign_in(camera, options.name, options.password)
        problems = [line for page in options.pages for line in shoot(camera, page, options.out)]
    sys.stderr.writelines(f"{line}\n" for line in problems)
    return 1 if problems else 0


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("name", help="whom to sign in as")
    parser.add_argument("password")
    parser.add_argument("pages", nargs="*", default=README_PAGES, metavar="NAME=PATH")
    parser.add_argument("--site", default="http://127.0.0.1:8000")
    parser.add_argument("--out", type=Path, default=Path("docs/screenshots"))
    parser.add_argument("--width", type=int, default=1280, help="pixels, 1280 by default")
    parser.add_argument("--height", type=int, help="pixels; the whole page by default")
    parser.add_argument("--theme", choices=("light", "dark"), default="light")
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


def sign_in(camera: Camera, name: str, password: str) -> None:
    """Sign in at the site.

    Raises
    ------
    SystemExit
        If name and password do not fit; with what the page says.
    """
    browser = camera.browser
    browser.get(urljoin(camera.site, "/admin/login/?next=/console/"))
    browser.find_element(By.NAME, "username").send_keys(name)
    browser.find_element(By.NAME, "password").send_keys(password)
    browser.find_element(By.CSS_SELECTOR, "#login-form [type=submit]").click()
    _until_loaded(browser)
    refused = browser.find_elements(By.CLASS_NAME, "errornote")
    if refused:
        raise SystemExit(f"signing in as {name!r}: {refused[0].text}")


def shoot(camera: Camera, page: str, folder: Path) -> list[str]:
    """Write the picture of ``NAME=PATH`` as NAME.png; give what the page should not have done."""
    name, _, path = page.partition("=")
    _resize(camera.browser, camera.width, camera.height or 900)
    camera.browser.get(urljoin(camera.site, path))
    _until_loaded(camera.browser)
    camera.browser.execute_async_script(LOAD_PICTURES)
    if camera.height is None:
        _resize(camera.browser, camera.width, _height_of(camera.browser))
    picture = camera.browser.execute_cdp_cmd("Page.captureScreenshot", {"format": "png"})
    _write(base64.b64decode(picture["data"]), folder / f"{name}.png")
    return [f"{path}: {line}" for line in problems_of(camera)]


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
