/**
 * Follows a run on its page: its state, how far it is and the end of its log, until it ends.
 *
 * The page has all words, and is whole without this. Said aloud is only each quarter of the way
 * and the end. Without imports, so that a page can have it inside.
 */

const MOST = 65_536;
const byId = (id) => document.getElementById(id);
const place = byId("follow");

if (place) follow(place.dataset);

function follow({ url, position, cells, said, stopped, ended }) {
  const events = new EventSource(`${url}&last_event_id=${position}`);
  const log = byId("log-text");
  let reports = false;
  let quarter = 0;
  let fresh = "";

  const on = (kind, act) => events.addEventListener(kind, (event) => act(JSON.parse(event.data)));

  on("state", ({ status, message }) => {
    byId("follow-state").textContent = message;
    const badge = document.querySelector("main .fh-badge");
    badge.textContent = place.dataset[status] ?? status;
    badge.className = `fh-badge fh-${status}`;
    if (status === "accepted") reports = false;
  });

  on("cell", (told) => {
    byId("follow-cells").textContent = cells
      .replace("{cell}", told.cell)
      .replace("{cells}", told.cells);
    byId("follow-state").textContent = place.dataset.running;
    if (!reports) advance(told.cell / told.cells);
  });

  on("progress", ({ fraction, message }) => {
    reports = true;
    byId("follow-note").textContent = message;
    advance(fraction);
  });

  on("output", ({ text }) => {
    if (!fresh) requestAnimationFrame(show);
    fresh = (fresh + text).slice(-MOST);
  });

  on("end", () => {
    events.close();
    byId("follow-said").textContent = ended;
    location.reload(); // to what it brought
  });

  on("refused", ({ message }) => {
    events.close();
    say(message);
  });

  events.onerror = () => {
    // A lost connection is tried again by the browser; a refused one is not.
    if (events.readyState === EventSource.CLOSED) say(stopped);
  };

  /** What everybody is to see, and not only to hear. */
  function say(words) {
    byId("follow-said").className = "";
    byId("follow-said").textContent = words;
  }

  function advance(fraction) {
    const bar = byId("follow-bar");
    const percent = Math.floor(100 * fraction);
    bar.value = percent;
    byId("follow-percent").textContent = `${percent} %`;
    bar.hidden = byId("follow-percent").hidden = false;
    if (Math.floor(percent / 25) === quarter) return;
    quarter = Math.floor(percent / 25);
    byId("follow-said").textContent = said.replace("{percent}", percent);
  }

  /** Adds what came since the last picture; who reads further up is left there. */
  function show() {
    const follows = log.scrollTop + log.clientHeight >= log.scrollHeight - 4;
    log.textContent = (log.textContent + fresh).slice(-MOST);
    fresh = "";
    byId("log-none").hidden = true;
    log.hidden = false;
    if (follows) log.scrollTop = log.scrollHeight;
  }
}
