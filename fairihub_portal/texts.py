"""The words of the pages in the reader's language: gettext for Jinja, read from `.po` files.

Templates say `{% trans %}…{% endtrans %}` or `_("…")` for words with marks in them, and
`plain("…")` for text alone; scripts get theirs with the page. The English words are the keys.
"""

from __future__ import annotations

import json
from functools import cache, lru_cache
from gettext import GNUTranslations, NullTranslations
from io import BytesIO
from pathlib import Path
from typing import Any

from babel.messages.catalog import Catalog
from babel.messages.mofile import write_mo
from babel.messages.pofile import read_po
from jinja2 import Environment, pass_context
from jinja2.ext import InternationalizationExtension
from jinja2.runtime import Context

from fairihub_core.start_causes import CAUSES, NOTES, STATES, WHO

TRANSLATIONS = Path(__file__).parent / "translations"
SOURCE = "en"
"""The language of the words in the templates."""
_LONGEST_HEADER = 200


def N_(text: str) -> str:
    """Marks a text of Python for translation, which happens where a template shows it."""
    return text


@cache
def languages() -> tuple[str, ...]:
    """The languages that there are pages in."""
    return (SOURCE, *sorted(file.parts[-3] for file in TRANSLATIONS.glob("*/LC_MESSAGES/*.po")))


def preferred(accepted: str, default: str) -> str:
    """The language for a browser that sends `accepted` as Accept-Language.

    `default` is for those that ask for none of ours. A region is left out: `de-AT` reads `de`.
    """
    return _preferred(accepted[:_LONGEST_HEADER], default)


@lru_cache(maxsize=256)
def _preferred(accepted: str, default: str) -> str:
    wanted = sorted(map(_weighed, accepted.split(",")), key=lambda asked: -asked[1])
    ours = (name for name, weight in wanted if name in languages() and weight > 0)
    return next(ours, default)


def _weighed(asked: str) -> tuple[str, float]:
    tag, _, weight = asked.partition(";q=")
    try:
        return tag.strip().lower().split("-")[0], float(weight or 1)
    except ValueError:
        return "", 0


@cache
def _read(language: str) -> Catalog:
    with (TRANSLATIONS / language / "LC_MESSAGES" / "fairihub.po").open("rb") as file:
        return read_po(file, locale=language)


@cache
def words(language: str) -> NullTranslations:
    """The translations into `language`; none for the language of the templates."""
    if language == SOURCE or language not in languages():
        return NullTranslations()
    compiled = BytesIO()
    write_mo(compiled, _read(language))
    compiled.seek(0)
    return GNUTranslations(compiled)


@cache
def script_words(language: str) -> str:
    """What the scripts say, as JSON from the English words to those of `language`."""
    if language == SOURCE or language not in languages():
        return ""
    said = {
        message.id: message.string
        for message in _read(language)
        if message.id and any(str(place).endswith(".js") for place, _ in message.locations)
    }
    return json.dumps(said, ensure_ascii=False)


@cache
def start_words(language: str) -> str:
    """What the scripts say of starts, as JSON: by code, by state of a step, by who can mend it.

    What a start says in English it says itself, in full; in other languages its codes are told.
    """
    catalog = words(language)
    said = catalog.gettext
    told: dict[str, object] = {
        "who": {who: said(text) for who, text in WHO.items()},
        "states": {state: said(text) for state, text in STATES.items()},
    }
    if language != SOURCE:
        told["causes"] = {c: said(cause.message) for c, cause in CAUSES.items() if cause.message}
        told["remedies"] = {code: said(cause.remedy) for code, cause in CAUSES.items()}
        told["lost"] = {c: [*map(said, cause.lost)] for c, cause in CAUSES.items() if cause.lost}
        told["queue"] = [
            catalog.ngettext(
                "%(num)s other server waits, too.", "%(num)s other servers wait, too.", number
            )
            for number in (1, 2)
        ]
        told["notes"] = {name: said(note) for name, note in NOTES.items()}
    return json.dumps(told, ensure_ascii=False)


def load() -> None:
    """Reads all translations, so that no request waits for it."""
    for language in languages():
        words(language)
        script_words(language)
        start_words(language)


class Words(InternationalizationExtension):
    """For `c.JupyterHub.jinja_environment_options`: each page in the language of its reader."""

    def __init__(self, environment: Environment) -> None:
        super().__init__(environment)
        environment.policies["ext.i18n.trimmed"] = True
        self._install_callables(_gettext, _ngettext, newstyle=True)  # type: ignore[arg-type]
        environment.globals.update(
            plain=_plain, lang=_lang, script_words=_script_words, start_words=_start_words
        )


@pass_context
def _lang(context: Context) -> str:
    """The language of the page at hand.

    JupyterHub hands no request to its templates; the one trace of it is the handler whose
    method `static_url` is. A fragment that is rendered on its own is told its `language`.
    """
    told = context.get("language")
    if isinstance(told, str):
        return told
    portal = context.get("portal")
    default = getattr(portal, "language", SOURCE)
    handler = getattr(context.get("static_url"), "__self__", None)
    request = getattr(handler, "request", None)
    return preferred(request.headers.get("Accept-Language", ""), default) if request else default


@pass_context
def _gettext(context: Context, text: str) -> str:
    return words(_lang(context)).gettext(text)


@pass_context
def _ngettext(context: Context, one: str, several: str, number: int) -> str:
    return words(_lang(context)).ngettext(one, several, number)


@pass_context
def _plain(context: Context, text: Any, **values: Any) -> str:
    """Text without marks: whatever it says is escaped where it is shown, so it may be a stranger's.

    A text that is not ours (a team's description, a message of JupyterHub) stays as it is.
    """
    said = words(_lang(context)).gettext(str(text)) if text else ""
    return said % values if values else said


@pass_context
def _script_words(context: Context) -> str:
    return script_words(_lang(context))


@pass_context
def _start_words(context: Context) -> str:
    return start_words(_lang(context))
