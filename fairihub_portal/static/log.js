/** The log of the reader's own server: read anew at a click, taken along as a file. */

import { call, say } from "./common.js";
import { _ } from "./texts.js";

const byId = (id) => document.getElementById(id);
const { url, login } = byId("log").dataset;
let text = "";

async function read() {
  byId("log-refresh").disabled = true;
  byId("log-status").textContent = _("Reading…");
  try {
    const { lines, whole } = await call(`${url}?lines=${byId("log-lines").value}`);
    show(lines, whole);
    say(byId("log-error"), "");
  } catch (error) {
    if (error.code === "no-server-log") empty(_("Your server is not running"), _("Start it to see what it writes. Of a server that did not start, the page of the start shows the last lines."));
    else say(byId("log-error"), error.message);
    byId("log-status").textContent = "";
  }
  byId("log-refresh").disabled = false;
}

function show(lines, whole) {
  text = lines.join("\n");
  const area = byId("log-text");
  if (!lines.length) {
    empty(_("Nothing yet"), _("Your server has not written anything so far."));
  } else {
    byId("log-empty").hidden = true;
    area.textContent = text;
    area.hidden = false;
    area.scrollTop = area.scrollHeight;
  }
  byId("log-download").disabled = !lines.length;
  const time = new Date().toLocaleTimeString(document.documentElement.lang);
  const values = { number: lines.length, time };
  byId("log-status").textContent = whole
    ? _("All %(number)s lines, read at %(time)s.", values)
    : _("The last %(number)s lines, read at %(time)s.", values);
}

function empty(title, about) {
  text = "";
  byId("log-text").hidden = true;
  byId("log-download").disabled = true;
  byId("log-empty").hidden = false;
  byId("log-empty-title").textContent = title;
  byId("log-empty-about").textContent = about;
}

byId("log-download").addEventListener("click", () => {
  const link = document.createElement("a");
  link.href = URL.createObjectURL(new Blob([`${text}\n`], { type: "text/plain" }));
  const day = new Date().toISOString().slice(0, 16).replace(/[T:]/g, "-");
  link.download = `server-${login.replace(/[^\w.-]/g, "_")}-${day}.log`;
  link.click();
  URL.revokeObjectURL(link.href);
});
byId("log-refresh").addEventListener("click", read);
byId("log-lines").addEventListener("change", read);
read();
