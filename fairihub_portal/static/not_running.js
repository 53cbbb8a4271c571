/** A server that is not there: keeps what follows # in the address, starts by itself where told to. */

const start = document.querySelector("#start, #retry");
start.href += location.hash;

const { seconds } = start.dataset;
if (seconds) {
  setTimeout(() => location.assign(start.href), 1000 * Number(seconds));
}
