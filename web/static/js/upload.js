// Each file is sent to the API by itself, one after the other, with its own progress bar.

import { csrfToken } from "./api.js";

const SECOND = 1000;

/** Turn the form into a drop area that sends files as soon as they are chosen. */
export function enhanceUpload(form, list, onAccepted) {
  const input = form.querySelector("input[type=file]");
  const area = form.querySelector(".drop");
  const maxBytes = Number(form.dataset.maxBytes);
  const waiting = [];
  let sending = false;

  async function drain() {
    if (sending) return;
    sending = true;
    while (waiting.length) {
      const row = waiting.shift();
      if (!row.cancelled && (await row.send(form.dataset.api))) onAccepted();
    }
    sending = false;
  }

  function take(files) {
    for (const file of files) {
      const row = new Row(file, () => {
        waiting.push(row);
        drain();
      });
      list.append(row.element);
      if (file.size > maxBytes) row.fail(`Larger than ${size(maxBytes)}, the most accepted.`, false);
      else if (file.size === 0) row.fail("This file is empty.", false);
      else waiting.push(row);
    }
    drain();
  }

  input.addEventListener("change", () => {
    take([...input.files]);
    input.value = "";
  });
  form.addEventListener("submit", (event) => event.preventDefault());
  for (const type of ["dragenter", "dragover", "dragleave", "drop"]) {
    area.addEventListener(type, (event) => {
      event.preventDefault();
      area.classList.toggle("over", type === "dragenter" || type === "dragover");
      if (type === "drop") take([...event.dataTransfer.files]);
    });
  }
  window.addEventListener("beforeunload", (event) => {
    if (sending) event.preventDefault();
  });
}

/** One file on its way. */
class Row {
  constructor(file, again) {
    this.file = file;
    this.key = randomKey(); // the same for every try, so that no try makes a second job
    this.cancelled = false;
    this.element = document.createElement("li");
    const line = element("div", "line");
    line.append(element("span", "name", file.name), (this.told = element("span", "told", "Waiting")));
    line.append((this.button = element("button", "", "Cancel")));
    this.button.type = "button";
    this.bar = document.createElement("progress");
    this.bar.max = 1;
    this.bar.value = 0;
    this.bar.setAttribute("aria-label", `Upload of ${file.name}`);
    this.element.append(line, this.bar);
    this.again = again;
    this.button.onclick = () => this.cancel();
  }

  /** True once the server has accepted it. */
  send(address) {
    const body = new FormData();
    body.append("file", this.file, this.file.name);
    const request = new XMLHttpRequest();
    this.request = request;
    this.began = performance.now();
    request.open("POST", address);
    request.setRequestHeader("Idempotency-Key", this.key);
    request.setRequestHeader("X-CSRFToken", csrfToken);
    request.responseType = "json";
    request.upload.onprogress = (event) => this.progress(event.loaded, event.total);
    return new Promise((resolve) => {
      request.onload = () => resolve(this.answered(request));
      request.onerror = () => resolve(this.fail("The connection broke.", true));
      request.onabort = () => resolve(false);
      request.send(body);
    });
  }

  progress(loaded, total) {
    this.bar.value = loaded / total;
    if (loaded === total) {
      this.told.textContent = "Saving";
      return;
    }
    const seconds = (performance.now() - this.began) / SECOND;
    const left = seconds > 2 ? `, ${span((seconds * (total - loaded)) / loaded)} left` : "";
    this.told.textContent = `${size(loaded)} of ${size(total)}${left}`;
  }

  answered(request) {
    if (request.status === 202) {
      this.element.remove(); // it is in the list of jobs now
      return true;
    }
    const message = request.response?.error?.message ?? "The server could not take this file.";
    return this.fail(message, request.status >= 500);
  }

  fail(message, mayPass) {
    this.element.className = "failed";
    this.told.textContent = message;
    this.told.setAttribute("role", "alert");
    this.bar.hidden = true;
    this.button.textContent = mayPass ? "Try again" : "Dismiss";
    this.button.onclick = () => (mayPass ? this.retry() : this.element.remove());
    return false;
  }

  retry() {
    this.element.className = "";
    this.told.textContent = "Waiting";
    this.told.removeAttribute("role");
    this.bar.hidden = false;
    this.bar.value = 0;
    this.button.textContent = "Cancel";
    this.button.onclick = () => this.cancel();
    this.again();
  }

  cancel() {
    this.cancelled = true;
    this.request?.abort();
    this.element.remove();
  }
}

function element(name, className, text = "") {
  const made = document.createElement(name);
  made.className = className;
  made.textContent = text;
  return made;
}

function randomKey() {
  // crypto.randomUUID is missing on plain HTTP from another machine.
  const bytes = crypto.getRandomValues(new Uint8Array(16));
  return [...bytes].map((byte) => byte.toString(16).padStart(2, "0")).join("");
}

function size(bytes) {
  return bytes >= 2 ** 30 ? `${(bytes / 2 ** 30).toFixed(1)} GB` : `${Math.ceil(bytes / 2 ** 20)} MB`;
}

function span(seconds) {
  return seconds < 90 ? `${Math.ceil(seconds)} s` : `${Math.round(seconds / 60)} min`;
}
