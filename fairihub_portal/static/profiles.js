/** The profile page: says which profile the button will start, and keeps it from being sent twice. */

import { _ } from "./texts.js";

const form = document.getElementById("spawn_form");
const button = document.getElementById("start-server");
const choice = document.getElementById("start-choice");

function sayChoice() {
  const chosen = form.querySelector("input[name=profile]:checked");
  choice.textContent = chosen ? `${chosen.dataset.title} · ${chosen.value.split(".")[0]}` : "";
}

if (button) {
  sayChoice();
  form.addEventListener("change", sayChoice);
  form.addEventListener("submit", () => {
    button.disabled = true;
    button.textContent = _("Starting…");
  });
  addEventListener("pageshow", (event) => {
    if (event.persisted) location.reload();
  });
}
