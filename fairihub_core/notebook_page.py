"""The page around a rendered notebook: one document without scripts, readable light and dark."""

from __future__ import annotations

import functools
import html

POLICY = (
    "default-src 'none'; img-src data:; style-src 'unsafe-inline'; form-action 'none'; "
    "base-uri 'none'"
)
"""What such a page may load: nothing. Also in the page itself, for a frame made by `srcdoc`."""
HEADERS = {
    "Content-Type": "text/html; charset=utf-8",
    # `sandbox` without any allowance: to the browser the page is of no origin, without scripts.
    "Content-Security-Policy": f"sandbox; {POLICY}; frame-ancestors 'self'",
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Resource-Policy": "same-origin",
}
"""With what such a page is served."""

_STYLE = """
:root { color-scheme: light dark; --fg: #1c2024; --bg: #fff; --soft: #f4f5f6; --line: #d6d9dc;
  --dim: #5c656d; --link: #0b57a4; }
@media (prefers-color-scheme: dark) { :root { --fg: #e4e7ea; --bg: #14171a; --soft: #1f2429;
  --line: #3a424a; --dim: #a3adb6; --link: #7db8f5; } }
* { box-sizing: border-box; }
body { margin: 0 auto; padding: 1rem 1.25rem 3rem; max-width: 60rem; color: var(--fg);
  background: var(--bg); font: 15px/1.55 system-ui, sans-serif; overflow-wrap: anywhere; }
a { color: var(--link); }
img { max-width: 100%; height: auto; background: #fff; }
pre, code, samp, kbd { font-family: ui-monospace, Menlo, Consolas, monospace; font-size: 13px; }
pre { margin: 0; white-space: pre-wrap; line-height: 1.45; }
.jp-InputArea, .input_area, div.highlight { background: var(--soft); border-radius: 4px; }
div.highlight { padding: .5rem .75rem; overflow-x: auto; }
.cell { margin: 0 0 1rem; }
.prompt, .anchor-link { display: none; }
.output_wrapper, .output { margin-top: .35rem; max-width: 100%; overflow-x: auto; }
.output_stderr pre { border-left: 3px solid #c9820a; padding-left: .6rem; }
.output_error pre { border-left: 3px solid #d03b3b; padding-left: .6rem; }
table { border-collapse: collapse; font-size: 13px; }
th, td { border: 1px solid var(--line); padding: .25rem .5rem; text-align: right; }
thead th { background: var(--soft); }
blockquote { margin: 0; padding-left: 1rem; border-left: 3px solid var(--line); color: var(--dim); }
.note { color: var(--dim); }
.ansi-bold { font-weight: bold; } .ansi-underline { text-decoration: underline; }
"""

# Colours with enough contrast on both grounds: name of the token, light, dark.
_CODE_COLOURS = (
    (".c, .c1, .cm, .cs, .ch, .cp", "#5f6b76", "#9aa7b3"),
    (".k, .kn, .kd, .kc, .kr, .kt, .ow", "#8a2d9e", "#d79be6"),
    (".s, .s1, .s2, .sa, .sd, .sb, .se, .si, .sr", "#9c3a12", "#f0a27e"),
    (".m, .mi, .mf, .mh, .il", "#0c6b3d", "#7fd6a6"),
    (".nf, .nc, .nb, .bp, .fm", "#0b57a4", "#8cc1f7"),
    (".o, .p", "#3c444b", "#c4ccd3"),
    (".err, .ansi-red-fg, .ansi-red-intense-fg", "#b42323", "#ff9a94"),
    (".ansi-green-fg, .ansi-green-intense-fg", "#0c6b3d", "#7fd6a6"),
    (".ansi-yellow-fg, .ansi-yellow-intense-fg", "#7a5600", "#e8c268"),
    (".ansi-blue-fg, .ansi-blue-intense-fg", "#0b57a4", "#8cc1f7"),
    (".ansi-magenta-fg, .ansi-magenta-intense-fg", "#8a2d9e", "#d79be6"),
    (".ansi-cyan-fg, .ansi-cyan-intense-fg", "#086a73", "#7fd3dc"),
)


def document(title: str, body: str) -> str:
    """A whole page of sanitised `body`."""
    return (
        '<!DOCTYPE html>\n<html lang="en"><head><meta charset="utf-8">'
        f'<meta http-equiv="Content-Security-Policy" content="{POLICY}">'
        '<meta name="referrer" content="no-referrer">'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        f"<title>{html.escape(title)}</title><style>{_style()}</style></head>"
        f"<body>{body}</body></html>\n"
    )


def failure(message: str, title: str = "No preview") -> str:
    """The page in place of one that cannot be made."""
    told = html.escape(title)
    return document(title, f'<h1>{told}</h1><p class="note">{html.escape(message)}</p>')


@functools.cache
def _style() -> str:
    light = " ".join(f"{names} {{ color: {colour}; }}" for names, colour, _ in _CODE_COLOURS)
    dark = " ".join(f"{names} {{ color: {colour}; }}" for names, _, colour in _CODE_COLOURS)
    return f"{_STYLE}\n{light}\n@media (prefers-color-scheme: dark) {{ {dark} }}"
