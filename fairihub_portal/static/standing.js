/**
 * Asks the hub whether the reader is still let in, while somebody looks at the page, and says at
 * its top when not: why, and when their server ends. It goes away once they are let in again.
 */

import { _, counted } from "./texts.js";

const USUAL = 5_000;
const LONGEST = 160_000;
const PATIENCE = 10_000;

const byId = (id) => document.getElementById(id);
const banner = byId("standing");
const { url } = banner.dataset;
let pause = USUAL;
let asking = false;
let waiting;
let ends = null;

const REASONS = {
  "no-team": _("You are no longer in a team of this hub."),
  closed: _("Your team or your membership has closed."),
  "another-person": _("Your login belongs to another account now."),
  "signed-out": _("You are signed out."),
};

function watched() {
  return document.visibilityState === "visible" && document.hasFocus();
}

async function ask() {
  clearTimeout(waiting);
  if (asking || !watched()) return;
  asking = true;
  try {
    const signal = AbortSignal.timeout(PATIENCE);
    const answer = await fetch(url, { cache: "no-store", signal });
    if (!answer.ok && answer.status !== 401) throw new Error(`${answer.status}`);
    tell(await answer.json());
    pause = USUAL;
  } catch {
    pause = Math.min(2 * pause, LONGEST);
  }
  asking = false;
  if (watched()) waiting = setTimeout(ask, pause);
}

function tell({ admitted = false, code, message, server_ends: until }) {
  ends = until ? new Date(until) : null;
  banner.hidden = admitted && ends === null;
  const why = admitted ? _("The team of your server lets you in no more.") : reason(code, message);
  // Said again only if it has changed, or a screen reader would repeat it every few seconds.
  if (banner.hidden) byId("standing-why").textContent = "";
  else if (byId("standing-why").textContent !== why) byId("standing-why").textContent = why;
  byId("standing-more").hidden = admitted;
  byId("standing-more").textContent = code === "signed-out" ? _("Sign in again") : _("What to do");
  countDown();
}

function reason(code, message) {
  return REASONS[code] ?? message ?? "";
}

function countDown() {
  byId("standing-end").hidden = ends === null;
  if (ends === null) return;
  const seconds = Math.ceil((ends - Date.now()) / 1000);
  byId("standing-end").textContent =
    seconds > 0
      ? _("Your server ends in %(time)s. Save your work now.", { time: inWords(seconds) })
      : _("Your server has been ended. What was saved is still there.");
}

function inWords(seconds) {
  return seconds > 90 ? counted(Math.ceil(seconds / 60), "minute") : counted(seconds, "second");
}

setInterval(() => !banner.hidden && countDown(), 1000);
addEventListener("focus", ask);
document.addEventListener("visibilitychange", ask);
waiting = setTimeout(ask, USUAL);
