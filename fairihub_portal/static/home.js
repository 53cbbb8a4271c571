/** The home page: stops the server, with a question first, and then goes where the reader wanted. */

import { ask, localTimes, stopServer } from "./common.js";
import { _ } from "./texts.js";

localTimes();

const message = document.getElementById("server-message");
const buttons = document.querySelectorAll("#server .fh-actions button");

async function stopAndGo(question, go) {
  if (!(await ask(question))) return;
  buttons.forEach((button) => (button.disabled = true));
  document.getElementById("start")?.remove();
  document.getElementById("server-state").textContent = _("Stopping");
  message.textContent = _("Stopping the server…");
  try {
    await stopServer();
    go();
  } catch (error) {
    message.textContent = error.message;
    buttons.forEach((button) => (button.disabled = false));
  }
}

document
  .getElementById("stop")
  ?.addEventListener("click", () => stopAndGo("ask-stop", () => location.reload()));
document
  .getElementById("another")
  ?.addEventListener("click", ({ target }) =>
    stopAndGo("ask-another", () => location.assign(target.dataset.to)),
  );

// Who is let in no more can do nothing here; and what they could do is over once a server ends.
let stale = false;
document.addEventListener("standing", ({ detail: { admitted, ends } }) => {
  if (stale && admitted && ends === null) location.reload();
  stale = !admitted || ends !== null;
  document.querySelectorAll("[data-for-admitted]").forEach((part) => (part.hidden = !admitted));
});
// Coming back from JupyterLab must not show a state that is long over.
addEventListener("pageshow", (event) => event.persisted && location.reload());
