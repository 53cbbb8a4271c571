/** The steps of a start and what keeps it, put into the places that `_start.html` has for them. */

import { say } from "./common.js";
import { _ } from "./texts.js";

const byId = (id) => document.getElementById(id);
const words = JSON.parse(document.querySelector("[data-start-words]")?.dataset.startWords || "{}");

function filled(text, values) {
  return text.replace(/%\((\w+)\)s/g, (whole, name) => values[name] ?? whole);
}

/** Shows the steps as they stand; `steps` is a list of fairihub_core.starts.Step. */
export function showSteps(steps) {
  byId("steps").hidden = false;
  for (const step of steps) {
    const row = document.querySelector(`#steps [data-step="${step.name}"]`);
    if (!row) continue;
    row.dataset.state = step.state;
    if (step.state === "running") row.setAttribute("aria-current", "step");
    else row.removeAttribute("aria-current");
    const part = (name) => row.querySelector(`[data-part=${name}]`);
    part("state").textContent = words.states?.[step.state] ?? step.state;
    const seconds = Math.round(step.seconds ?? 0);
    part("seconds").textContent = step.seconds === null ? "" : _(", %(seconds)s s", { seconds });
    part("note").textContent = noteOf(step);
  }
}

/** What a step says of itself, in the reader's language. */
export function noteOf(step) {
  const note = words.notes?.[step.note];
  return note ? filled(note, step.values) : step.message;
}

/** Says what keeps the start, or made it fail; null takes it away. */
export function showDiagnosis(diagnosis) {
  const box = byId("diagnosis");
  box.hidden = !diagnosis;
  if (!diagnosis) return;
  // Whoever listens hears what may pass when there is a pause, and what is lost at once.
  box.setAttribute("role", diagnosis.final ? "alert" : "status");
  box.classList.toggle("fh-bad", diagnosis.final);
  box.classList.toggle("fh-warn", !diagnosis.final);
  say(byId("failure"), messageOf(diagnosis));
  say(byId("remedy"), wordsFor(diagnosis).remedy ?? diagnosis.remedy);
  byId("who").hidden = false;
  byId("who-text").textContent = words.who?.[diagnosis.who] ?? "";
  byId("code").textContent = diagnosis.code;
  byId("said").hidden = !diagnosis.detail;
  byId("said-text").textContent = diagnosis.detail;
}

/** A failure of which there is nothing but a sentence. */
export function showFailure(message) {
  const box = byId("diagnosis");
  box.hidden = false;
  box.setAttribute("role", "alert");
  box.classList.replace("fh-warn", "fh-bad");
  ["remedy", "who", "said"].forEach((id) => (byId(id).hidden = true));
  say(byId("failure"), message);
}

function messageOf(diagnosis) {
  const { message, values, queue } = diagnosis;
  const pattern = wordsFor(diagnosis).message;
  if (!pattern) return message;
  const said = filled(pattern, values);
  if (!queue) return said;
  const [one, many] = words.queue;
  return `${said} ${filled(queue === 1 ? one : many, { num: queue })}`;
}

/** In the reader's language, where that is not the one of the diagnosis itself. */
function wordsFor({ code, final }) {
  const [message, remedy] = (final && words.lost?.[code]) || [
    words.causes?.[code],
    words.remedies?.[code],
  ];
  return { message, remedy };
}
