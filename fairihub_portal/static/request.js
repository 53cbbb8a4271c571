/** “Request access”: copies the lines, and puts the team's name into the mail once it is given. */

import "./copy.js";
import { _ } from "./texts.js";

const mail = document.getElementById("request-mail");
const field = document.getElementById("request-team-field");

if (mail) {
  const withoutTeam = mail.href;
  const team = document.getElementById("request-team");
  field.hidden = false;
  team.addEventListener("input", () => {
    const name = team.value.trim();
    mail.href = name ? linkFor(name) : withoutTeam;
  });
}

function linkFor(team) {
  const { address, hub, login } = mail.dataset;
  const lines = document.getElementById("request-lines").textContent;
  const subject = _("Access to %(hub)s for %(login)s, team %(team)s", { hub, login, team });
  const body = _(
    "Please add me to team %(team)s of %(hub)s. These lines go below allowedLogins in the team file:\n\n%(lines)s",
    { hub, team, lines },
  );
  const text = encodeURIComponent(body.replaceAll("\n", "\r\n"));
  return `mailto:${address}?subject=${encodeURIComponent(subject)}&body=${text}`;
}
