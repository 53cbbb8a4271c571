"""How values of parameters are written into a notebook: as values, in each language.

papermill's own translators leave `$` as it is in texts of Julia and PowerShell, where what follows
it is executed.
"""

from __future__ import annotations

import re

from papermill.translators import JuliaTranslator, PowershellTranslator, papermill_translators

_POWERSHELL_QUOTES = re.compile("(['\u2018-\u201b])")


class LiteralJulia(JuliaTranslator):
    """Texts without interpolation."""

    @classmethod
    def translate_escaped_str(cls, str_val: object) -> str:
        return str(super().translate_escaped_str(str_val)).replace("$", "\\$")


class LiteralPowershell(PowershellTranslator):
    """Texts in single quotes, between which nothing else has a meaning."""

    @classmethod
    def translate_escaped_str(cls, str_val: object) -> str:
        doubled = _POWERSHELL_QUOTES.sub(r"\1\1", str(str_val))
        return f"'{doubled}'"


def write_values_as_values() -> None:
    """For every notebook that this process executes."""
    papermill_translators.register("julia", LiteralJulia)
    papermill_translators.register(".net-powershell", LiteralPowershell)
    papermill_translators.register("powershell", LiteralPowershell)
