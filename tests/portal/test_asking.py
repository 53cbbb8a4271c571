"""What somebody sends who is not let in: lines that a team file takes, a mail that holds them."""

from urllib.parse import parse_qs, urlsplit

import pytest
import yaml

from fairihub_portal.asking import mail_address, mail_link, member_lines


@pytest.mark.parametrize(
    ("login", "number", "provider", "lines"),
    [
        ("ada", None, "links", "- userName: ada\n  role: user\n"),
        ("ada", "7", "github", "- userName: ada\n  githubId: 7\n  role: user\n"),
        ("ada", None, "github", "- userName: ada\n  role: user\n"),
        ("ada", "7", "oidc", "- userName: ada\n  role: user\n"),
        ("ada", "f3b1", "github", "- userName: ada\n  role: user\n"),
    ],
)
def test_the_lines_name_the_number_where_a_team_file_has_a_key_for_it(
    login, number, provider, lines
):
    assert member_lines(login, number, provider) == lines


@pytest.mark.parametrize(
    "login",
    ["0123", "on", "null", "1e5", "- x", "a: b", "#a", "a\nrole: admin", "x" * 300, "ö", "'\"", ""],
)
def test_whatever_the_login_is_it_stays_one_text(login):
    (entry,) = yaml.safe_load(member_lines(login, "7", "github"))
    assert entry == {"userName": login, "githubId": 7, "role": "user"}


@pytest.mark.parametrize(
    ("contact", "address"),
    [
        ("help@example.org", "help@example.org"),
        ("https://example.org/@help", None),
        ("Ada, room 3", None),
        ("ada at@ home", None),
        ("help@example.org?bcc=all@example.org", None),
        ("", None),
        ("@", None),
    ],
)
def test_only_a_whole_address_is_written_to(contact, address):
    assert mail_address(contact) == address


def test_a_mail_holds_any_text():
    link = urlsplit(mail_link("help@example.org", "a & b?", "lines:\n\n- x: 'ö'\n&bcc=x"))
    fields = parse_qs(link.query, strict_parsing=True)
    assert (link.scheme, link.path) == ("mailto", "help@example.org")
    assert fields == {"subject": ["a & b?"], "body": ["lines:\r\n\r\n- x: 'ö'\r\n&bcc=x"]}
