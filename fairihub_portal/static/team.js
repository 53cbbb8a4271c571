/** The page of a team: its running servers, which can be stopped, and the lines for a member. */

import { ask, call, localTimes, say } from "./common.js";
import "./copy.js";
import { _ } from "./texts.js";

const OFTEN = 1_000;
const USUAL = 10_000;

const byId = (id) => document.getElementById(id);
const { url } = byId("servers").dataset;
const rows = document.querySelector("#servers-table tbody");
const STATES = {
  running: _("Running"),
  starting: _("Starting"),
  stopping: _("Stopping"),
};
let waiting;
/** Whose server was stopped from here last. */
let asked = "";

async function look() {
  clearTimeout(waiting);
  if (document.visibilityState !== "visible") return;
  let pause = USUAL;
  try {
    const { servers } = await call(url);
    show(servers);
    say(byId("servers-error"), "");
    if (servers.some(({ state }) => state === "stopping")) pause = OFTEN;
  } catch (error) {
    say(byId("servers-error"), error.message);
    byId("servers-status").textContent = "";
  }
  waiting = setTimeout(look, pause);
}

function show(servers) {
  byId("servers-table").hidden = servers.length === 0;
  byId("servers-status").textContent = status(servers);
  const shown = new Map([...rows.children].map((row) => [row.dataset.login, row]));
  for (const server of servers) {
    const row = shown.get(server.login) ?? added(server.login);
    shown.delete(server.login);
    fill(row, server);
  }
  shown.forEach((row) => row.remove());
  localTimes();
}

function status(servers) {
  const said = servers.length ? [] : [_("No server of this team is running.")];
  const server = servers.find(({ login }) => login === asked);
  if (asked && !server) said.unshift(_("The server of %(login)s is stopped.", { login: asked }));
  if (server?.state === "stopping") said.unshift(stopping());
  return said.join(" ");
}

const stopping = () => _("Stopping the server of %(login)s…", { login: asked });

function added(login) {
  const row = byId("server-row").content.firstElementChild.cloneNode(true);
  row.dataset.login = login;
  row.cells[0].textContent = login;
  const button = row.querySelector("button");
  button.setAttribute("aria-label", _("Stop the server of %(login)s", { login }));
  button.addEventListener("click", () => stop(login, button));
  rows.append(row);
  return row;
}

function fill(row, { profile, state, started }) {
  row.cells[1].textContent = profile ?? "";
  row.cells[2].textContent = STATES[state] ?? state;
  row.querySelector("button").disabled = state === "stopping";
  if (row.dataset.started === started) return;
  row.dataset.started = started;
  const time = document.createElement("time");
  time.dateTime = started ?? "";
  row.cells[3].replaceChildren(...(started ? [time] : []));
}

async function stop(login, button) {
  const about = _("The server of %(login)s is stopped at once. They are not asked.", { login });
  byId("ask-stop-member-about").textContent = about;
  if (!(await ask("ask-stop-member"))) return;
  button.disabled = true;
  asked = login;
  byId("servers-status").textContent = stopping();
  try {
    await call(`${url}/${encodeURIComponent(login)}`, "DELETE");
    await look();
  } catch (error) {
    asked = "";
    button.disabled = false;
    byId("servers-status").textContent = "";
    say(byId("servers-error"), error.message);
  }
}

const login = byId("new-login");
byId("new-login-field").hidden = false;
login.addEventListener("input", () => {
  // JSON's way to write a text is YAML's too: whatever is typed stays one login.
  const name = login.value.trim() ? JSON.stringify(login.value.trim()) : "LOGIN";
  byId("new-lines").textContent = `- userName: ${name}\n  role: user\n`;
});

document.addEventListener("visibilitychange", look);
look();
