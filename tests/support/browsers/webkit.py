"""Debian's WebKit by WebDriver, which Playwright does not speak: it drives a WebKit of its own.

GTK's port of Safari's engine, without what Apple adds to it: gestures, sound and codecs of its own.
"""

from __future__ import annotations

import os
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from selenium.webdriver import ActionChains, WebKitGTK, WebKitGTKOptions
from selenium.webdriver.remote.webelement import WebElement
from selenium.webdriver.webkitgtk.service import Service

from tests.support.stack import wait_for
from tests.support.zygote.parent_death import die_with_parent

DRIVER = Path("/usr/bin/WebKitWebDriver")
MINIBROWSER = next(Path("/usr/lib").glob("*/webkit2gtk-4.1/MiniBrowser"), None)
XVFB = Path("/usr/bin/Xvfb")
PACKAGES = (
    "webkit2gtk-driver xvfb gstreamer1.0-libav gstreamer1.0-plugins-good gstreamer1.0-plugins-bad"
)

DESK = (1280, 800)
PHONE = (360, 760)

_SETTINGS = {
    # A microphone that beeps, and nobody to ask.
    "enable-media-stream": "true",
    "enable-mock-capture-devices": "true",
    "media-playback-requires-user-gesture": "false",
    # Its driver has no other way to what a page logs.
    "enable-write-console-messages-to-stdout": "true",
}
_COMPLAINTS = ("CONSOLE ERROR", "CONSOLE WARN", "CONSOLE JS ERROR", "CONSOLE SECURITY ERROR")
# The tools of its window would else be wider than a telephone.
_SMALL_TOOLS = "* { min-width: 0; padding: 0; margin: 0; font-size: 4px }"

# Not by what the driver takes for the text of an element: where that is cut off it has none.
_SEEN = """const [css, text] = arguments;
return [...document.querySelectorAll(css)].filter((one) =>
  one.checkVisibility({ visibilityProperty: true }) && one.textContent.includes(text));"""

# What was never drawn has another height once it is, which moves what is below.
_RESTS = """const [one] = arguments;
one.scrollIntoView({ block: "center" });
const { left, top } = one.getBoundingClientRect();
const before = one.restedAt;
one.restedAt = `${left} ${top}`;
return before === one.restedAt;"""


class BrowserMissing(Exception):
    """The browser is not installed; says how it is."""


@dataclass
class WebKit:
    """A window of the browser, and what a person does with it."""

    driver: WebKitGTK
    log: Path
    downloads: Path

    def open(self, url: str, size: tuple[int, int] = DESK) -> None:
        """Open a page whose window has this size inside, and wait until its scripts have run."""
        self.resize(size)
        self.driver.get(url)
        self.wait("return document.documentElement.classList.contains('ready')")

    def resize(self, size: tuple[int, int]) -> None:
        width, height = size
        outside = self.driver.get_window_size()["height"]
        above = outside - self.run("return innerHeight")
        self.driver.set_window_rect(0, 0, width, height + above)
        self.wait("return innerWidth === arguments[0]", width)

    def run(self, script: str, *arguments: Any) -> Any:
        return self.driver.execute_script(script, *arguments)

    def wait(self, script: str, *arguments: Any) -> Any:
        """The first true value that a script returns."""
        return wait_for(lambda: self.run(script, *arguments), what=script)

    def all(self, css: str, text: str = "") -> list[WebElement]:
        """Find the visible elements with `text` in them."""
        found: list[WebElement] = self.run(_SEEN, css, text)
        return found

    def the(self, css: str, text: str = "") -> WebElement:
        """The first element that can be seen, once there is one, in the middle of the window."""
        (first, *_) = wait_for(lambda: self.all(css, text), what=f"{css} {text}")
        self.run("arguments[0].scrollIntoView({ block: 'center' })", first)
        return first

    def gone(self, css: str, text: str = "") -> None:
        wait_for(lambda: not self.all(css, text), what=f"no {css} {text}")

    def click(self, css: str, text: str = "") -> None:
        element = self.the(css, text)
        wait_for(lambda: self.run(_RESTS, element), what=f"{css} to rest")
        element.click()

    def press(self, *keys: str, held: str = "") -> None:
        """Press keys, whatever has the focus, while one is held down."""
        hands = ActionChains(self.driver)
        for key in keys:
            hands = hands.key_down(held) if held else hands
            hands = hands.send_keys(key)
            hands = hands.key_up(held) if held else hands
        hands.perform()

    def double_click(self, element: WebElement) -> None:
        ActionChains(self.driver).double_click(element).perform()

    def complaints(self) -> list[str]:
        """Errors and warnings that pages have logged since the browser started."""
        lines = self.log.read_text(errors="replace").splitlines()
        return [line for line in lines if any(mark in line for mark in _COMPLAINTS)]


@contextmanager
def opened(folder: Path) -> Iterator[WebKit]:
    """A browser of its own, with all its files in `folder`, on a screen that nobody sees.

    Raises:
        BrowserMissing: it is not installed.
    """
    if MINIBROWSER is None or not DRIVER.exists() or not XVFB.exists():
        raise BrowserMissing(f"WebKit is missing: apt-get install {PACKAGES}")
    downloads = folder / "Downloads"
    for made in (downloads, folder / ".config" / "gtk-3.0"):
        made.mkdir(parents=True)
    (folder / ".config" / "gtk-3.0" / "gtk.css").write_text(_SMALL_TOOLS)
    (folder / ".config" / "user-dirs.dirs").write_text('XDG_DOWNLOAD_DIR="$HOME/Downloads"\n')
    options = WebKitGTKOptions()
    options.binary_location = str(MINIBROWSER)
    options.add_argument("--automation")
    for name, value in _SETTINGS.items():
        options.add_argument(f"--{name}={value}")
    log = folder / "log"
    with _screen() as display, log.open("wb") as written:
        env = {
            "PATH": os.environ["PATH"],
            "LANG": "C.UTF-8",
            "LANGUAGE": "en_GB:en",
            "HOME": str(folder),
            "XDG_RUNTIME_DIR": str(folder),
            "DISPLAY": display,
            # No desktop's services are looked for.
            "NO_AT_BRIDGE": "1",
            "GSETTINGS_BACKEND": "memory",
            "DBUS_SESSION_BUS_ADDRESS": "disabled:",
        }
        alive = {"preexec_fn": die_with_parent}
        service = Service(str(DRIVER), log_output=written, env=env, popen_kw=alive)
        driver = WebKitGTK(options=options, service=service)
        try:
            yield WebKit(driver, log, downloads)
        finally:
            driver.quit()


@contextmanager
def _screen() -> Iterator[str]:
    """An X server without a screen; yields its name."""
    told, write = os.pipe()
    command = [str(XVFB), "-displayfd", str(write), "-screen", "0", "1400x1000x24"]
    with subprocess.Popen(
        [*command, "-nolisten", "tcp"],
        pass_fds=[write],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        preexec_fn=die_with_parent,
    ) as server:
        os.close(write)
        try:
            with os.fdopen(told) as number:
                yield f":{number.readline().strip()}"
        finally:
            server.terminate()
