/** The token page: asks for a token, shows it once, lists and revokes. */

import { ask, call, localTimes, say, userApi } from "./common.js";
import "./copy.js";
import { _ } from "./texts.js";

const byId = (id) => document.getElementById(id);
const form = byId("request-token-form");
const boxes = [...form.querySelectorAll("#token-rights input")];

localTimes();

function limited() {
  return form.elements["token-kind"].value === "some";
}

function follow() {
  boxes.forEach((box) => (box.disabled = !limited()));
}

form.addEventListener("change", follow);
follow();

form.addEventListener("submit", async (event) => {
  event.preventDefault();
  say(byId("token-error"), "");
  if (limited() && !boxes.some((box) => box.checked)) {
    say(byId("token-error"), _("Choose at least one thing that the token may do."));
    return;
  }
  try {
    const made = await call(userApi("/tokens"), "POST", wanted());
    list(made);
    byId("token-result").textContent = made.token;
    byId("token-result-status").textContent = "";
    byId("token-area").hidden = false;
    byId("token-area").focus();
  } catch (error) {
    say(byId("token-error"), error.message);
  }
});

function wanted() {
  const scopes = boxes.filter((box) => box.checked).flatMap((box) => box.dataset.scopes.split(" "));
  return {
    note: byId("token-note").value.trim() || "Made on the token page",
    expires_in: Number(byId("token-expiration-seconds").value),
    ...(limited() ? { scopes: [...new Set(scopes)] } : {}),
  };
}

/** Puts the new token at the top of the list. */
function list({ id, note, created, expires_at: ends }) {
  const row = byId("token-row").content.firstElementChild.cloneNode(true);
  row.dataset.tokenId = id;
  row.cells[0].textContent = _(note);
  row.cells[1].textContent = limited()
    ? boxes.filter((box) => box.checked).map(labelOf).join(", ")
    : _("Everything you may");
  row.cells[3].replaceChildren(moment(created));
  row.cells[4].replaceChildren(moment(ends));
  const button = row.querySelector("button");
  button.setAttribute("aria-label", _("Revoke %(name)s", { name: note }));
  button.addEventListener("click", () => revoke(row));
  document.querySelector("#api-tokens-table tbody").prepend(row);
  byId("no-tokens").hidden = true;
  byId("some-tokens").hidden = false;
  localTimes();
}

function labelOf(box) {
  return box.closest("label").querySelector(".fh-right").textContent;
}

function moment(time) {
  const element = document.createElement("time");
  element.dateTime = time ?? "";
  return element;
}

async function revoke(row) {
  const name = row.cells[0].textContent;
  byId("ask-revoke-about").textContent = name;
  if (!(await ask("ask-revoke"))) return;
  const button = row.querySelector("button");
  button.disabled = true;
  try {
    await call(userApi(`/tokens/${encodeURIComponent(row.dataset.tokenId)}`), "DELETE");
    row.remove();
    const none = document.querySelector("#api-tokens-table tbody").rows.length === 0;
    byId("no-tokens").hidden = !none;
    byId("some-tokens").hidden = none;
  } catch (error) {
    button.disabled = false;
    say(byId("token-error"), error.message);
  }
}

for (const button of document.querySelectorAll(".revoke-token-btn")) {
  button.addEventListener("click", () => revoke(button.closest(".token-row")));
}
