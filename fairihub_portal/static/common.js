/** What the scripts of several pages share: the hub's API, questions, moments in local time. */

import { _ } from "./texts.js";

const { baseUrl, user, xsrf } = document.body.dataset;

/** The address of this page's user in the hub's API, with what follows. */
export function userApi(rest = "") {
  return `${baseUrl}api/users/${encodeURIComponent(user)}${rest}`;
}

/** Calls the hub's API; the answer as JSON, or null if it is empty. Throws what the hub said, with
 * the `code` of the refusal if it has one. */
export async function call(url, method = "GET", body = undefined) {
  const response = await fetch(url, {
    method,
    headers: { "Content-Type": "application/json", "X-XSRFToken": xsrf },
    body: body === undefined ? undefined : JSON.stringify(body),
  });
  const text = await response.text();
  if (!response.ok) {
    const unsaid = _("The hub answered %(status)s. Try again.", { status: response.status });
    const { message, code } = refusalIn(text);
    throw Object.assign(new Error(message || unsaid), { code });
  }
  return text ? JSON.parse(text) : null;
}

function refusalIn(text) {
  try {
    return JSON.parse(text);
  } catch {
    return {};
  }
}

const unanswered = new WeakMap();

/** Opens the dialog and waits for its answer; anything but its own button means no. */
export function ask(id) {
  const dialog = document.getElementById(id);
  unanswered.get(dialog)?.(false);
  dialog.returnValue = "";
  dialog.showModal();
  return new Promise((resolve) => {
    unanswered.set(dialog, resolve);
    // The event of the last time may come only now, and must not answer this question.
    dialog.onclose = () => dialog.open || resolve(dialog.returnValue === "yes");
  });
}

const STOP_SECONDS = 120;

/** Stops the server and waits until it is gone. */
export async function stopServer() {
  await call(userApi("/server"), "DELETE");
  for (let second = 0; second < STOP_SECONDS; second += 1) {
    const { server, pending } = await call(userApi());
    if (!server && !pending) return;
    await new Promise((resolve) => setTimeout(resolve, 1000));
  }
  throw new Error(_("The server is still stopping. Reload this page in a while."));
}

/** Says a text in an element that is hidden while it says nothing. */
export function say(element, text) {
  element.textContent = text;
  element.hidden = !text;
}

/** Shows every moment of the page as the reader counts: “5 minutes ago”, with the date as a hint. */
export function localTimes() {
  const words = new Intl.RelativeTimeFormat(document.documentElement.lang, { numeric: "auto" });
  const units = [["day", 86400], ["hour", 3600], ["minute", 60]];
  for (const element of document.querySelectorAll("time[datetime*=T]")) {
    const moment = new Date(element.dateTime);
    const seconds = (moment - Date.now()) / 1000;
    const [unit, size] = units.find(([, s]) => Math.abs(seconds) >= s) ?? ["second", 1];
    element.textContent = words.format(Math.round(seconds / size), unit);
    element.title = moment.toLocaleString();
  }
}
