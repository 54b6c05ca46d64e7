"""Playback by Chromium: seek in a recording as the page does, and record what is played.

    with Player(browser, folder) as player:
        heard = player.listen([Request("late.webm", at_s=7.0)])

The files are served on loopback with byte ranges, for a browser seeks with those.
"""

from __future__ import annotations

import base64
import threading
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import numpy as np
from playwright.sync_api import Browser

from tests.support.speech.media import RATE, Pcm

_AT_ONCE = 6
"""Elements that play at the same time: more, and two cores lose sound."""

_TRIES = 5
"""A machine whose processors others have loses sound of fewer too."""

_PAGE = """<!doctype html><title>player</title><script>
const WORKLET = `registerProcessor('recorder', class extends AudioWorkletProcessor {
  process([input]) {
    if (input.length) this.port.postMessage([currentFrame, input[0].slice()]);
    return true;
  }
});`;
let context;
async function start() {
  context = new AudioContext({sampleRate: 16000});
  const url = URL.createObjectURL(new Blob([WORKLET], {type: 'text/javascript'}));
  await context.audioWorklet.addModule(url);
  await context.resume();
}
const event = (element, name, ms) => new Promise((resolve, reject) => {
  element.addEventListener(name, resolve, {once: true});
  element.addEventListener('error', () => reject(element.error?.message || 'error'), {once: true});
  setTimeout(() => reject('no ' + name), ms);
});
async function listen({file, at_s, seconds}) {
  const element = document.createElement('video');
  try {
    const known = event(element, 'loadedmetadata', 15000);
    element.src = '/files/' + encodeURIComponent(file);
    await known;
    const duration = Number.isFinite(element.duration) ? element.duration : null;
    const sought = event(element, 'seeked', 15000);
    element.currentTime = at_s;
    await sought;
    const node = new AudioWorkletNode(context, 'recorder', {channelCount: 2,
      channelCountMode: 'explicit'});
    const source = context.createMediaElementSource(element);
    const blocks = [], clock = [];
    node.port.onmessage = ({data}) => blocks.push(data);
    source.connect(node).connect(context.destination);
    const watch = setInterval(
      () => clock.push([Math.round(context.currentTime * 16000), element.currentTime]), 15);
    const sought_to = element.currentTime;
    await element.play();
    const until = performance.now() + seconds * 1000;
    while (performance.now() < until && !element.ended)
      await new Promise(resolve => setTimeout(resolve, 30));
    clearInterval(watch);
    element.pause();
    source.disconnect();
    const first = blocks.length ? blocks[0][0] : 0;
    const sound = new Int16Array(blocks.length ? blocks.at(-1)[0] + 128 - first : 0);
    for (const [frame, block] of blocks)
      for (let i = 0; i < block.length; i++)
        sound[frame - first + i] = Math.max(-32768, Math.min(32767, block[i] * 32768));
    const bytes = new Uint8Array(sound.buffer);
    let text = '';
    for (let i = 0; i < bytes.length; i += 8192)
      text += String.fromCharCode(...bytes.subarray(i, i + 8192));
    return {sound: btoa(text), clock: clock.map(([frame, time]) => [frame - first, time]),
      duration, sought_to, error: element.error?.message || null};
  } catch (error) {
    return {sound: '', clock: [], duration: null, sought_to: null, error: String(error)};
  } finally {
    element.removeAttribute('src');
    element.load();
  }
}
</script>"""


@dataclass(frozen=True, slots=True)
class Request:
    """Seek to at_s in a file of the folder, and play for so many seconds."""

    file: str
    at_s: float
    seconds: float = 2.2


@dataclass(frozen=True, slots=True)
class Heard:
    """Sound that was played: 16 kHz mono, and the element's currentTime while it was.

    clock: pairs of a sample of `sound` and the currentTime shown when it went by.
    """

    sound: Pcm
    clock: tuple[tuple[int, float], ...]
    duration_s: float | None
    error: str | None

    def shown_at(self, sample: int) -> float | None:
        """Time that the player showed when `sample` was played, in seconds; None where it did not
        move then."""
        near = [
            (abs(at - sample), time + (sample - at) / RATE)
            for (at, time), (_, before) in zip(self.clock[1:], self.clock, strict=False)
            if time > before and abs(at - sample) < RATE
        ]
        if not near:
            return None
        return float(np.median([time for _, time in sorted(near)[:25]]))


class _Files(SimpleHTTPRequestHandler):
    """Server of one folder under /files/, with byte ranges, and the page itself."""

    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        if not self.path.startswith("/files/"):
            self._answer(200, _PAGE.encode(), {"Content-Type": "text/html"})
            return
        path = Path(self.translate_path(self.path.removeprefix("/files")))
        size = path.stat().st_size
        wanted = self.headers.get("Range", "").removeprefix("bytes=")
        first, _, last = wanted.partition("-")
        start = int(first or 0)
        end = min(int(last) if last else size - 1, size - 1)
        with path.open("rb") as file:
            file.seek(start)
            content = file.read(end + 1 - start)
        headers = {
            "Content-Type": self.guess_type(str(path)),
            "Accept-Ranges": "bytes",
            "Content-Range": f"bytes {start}-{end}/{size}",
        }
        self._answer(206 if wanted else 200, content, headers)

    def handle(self) -> None:
        """Serve one connection; a player drops it when it seeks elsewhere."""
        with suppress(ConnectionError):
            super().handle()

    def _answer(self, status: int, content: bytes, headers: dict[str, str]) -> None:
        self.send_response(status)
        for name, value in headers.items():
            if status == 206 or name != "Content-Range":
                self.send_header(name, value)
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    def log_message(self, format: str, *arguments: object) -> None:
        pass


class Player:
    """A page of a browser that plays the files of `folder`."""

    def __init__(self, browser: Browser, folder: Path) -> None:
        handler = partial(_Files, directory=str(folder))
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
        self._server.daemon_threads = True
        self._page = browser.new_page()

    def __enter__(self) -> Self:
        threading.Thread(target=self._server.serve_forever, daemon=True).start()
        self._page.goto(f"http://127.0.0.1:{self._server.server_port}/")
        self._page.evaluate("start()")
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._page.close()
        self._server.shutdown()
        self._server.server_close()

    def misheard(
        self, requests: Sequence[Request], why_wrong: Callable[[Request, Heard], str]
    ) -> dict[Request, str]:
        """Requests that are played wrong each time, with the reason of the last time.

        `why_wrong` says what is wrong with what was heard, or nothing.  Sound is played in real
        time, so what is wrong is listened to again: a player that is wrong is so every time.
        """
        wrong = dict.fromkeys(requests, "not heard")
        for _ in range(_TRIES):
            left = list(wrong)
            for request, heard in zip(left, self.listen(left), strict=True):
                if why := why_wrong(request, heard):
                    wrong[request] = why
                else:
                    del wrong[request]
            if not wrong:
                break
        return wrong

    def listen(self, requests: Sequence[Request]) -> list[Heard]:
        """Play each request, several at the same time, and return the recorded sound."""
        heard: list[Heard] = []
        for first in range(0, len(requests), _AT_ONCE):
            some = [asdict(request) for request in requests[first : first + _AT_ONCE]]
            answers: list[dict[str, Any]] = self._page.evaluate(
                "some => Promise.all(some.map(listen))", some
            )
            heard += [
                Heard(
                    sound=np.frombuffer(base64.b64decode(answer["sound"]), dtype=np.int16),
                    clock=tuple((int(at), float(time)) for at, time in answer["clock"]),
                    duration_s=answer["duration"],
                    error=answer["error"],
                )
                for answer in answers
            ]
        return heard
