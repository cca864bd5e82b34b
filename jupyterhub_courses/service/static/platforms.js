// Values to copy, addresses that follow from the issuer's, and forms that connect an LMS and test it at once.
"use strict";

for (const button of document.querySelectorAll("button[data-copy]")) {
  const label = button.textContent;
  button.addEventListener("click", async () => {
    const value = button.closest("tr").querySelector("[data-value]");
    try {
      await navigator.clipboard.writeText(value.textContent);
      button.textContent = button.dataset.copied;
      setTimeout(() => { button.textContent = label; }, 2000);
    } catch { // no clipboard without TLS: the value is selected, for Ctrl-C
      getSelection().selectAllChildren(value);
    }
  });
}

async function send(method, url, body) {
  const headers = { "X-XSRFToken": xsrf, "Content-Type": "application/json" };
  const answer = await fetch(url, { method, headers, body: body && JSON.stringify(body) });
  const told = await answer.json();
  if (!answer.ok) throw new Error([told.message, ...(told.problems || [])].join("\n"));
  return told;
}

for (const form of document.querySelectorAll("form.connect")) {
  const fields = form.elements;
  fields.issuer.addEventListener("input", () => {
    for (const input of form.querySelectorAll("input[data-template]")) {
      if (!input.dataset.own) input.value = fields.issuer.value.replace(/\/+$/, "") + input.dataset.template;
    }
  });
  for (const input of form.querySelectorAll("input[data-template]")) {
    input.addEventListener("input", () => { input.dataset.own = "yes"; });
  }
  form.addEventListener("submit", async (event) => {
    event.preventDefault();
    const problem = form.querySelector("[role=alert]");
    const button = form.querySelector("button[type=submit]");
    const registration = {};
    for (const name of ["client_id", "authorize_url", "token_url", "keyset_url", "public_key"]) {
      const value = fields[name].value.trim();
      if (value) registration[name] = value;
    }
    if (registration.public_key) delete registration.keyset_url;
    registration.deployment_ids = fields.deployment_ids.value.split(/\s+/).filter(Boolean);
    const platform = { issuer: fields.issuer.value.trim(), registrations: [registration] };
    if (fields.title.value.trim()) platform.title = fields.title.value.trim();
    platform.course_creation = fields.course_creation.checked ? "on" : "off";
    const label = button.textContent;
    problem.textContent = "";
    button.disabled = true;
    button.textContent = form.dataset.busy;
    try {
      const url = form.dataset.platforms + encodeURIComponent(fields.name.value.trim());
      await send("PUT", url, platform);
      await send("POST", `${url}/test`).catch(() => {});
      location.assign(form.dataset.done);
    } catch (error) {
      problem.textContent = error.message;
      button.disabled = false;
      button.textContent = label;
    }
  });
}
