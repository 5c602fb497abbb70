"use strict";
// What htmx does not do: times in the reader's time zone, one question before an action, and updates of an open page.

const MINUTE = 60, HOUR = 3600, DAY = 86400;
const relative = new Intl.RelativeTimeFormat("en", { numeric: "always", style: "narrow" });
const clock = new Intl.DateTimeFormat("en-GB", { day: "numeric", month: "short", hour: "2-digit", minute: "2-digit" });
const dated = new Intl.DateTimeFormat("en-GB", { dateStyle: "medium", timeStyle: "short" });
const exact = new Intl.DateTimeFormat("en-GB", { dateStyle: "full", timeStyle: "long" });

function inWords(moment) {
  const seconds = (moment - Date.now()) / 1000, away = Math.abs(seconds);
  if (away < 3) return seconds > 0 ? "in a moment" : "just now";
  if (away < MINUTE) return relative.format(Math.round(seconds), "second");
  if (away < HOUR) return relative.format(Math.round(seconds / MINUTE), "minute");
  if (away < DAY) return relative.format(Math.round(seconds / HOUR), "hour");
  return (away < 300 * DAY ? clock : dated).format(moment);
}

function showTimes() {
  for (const node of document.querySelectorAll("time[datetime]")) {
    const moment = new Date(node.dateTime), text = inWords(moment), title = exact.format(moment);
    if (node.textContent !== text) node.textContent = text;
    if (node.title !== title) node.title = title;
  }
}

// Ask a person a question. The form is then sent again with the answer, so that it is asked only once.
function ask(question) {
  const dialog = document.getElementById("ask");
  document.getElementById("ask-text").textContent = question;
  dialog.returnValue = "no";
  dialog.showModal();
  return new Promise((done) => dialog.addEventListener("close", () => done(dialog.returnValue === "yes"), { once: true }));
}

document.addEventListener("submit", async (event) => {
  const form = event.target, button = event.submitter;
  const deed = (button?.formAction || form.action).split("/").pop();
  const question = form.dataset.sure || form.dataset["sure" + deed[0].toUpperCase() + deed.slice(1)];
  if (!question || form.querySelector("input[name=sure]")) return;
  event.preventDefault();
  if (form.matches(".bulk") && button?.name !== "all" && !new FormData(form).has("records")) {
    await ask("Select at least one record first.");
    return;
  }
  if (!(await ask(question))) { button?.focus(); return; }
  const sure = Object.assign(document.createElement("input"), { type: "hidden", name: "sure", value: "yes" });
  form.append(sure);
  form.requestSubmit(button);
});

// While a person writes or has selected something, the page is not updated.
function busy() {
  const main = document.getElementById("live");
  if (document.getElementById("ask").open) return true;
  for (const field of main.querySelectorAll("input:not([type=hidden]), textarea")) {
    if (field.type === "checkbox" ? field.checked : field.value !== field.defaultValue) return true;
  }
  return main.contains(document.activeElement) && document.activeElement.matches("input, textarea, select");
}

let due = false, last = 0;
function follow() {
  if (!due || busy() || document.hidden || Date.now() - last < 1500) return;
  due = false;
  last = Date.now();
  document.body.dispatchEvent(new Event("moved"));
}

// Browsers open few connections to one host, so only the visible tab receives events.
let events = null;
function listen() {
  const sign = document.getElementById("live-sign");
  if (!sign || document.hidden || events) return;
  events = new EventSource("/events");
  events.addEventListener("open", () => { sign.hidden = false; });
  events.addEventListener("error", () => { sign.hidden = true; });
  events.addEventListener("moved", () => { due = true; follow(); });
}

document.addEventListener("visibilitychange", () => {
  if (!document.hidden) { due = true; listen(); return; }
  events?.close();
  events = null;
});
addEventListener("pagehide", () => { events?.close(); events = null; });

showTimes();
new MutationObserver(showTimes).observe(document.body, { childList: true, characterData: true, subtree: true });
setInterval(showTimes, 10000);
setInterval(follow, 1000);
listen();
