/** Follows the start of a server: the hub's events as a bar, a line, steps and a list. */

import { call, stopServer } from "./common.js";
import { noteOf, showDiagnosis, showFailure, showSteps } from "./start.js";
import { _ } from "./texts.js";

const byId = (id) => document.getElementById(id);
const { progressUrl, startUrl } = byId("progress").dataset;
const events = new EventSource(progressUrl);
// JupyterHub's own words, which are English.
const OF_THE_HUB = {
  "Server requested": _("Server requested"),
  "Spawning server...": _("The server is being started"),
};
let hasSteps = false;
let shown = null;
let said = "";
let askedAt = -Infinity;
const ASK_AGAIN_MS = 5000;

events.onmessage = ({ data }) => {
  const event = JSON.parse(data);
  if (event.progress !== undefined) byId("progress-bar").value = event.progress;
  if (event.failed) {
    fail(event);
    return;
  }
  if (event.steps) follow(event);
  else if (event.message) tell(OF_THE_HUB[event.message] ?? event.message);
  if (event.ready) {
    events.close();
    location.reload(); // the hub leads on to the server, or to where the reader wanted to go
  }
};

function follow({ steps, diagnosis, message, note }) {
  hasSteps = true;
  showSteps(steps);
  if (diagnosis?.final) {
    showOver(diagnosis);
    tell(_("What is left of the start is being cleared away…"));
    return;
  }
  showTop(_("Starting your server"), false);
  showKept(diagnosis ?? null);
  const current = steps.find(({ state }) => state === "running");
  // What keeps the start is said in the note above; the line goes on to say where it is.
  const line = noteOf(current ?? { note, values: {}, message: diagnosis ? "" : message });
  if (line) tell(line);
}

/** Says what keeps the start, or made it fail; what was said of it is no part of the events. */
async function showKept(diagnosis) {
  const before = shown;
  shown = diagnosis;
  if (before?.code !== diagnosis?.code) said = "";
  showDiagnosis(diagnosis && { detail: said, ...diagnosis });
  const isKnown = ["code", "final", "message"].every((part) => before?.[part] === diagnosis?.[part]);
  if (!diagnosis || diagnosis.detail !== undefined) return;
  if (isKnown && Date.now() < askedAt + ASK_AGAIN_MS) return; // what was said may grow
  askedAt = Date.now();
  const found = (await call(startUrl).catch(() => ({}))).diagnosis;
  if (!found || found.code !== shown?.code || found.final !== shown.final) return;
  said = found.detail;
  showDiagnosis({ ...shown, detail: said });
}

function tell(message) {
  if (byId("progress-message").textContent === message) return;
  byId("progress-message").textContent = message;
  const line = document.createElement("li");
  line.textContent = message;
  byId("progress-log").append(line);
}

/** Says that the start is lost; a cancelled one has nothing to mend. */
function showOver(diagnosis) {
  const cancelled = diagnosis?.code === "start-cancelled";
  const title = cancelled ? _("The start was cancelled") : _("Your server did not start");
  showTop(title, true);
  showKept(cancelled ? null : (diagnosis ?? null));
}

function showTop(title, isOver) {
  byId("progress-title").textContent = title;
  for (const id of ["progress-about", "progress-bar", "while-starting"]) byId(id).hidden = isOver;
}

async function fail({ message, diagnosis: told }) {
  events.close();
  const said = message?.replace(/^Spawn failed: /, "");
  try {
    const { diagnosis, steps } = await call(startUrl);
    if (steps.length) showSteps(steps);
    if (!diagnosis) throw new Error();
    showOver(diagnosis);
  } catch {
    showOver(told); // without what was said
    if (!told) showFailure(said || _("The hub’s log says more."));
  }
  byId("progress-message").hidden = true;
  byId("progress-details").open = !hasSteps;
  byId("ways-on").hidden = false;
}

byId("stop-server-btn").addEventListener("click", async ({ target }) => {
  target.disabled = true;
  byId("progress-message").textContent = _("Cancelling…");
  events.close();
  try {
    await stopServer();
    location.assign(`${document.body.dataset.baseUrl}home`);
  } catch (error) {
    target.disabled = false;
    showFailure(error.message);
  }
});
