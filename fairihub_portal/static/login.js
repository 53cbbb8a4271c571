/**
 * Signs in with the token in the fragment, which never reaches a server's log or the history.
 * A link wins over whoever is signed in already; without one they go on to where they wanted.
 */

const token = /^#link=([\w.~-]+)$/.exec(location.hash)?.[1];

if (location.hash) {
  history.replaceState(null, "", location.pathname + location.search);
}
if (token) {
  document.getElementById("without-link").hidden = true;
  document.getElementById("with-link").hidden = false;
  document.getElementById("link").value = token;
  document.getElementById("link-form").submit();
} else {
  const { continueUrl } = document.querySelector("#content > .fh-panel").dataset;
  if (continueUrl) location.replace(continueUrl);
}
// Coming back with the browser's button must not show an attempt that is long over.
addEventListener("pageshow", (event) => event.persisted && location.reload());
// A link pasted over this page changes only the fragment, which loads nothing by itself.
addEventListener("hashchange", () => location.reload());
