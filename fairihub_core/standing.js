/**
 * Asks the hub whether the reader is still let in, while somebody looks at the page, and says at
 * its top when not: why, and when their server ends. It goes away once they are let in again.
 *
 * The banner has the words, by code of the answer; other scripts of the page hear of each answer
 * by the event `standing` of the document. Without imports, so that a page can have it inside.
 */

const USUAL = 5_000;
const LONGEST = 160_000;
const PATIENCE = 10_000;

const byId = (id) => document.getElementById(id);
const banner = byId("standing");
const why = byId("standing-why");
const end = byId("standing-end");
const more = byId("standing-more");
let pause = USUAL;
let asking = false;
let waiting;
let ends = null;

function watched() {
  return document.visibilityState === "visible" && document.hasFocus();
}

async function ask() {
  clearTimeout(waiting);
  if (asking || !watched()) return;
  asking = true;
  try {
    const signal = AbortSignal.timeout(PATIENCE);
    const answer = await fetch(banner.dataset.url, { cache: "no-store", signal });
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
  // Once the server has ended, the hub names no end any more; whoever is out is still told of it.
  const over = ends !== null && !admitted && code !== "signed-out";
  ends = until ? Date.parse(until) : over ? Math.min(ends, Date.now()) : null;
  banner.hidden = admitted && ends === null;
  const said = banner.hidden ? "" : (words(why, admitted ? "server" : code) ?? message ?? "");
  // Said again only if it has changed, or a screen reader would repeat it every few seconds.
  if (why.textContent !== said) why.textContent = said;
  more.hidden = admitted;
  more.textContent = words(more, code) ?? words(more, "else");
  countDown();
  document.dispatchEvent(new CustomEvent("standing", { detail: { admitted, ends } }));
}

/** What `element` has to say in a case, such as `no-team`. */
function words(element, when) {
  return element.getAttribute(`data-${when}`);
}

function countDown() {
  end.hidden = ends === null;
  if (ends === null) return;
  const seconds = Math.ceil((ends - Date.now()) / 1000);
  end.textContent =
    seconds > 0 ? words(end, "ends").replace("{time}", inWords(seconds)) : words(end, "ended");
}

function inWords(seconds) {
  return seconds > 90 ? counted(Math.ceil(seconds / 60), "minute") : counted(seconds, "second");
}

function counted(number, unit) {
  const style = { style: "unit", unit, unitDisplay: "long" };
  return new Intl.NumberFormat(document.documentElement.lang, style).format(number);
}

setInterval(() => !banner.hidden && countDown(), 1000);
addEventListener("focus", ask);
document.addEventListener("visibilitychange", ask);
waiting = setTimeout(ask, USUAL);
