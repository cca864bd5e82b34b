// The page of deliveries while it is open: progress that moves, and buttons that ask for one thing and say what came of it.
"use strict";

const live = document.getElementById("live");
const progress = document.getElementById("progress");
const said = document.getElementById("said");
const SOON = 2000, LATER = 10000;
// Of what is shown: it changes when anything moves from one word to another.
let mark = progress ? progress.dataset.mark : "";

// The live part as the server shows it now. Who is in it with the keyboard stays where they were.
async function refresh() {
  const answer = await fetch(location.href, { headers: { "X-XSRFToken": xsrf } }); // without: a new login
  if (!answer.ok) return;
  const page = new DOMParser().parseFromString(await answer.text(), "text/html");
  const fresh = page.getElementById("live");
  if (!fresh) return;
  mark = page.getElementById("progress").dataset.mark;
  const inside = live.contains(document.activeElement);
  const id = inside ? document.activeElement.id : "";
  live.replaceChildren(...fresh.childNodes);
  localTimes(live);
  if (inside) (document.getElementById(id) || document.getElementById("chosen")).focus({ preventScroll: true });
}

async function look() {
  if (document.hidden) return LATER;
  const now = await ask(progress.dataset.url, "GET");
  if (progress.textContent !== now.text) progress.textContent = now.text;
  if (mark !== now.mark) await refresh();
  return now.sending ? SOON : LATER;
}

async function watch() {
  let pause = LATER;
  try {
    pause = await look();
  } catch { /* the service may just be starting again: look later */ }
  setTimeout(watch, pause);
}

live.addEventListener("click", async (event) => {
  const button = event.target.closest("button[data-send]");
  if (!button || button.getAttribute("aria-disabled") === "true") return;
  button.setAttribute("aria-disabled", "true"); // not `disabled`, which would take the keyboard away
  said.textContent = "";
  try {
    await ask(button.dataset.send, button.dataset.method, button.dataset.body);
    if (button.dataset.done) progress.textContent = button.dataset.done;
    await refresh();
    setTimeout(() => look().catch(() => {}), SOON / 2);
  } catch (error) {
    said.textContent = error.message;
    button.removeAttribute("aria-disabled");
  }
});

if (progress) watch();
