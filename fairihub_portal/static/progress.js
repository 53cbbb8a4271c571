/** Follows the start of a server: the hub's events as a bar, a line and a list. */

import { say, stopServer } from "./common.js";
import { _ } from "./texts.js";

const byId = (id) => document.getElementById(id);
const events = new EventSource(byId("progress").dataset.progressUrl);

events.onmessage = ({ data }) => {
  const event = JSON.parse(data);
  if (event.progress !== undefined) byId("progress-bar").value = event.progress;
  if (event.message) tell(event.message);
  if (event.ready) {
    events.close();
    location.reload(); // the hub leads on to the server, or to where the reader wanted to go
  }
  if (event.failed) fail(event.message);
};

function tell(message) {
  byId("progress-message").textContent = message;
  const line = document.createElement("li");
  line.textContent = message;
  byId("progress-log").append(line);
}

function fail(message) {
  events.close();
  byId("progress-title").textContent = _("Your server did not start");
  byId("progress-about").hidden = true;
  byId("progress-bar").hidden = true;
  byId("progress-message").hidden = true;
  byId("progress-details").open = true;
  byId("stop-server-btn").hidden = true;
  byId("retry").hidden = false;
  say(byId("failure"), message?.replace(/^Spawn failed: /, "") || _("The hub’s log says more."));
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
    say(byId("failure"), error.message);
  }
});
