/** The token page: asks for a token, shows it once, revokes. */

import { call, localTimes, say, userApi } from "./common.js";

const byId = (id) => document.getElementById(id);

localTimes();

byId("request-token-form").addEventListener("submit", async (event) => {
  event.preventDefault();
  say(byId("token-error"), "");
  try {
    const { token } = await call(userApi("/tokens"), "POST", wanted());
    byId("token-result").textContent = token;
    byId("copy-status").textContent = "";
    byId("token-area").hidden = false;
    byId("token-area").focus();
  } catch (error) {
    say(byId("token-error"), error.message);
  }
});

function wanted() {
  const scopes = byId("token-scopes").value.split(/[\s,]+/).filter(Boolean);
  return {
    note: byId("token-note").value || "Made on the token page",
    expires_in: Number(byId("token-expiration-seconds").value) || null,
    ...(scopes.length ? { scopes } : {}),
  };
}

byId("copy-token").addEventListener("click", async () => {
  try {
    await navigator.clipboard.writeText(byId("token-result").textContent);
    byId("copy-status").textContent = "Copied.";
  } catch {
    getSelection().selectAllChildren(byId("token-result"));
    byId("copy-status").textContent = "Selected: copy it with your keyboard.";
  }
});

for (const button of document.querySelectorAll(".revoke-token-btn")) {
  button.addEventListener("click", async () => {
    const row = button.closest(".token-row");
    button.disabled = true;
    try {
      await call(userApi(`/tokens/${encodeURIComponent(row.dataset.tokenId)}`), "DELETE");
      row.remove();
    } catch (error) {
      button.disabled = false;
      say(byId("token-error"), error.message);
    }
  });
}
