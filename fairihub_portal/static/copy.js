/** The buttons that copy a text of the page; where the browser refuses, the text is selected. */

import { _ } from "./texts.js";

for (const button of document.querySelectorAll("[data-copies]")) {
  const source = document.getElementById(button.dataset.copies);
  const status = document.getElementById(`${source.id}-status`);
  button.hidden = false;
  button.addEventListener("click", async () => {
    try {
      await navigator.clipboard.writeText(source.textContent);
      status.textContent = _("Copied.");
    } catch {
      getSelection().selectAllChildren(source);
      status.textContent = _("Selected: copy it with your keyboard.");
    }
  });
}
