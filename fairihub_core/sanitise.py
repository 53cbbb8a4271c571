"""What of a rendered notebook may reach a reader: an allow-list, no scripts, no remote loads.

Never the only layer: such pages are also served sandboxed, under a policy without scripts.
"""

from __future__ import annotations

import re

import nh3

_TAG_NAMES = """
    a abbr b blockquote br caption cite code col colgroup dd del details div dl dt em figcaption
    figure h1 h2 h3 h4 h5 h6 hr i img ins kbd li mark ol p pre q s samp small span strong sub
    summary sup table tbody td tfoot th thead tr tt u ul var
"""
_TAGS = set(_TAG_NAMES.split())
_DROPPED_WHOLE = {
    *("script", "style", "iframe", "object", "embed", "template", "noscript", "math", "svg"),
}
_ATTRIBUTES: dict[str, set[str]] = {
    "*": {"class", "title", "align", "dir", "lang", "style"},
    "a": {"href"},
    "img": {"src", "alt", "width", "height"},
    "ol": {"start", "type"},
    "td": {"colspan", "rowspan"},
    "th": {"colspan", "rowspan", "scope"},
    "col": {"span"},
    "colgroup": {"span"},
    "details": {"open"},
}
_STYLES = {
    *("color", "background-color", "font-weight", "font-style", "text-align", "text-decoration"),
    *("vertical-align", "width", "max-width"),
}
_IMAGE = re.compile(r"data:image/(?:png|jpeg|gif|webp|svg\+xml);base64,[A-Za-z0-9+/=\s]*")
_LINK = re.compile(r"(?:https?|mailto):[^\s]*", re.IGNORECASE)


def sanitised(html: str) -> str:
    """`html` with nothing left but text, tables, pictures in the page itself and plain links."""
    return nh3.clean(
        html,
        tags=_TAGS,
        clean_content_tags=_DROPPED_WHOLE,
        attributes=_ATTRIBUTES,
        attribute_filter=_kept,
        url_schemes={"http", "https", "mailto", "data"},
        filter_style_properties=_STYLES,
        link_rel="noopener noreferrer nofollow",
        # A click inside the frame must not load another site into it.
        set_tag_attribute_values={"a": {"target": "_blank"}},
    )


def _kept(tag: str, attribute: str, value: str) -> str | None:
    if attribute == "src":
        return value if _IMAGE.fullmatch(value) else None
    if attribute == "href":
        return value if _LINK.fullmatch(value) else None
    return value
