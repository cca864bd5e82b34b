// Times in the reader's own zone, buttons that post, and the page that waits for a course.
"use strict";

function localTimes(part) {
  for (const element of part.querySelectorAll("time[datetime]")) {
    const time = new Date(element.dateTime);
    if (!Number.isNaN(time.getTime())) {
      element.textContent = time.toLocaleString(document.documentElement.lang, { dateStyle: "medium", timeStyle: "short" });
    }
  }
}
localTimes(document);

const xsrf = document.querySelector("meta[name=xsrf]").content;

async function ask(url, method, body) {
  const answer = await fetch(url, { method, headers: { "X-XSRFToken": xsrf }, body });
  const told = await answer.json();
  if (!answer.ok) throw new Error(told.message || answer.statusText);
  return told;
}

for (const button of document.querySelectorAll("button[data-post]")) {
  button.addEventListener("click", async () => {
    if (button.dataset.sure && !confirm(button.dataset.sure)) return;
    const label = button.textContent;
    button.disabled = true;
    if (button.dataset.busy) button.textContent = button.dataset.busy;
    try {
      await ask(button.dataset.post, button.dataset.method || "POST");
      location.reload();
    } catch (error) {
      button.textContent = label;
      const note = document.createElement("p");
      note.className = "text-danger";
      note.setAttribute("role", "alert");
      note.textContent = error.message;
      button.after(note);
      button.disabled = false;
    }
  });
}

const opening = document.getElementById("opening");
if (opening) {
  const look = async () => {
    try {
      const course = await ask(opening.dataset.stateUrl, "GET");
      if (course.state === "ready") {
        location.replace(opening.dataset.target);
        return;
      }
      document.getElementById("reason").textContent = course.reason || "";
    } catch { /* the service may just be starting: look again */ }
    setTimeout(look, 1000);
  };
  look();
}
