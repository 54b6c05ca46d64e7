#!/usr/bin/env python3
"""Firefox with what Playwright asks of it beyond what it knows: run as the browser itself.

Firefox has one session at a time, so its own process is told before Playwright hears where to
connect: the line with the address, which Playwright waits for, is passed on last.
"""

from __future__ import annotations

import subprocess
import sys
import time
from contextlib import closing
from pathlib import Path

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parents[2]))

from tests.support.browsers.marionette import Marionette  # noqa: E402

FIREFOX = "/usr/bin/firefox-esr"

_LOAD = """
const [folder] = arguments;
const { FileUtils } = ChromeUtils.importESModule("resource://gre/modules/FileUtils.sys.mjs");
Services.io
  .getProtocolHandler("resource")
  .QueryInterface(Ci.nsIResProtocolHandler)
  .setSubstitution("longscribe-tests", Services.io.newFileURI(new FileUtils.File(folder)));
return ChromeUtils.importESModule("resource://longscribe-tests/for_playwright.sys.mjs").loaded;
"""


def port_in(profile: Path) -> int:
    """The port of Marionette, which is told in the profile, before or after the line is printed."""
    told = profile / "MarionetteActivePort"
    while not (told.exists() and told.read_text()):
        time.sleep(0.05)  # Playwright waits for the line, and no longer than its timeout
    return int(told.read_text())


def main(arguments: list[str]) -> int:
    profile = Path(arguments[arguments.index("--profile") + 1])
    with subprocess.Popen(
        [FIREFOX, "--marionette", "--remote-allow-system-access", *arguments],
        stderr=subprocess.PIPE,
        text=True,
        errors="replace",
    ) as firefox:
        assert firefox.stderr is not None
        for line in firefox.stderr:
            if line.startswith("WebDriver BiDi listening on "):
                with closing(Marionette(port_in(profile))) as marionette:
                    assert marionette.run_in_its_process(_LOAD, str(HERE)) is True
            sys.stderr.write(line)
            sys.stderr.flush()
    return firefox.returncode


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
