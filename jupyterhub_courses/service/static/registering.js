// A registration in an LMS's frame: one click registers, one closes the frame; and the page that makes a link for it.
"use strict";

const registering = document.getElementById("register");
if (registering) {
  registering.addEventListener("submit", () => { registering.querySelector("button").disabled = true; });
}

const closing = document.getElementById("close");
if (closing) {
  // https://www.imsglobal.org/spec/lti-dr/v1p0#step-4-registration-completed-and-activation
  closing.addEventListener("click", () => {
    (window.opener || window.parent).postMessage({ subject: "org.imsglobal.lti.close" }, "*");
  });
}

const link = document.getElementById("link");
if (link) {
  link.addEventListener("submit", async (event) => {
    event.preventDefault();
    const button = link.querySelector("button");
    const problem = document.getElementById("link-problem");
    button.disabled = true;
    problem.textContent = "";
    try {
      const fields = Object.fromEntries([...new FormData(link)].filter(([, value]) => value));
      const xsrf = document.querySelector("meta[name=xsrf]").content;
      const headers = { "X-XSRFToken": xsrf, "Content-Type": "application/json" };
      const answer = await fetch(link.dataset.post, { method: "POST", headers, body: JSON.stringify(fields) });
      const body = await answer.json();
      if (!answer.ok) throw new Error(body.message || answer.statusText);
      document.getElementById("link-url").value = body.url;
      document.getElementById("link-made").hidden = false;
      document.getElementById("link-url").select();
    } catch (error) {
      problem.textContent = error.message;
    }
    button.disabled = false;
  });
}
