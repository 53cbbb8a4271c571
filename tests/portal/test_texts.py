"""The words of the pages: all gathered, all translated, each page in the language of its reader."""

from __future__ import annotations

import json
import re
from types import SimpleNamespace

import pytest
from babel.messages.pofile import read_po

from fairihub_auth import links
from fairihub_core.scopes import DESCRIPTIONS, MEMBER_SCOPES
from fairihub_portal.foreign import LINKS, SCOPES
from fairihub_portal.forms import profile_form
from fairihub_portal.texts import languages, preferred, script_words, words
from fairihub_portal.views import ProfilePage, limits_sentence
from scripts.translations import TEMPLATE, gathered, missing, written

TRANSLATED = [language for language in languages() if language != "en"]
PARTS = re.compile(r"%\(\w+\)[a-z]|</?\w+>")


def catalogue(language: str):
    with (TEMPLATE.parent / language / "LC_MESSAGES" / "fairihub.po").open("rb") as file:
        return read_po(file, locale=language)


def test_the_file_for_translators_is_up_to_date():
    assert TEMPLATE.read_text() == written(gathered()), "run python -m scripts.translations"


@pytest.mark.parametrize("language", TRANSLATED)
def test_every_text_is_translated_and_there_are_no_others(language):
    translated = catalogue(language)
    assert missing(translated) == []
    assert {m.id for m in translated} == {m.id for m in gathered()}


@pytest.mark.parametrize("language", TRANSLATED)
def test_a_translation_keeps_values_and_marks_and_brings_no_others(language):
    """They are put into pages as they stand: what is in them must be what the templates wrote."""
    for message in catalogue(language):
        if not message.id:
            continue
        ids = [message.id] if isinstance(message.id, str) else message.id
        strings = [message.string] if isinstance(message.string, str) else message.string
        for one, other in zip(ids, strings, strict=True):
            assert sorted(PARTS.findall(other)) == sorted(PARTS.findall(one)), one
            assert not re.search(r'["<>&]', PARTS.sub("", one + other)), one


def test_what_other_rooms_say_on_our_pages_is_known():
    assert set(LINKS) == {links.NO_SUCH_LINK, links.STALE_PAGE, links.TOO_LARGE}
    assert set(SCOPES) == {DESCRIPTIONS[scope] for scope in MEMBER_SCOPES}


@pytest.mark.parametrize(
    ("accepted", "language"),
    [
        ("de", "de"),
        ("de-AT,de;q=0.9,en;q=0.8", "de"),
        ("en-GB,en;q=0.9,de;q=0.8", "en"),
        ("en;q=0.1,de;q=0.9", "de"),
        ("fr,de;q=0.3", "de"),
        ("DE", "de"),
        ("fr", "en"),
        ("", "en"),
        ("*", "en"),
        ("de;q=0", "en"),
        ("de;q=much", "en"),
        ("../../etc;q=1", "en"),
        ("x," * 100_000 + "de", "en"),
    ],
)
def test_a_browser_gets_the_language_it_likes_best_of_ours(accepted, language):
    assert preferred(accepted, "en") == language


def test_the_default_is_for_browsers_that_ask_for_none_of_ours():
    assert preferred("fr", "de") == "de"
    assert preferred("en", "de") == "en"


@pytest.mark.parametrize("language", ["xx", "../de", ""])
def test_a_language_that_we_have_not_is_english(language):
    assert words(language).gettext("Sign in") == "Sign in"
    assert script_words(language) == ""


def test_scripts_get_their_words_and_no_others():
    given = json.loads(script_words("de"))
    assert given["Copied."] == "Kopiert."
    assert "Sign in to %(name)s" not in given


def test_the_form_of_profiles_is_translated_where_it_stands_alone():
    machine = SimpleNamespace(memory="none", cpu="none")
    page = ProfilePage(sections=(), notices=(limits_sentence(machine),))
    assert "Es gibt nichts zu starten" in profile_form(page, language="de")
    assert "There is nothing to start" in profile_form(page)


def test_pages_are_in_the_language_of_the_browser(hub, browser):
    context = browser.new_context(locale="de-AT")
    page = context.new_page()
    page.goto(hub.link("ada"))
    page.wait_for_url("**/hub/home")
    for path, said in {
        "home": ["Ihr Server", "Kein Server läuft", "offen bis 2099-12-31"],
        "spawn": ["Wählen Sie ein Profil", "7–8 Kerne", "keine"],
        "token": ["Token für Skripte", "30 Tage", "Läufe starten"],
        "team/urban-climate": ["Mitglieder", "Umgebungen, Notebooks", "Zeile 31"],
        "nowhere": ["Diese Seite gibt es nicht"],
        "user/ada/lab": ["Ihr Server läuft nicht"],
    }.items():
        page.goto(f"{hub.url}hub/{path}")
        assert page.locator("html").get_attribute("lang") == "de"
        text = page.locator("body").inner_text()
        assert [words for words in said if words not in text] == [], path
    page.goto(f"{hub.url}hub/team/urban-climate")
    page.wait_for_selector("text=Kein Server dieses Teams läuft.")
    page.click("#logout")
    page.wait_for_selector("text=Sie sind abgemeldet")
    context.close()


def test_what_the_sign_in_says_is_translated_too(hub, browser):
    context = browser.new_context(locale="de-DE")
    page = context.new_page()
    page.goto(f"{hub.url}hub/login#link=used-up")
    page.wait_for_selector("#login-error:has-text('Dieser Anmelde-Link gilt nicht')")
    context.close()
