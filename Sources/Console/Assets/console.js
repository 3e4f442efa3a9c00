// Keeps an open page up to date and gives it keys. The pages work without it.
"use strict";
(() => {
  const hiddenPatience = 30000;
  const stalePatience = 5000;
  const partInterval = 60000;
  const chip = document.getElementById("live");
  let main = document.querySelector("main");
  let stream = null;
  let lastWord = 0;
  let paused = false;
  let hideTimer = 0;

  const [manner, source] = (main.dataset.live || "").split(" ");

  function show(word, state) {
    if (!chip) return;
    chip.hidden = false;
    if (chip.textContent !== word) chip.textContent = word;
    chip.dataset.state = state;
    document.body.classList.toggle("stale", state === "bad" || word.startsWith("Stale"));
  }

  // A cell is text, or the width of a bar.
  function put([id, text, state]) {
    const element = document.getElementById(id);
    if (!element) return;
    if (element.tagName === "rect") element.setAttribute("width", text);
    else if (element.textContent !== text) element.textContent = text;
    if (element.dataset.state !== state) element.dataset.state = state;
    if (id === "verdict") tell(text, state);
    const frame = element.closest("[data-follows]");
    if (frame && frame.dataset.follows === id) frame.dataset.state = state;
  }

  // To those who listen to the page: that the verdict is another one, not its figures; twice a minute at most.
  let told = document.getElementById("verdict")?.dataset.state;
  let toldAt = 0;
  function tell(text, state) {
    const said = document.getElementById("said");
    if (!said || state === told || Date.now() - toldAt < 30000) return;
    told = state;
    toldAt = Date.now();
    said.textContent = text;
  }

  async function fetched() {
    const answer = await fetch(location.href, { headers: { Accept: "text/html" }, cache: "no-store" });
    if (!answer.ok) throw new Error(String(answer.status));
    return new DOMParser().parseFromString(await answer.text(), "text/html");
  }

  const isBusy = (element) => element.contains(document.activeElement) && document.activeElement !== element
    || element.querySelector("details[open]") !== null;

  // Nothing moves under somebody who is filling in a form.
  async function replacePage() {
    if (isBusy(main)) { show("Changed: reload", "warn"); return; }
    try {
      const next = (await fetched()).querySelector("main");
      if (!next) return;
      main.replaceWith(document.adoptNode(next));
      main = next;
      if (!next.dataset.live) { stop(); show("Ended", "calm"); }
    } catch { show("Offline", "bad"); }
  }

  async function replaceParts() {
    if (!stream || document.hidden) return;
    try {
      const next = await fetched();
      for (const part of document.querySelectorAll("[data-part]")) {
        const fresh = next.getElementById(part.id);
        if (fresh && !isBusy(part)) part.replaceWith(document.adoptNode(fresh));
      }
    } catch { /* the stream says Offline where the gateway is away */ }
  }

  function start() {
    if (stream || paused || !source) return;
    stream = new EventSource(source);
    stream.onopen = () => { lastWord = Date.now(); show("Live", "calm"); };
    stream.onerror = () => {
      // Closed for good: a job that has ended, or a session that has.
      if (stream && stream.readyState === 2) { stop(); if (manner === "page") { replacePage(); return; } }
      show("Offline", "bad");
    };
    stream.addEventListener("cells", (event) => {
      lastWord = Date.now();
      JSON.parse(event.data).forEach(put);
      show("Live", "calm");
    });
    stream.addEventListener("changed", () => { lastWord = Date.now(); replacePage(); });
  }

  function stop() {
    if (stream) stream.close();
    stream = null;
  }

  function toggle() {
    paused = !paused;
    if (paused) { stop(); show("Paused", "warn"); } else { start(); }
  }

  if (source) {
    start();
    setInterval(() => {
      const age = Date.now() - lastWord;
      if (manner === "cells" && stream && stream.readyState === 1 && age > stalePatience)
        show(`Stale ${Math.round(age / 1000)} s`, "warn");
    }, 1000);
    if (manner === "cells") setInterval(replaceParts, partInterval);
    if (chip) chip.addEventListener("click", toggle);
    document.addEventListener("visibilitychange", () => {
      clearTimeout(hideTimer);
      if (document.hidden) hideTimer = setTimeout(() => { stop(); if (!paused) show("Paused", "warn"); }, hiddenPatience);
      else if (!paused && !stream) { start(); if (manner === "cells") replaceParts(); else replacePage(); }
    });
  }

  // Shortcuts: g and a letter goes somewhere, / finds, ? lists them, space pauses.
  let pending = 0;
  const help = document.getElementById("keys");
  document.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    if (event.target.closest("input, select, textarea, button, summary, a, dialog")
      && !(event.target.closest("a") && event.key !== " ")) return;
    if (Date.now() - pending < 1500) {
      pending = 0;
      const door = document.querySelector(`nav a[data-key="${CSS.escape(event.key)}"]`);
      if (door) { event.preventDefault(); door.click(); }
      return;
    }
    if (event.key === "g") pending = Date.now();
    else if (event.key === "/") {
      event.preventDefault();
      const field = document.getElementById("find");
      if (field) field.focus(); else location.href = document.querySelector('nav a[data-key="j"]').href;
    } else if (event.key === "?" && help) help.showModal();
    else if (event.key === " " && source) { event.preventDefault(); toggle(); }
  });
  const opener = document.getElementById("show-keys");
  if (opener && help) {
    opener.hidden = false;
    opener.addEventListener("click", () => help.showModal());
  }

  // One box for all of a list.
  for (const all of document.querySelectorAll("input[data-all]")) {
    all.closest("label").hidden = false;
    all.addEventListener("change", () => {
      for (const box of all.form.querySelectorAll('input[name="id"]')) box.checked = all.checked;
    });
  }

  // A form is sent once.
  document.addEventListener("submit", (event) => {
    if (event.target.method !== "post") return;
    if (event.target.dataset.sent) event.preventDefault();
    event.target.dataset.sent = "yes";
  });
  window.addEventListener("pageshow", () => {
    for (const form of document.querySelectorAll("form[data-sent]")) delete form.dataset.sent;
  });
})();
