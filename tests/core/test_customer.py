"""What a team file comes to, and what is said about it."""

from __future__ import annotations

from datetime import date

import pytest

from fairihub_core.customer import read_customer, read_customers

TODAY = date(2026, 6, 1)


def codes(reading):
    return [(f.severity, f.code) for f in reading.findings]


def test_a_clean_file_has_no_findings(read):
    reading = read()
    assert reading.findings == ()
    assert [m.login for m in reading.team.members] == ["ada", "grace"]
    assert reading.team.admins == ("ada",)
    assert reading.team.expires == date(2030, 12, 31)
    assert reading.team.profiles[0].mem_limit == 2 * 2**30


class TestThePublishedFile:
    def test_is_read_but_for_its_past_expiry(self, published):
        reading = read_customer((published / "customer.yaml").read_text(), "c.yaml", TODAY)
        assert codes(reading) == [("warning", "expired")]
        profile = reading.team.profiles[0]
        assert (profile.slug, profile.display_name) == ("fairicubeuc4", "FAIRiCUBE-UC4")
        assert (profile.mem_guarantee, profile.mem_limit) == (30064771072, 32212254720)
        assert (profile.cpu_guarantee, profile.cpu_limit) == (7.0, 7.5)
        assert (profile.s3_bucket_name, profile.secret_names) == (
            "hub-fairicubeuc4",
            ("hub-fairicubeuc4",),
        )
        assert dict(reading.team.seconds) == {"user": 2592000, "useruc4": 259200}

    def test_wrapped_by_printing_it_means_the_same(self, published):
        whole = read_customer((published / "customer.yaml").read_text(), "c.yaml", TODAY)
        wrapped = read_customer((published / "customer-wrapped.yaml").read_text(), "c.yaml", TODAY)
        assert wrapped.team == whole.team
        assert {(f.line, f.understood) for f in wrapped.findings} == {
            (13, None),
            (19, "display_name=FAIRiCUBE-UC4"),
            (20, "mem_limit=32212254720"),
        }

    def test_as_printed_it_is_refused_with_the_place_and_what_to_do(self, published):
        reading = read_customer((published / "customer-as-printed.txt").read_text(), "c", TODAY)
        (finding,) = reading.findings
        assert reading.team is None
        assert (finding.severity, finding.code, finding.line) == ("error", "invalid-yaml", 43)
        assert "approvalTimestamp" in finding.message
        assert "same column" in finding.message


@pytest.mark.parametrize(
    ("profile", "expected"),
    [
        ("mem_limit=28Gi", {"mem_limit": 28 * 2**30}),
        ("mem_limit=30G", {"mem_limit": 30 * 10**9}),
        ("mem_limit=1.5Gi", {"mem_limit": 3 * 2**29}),
        ("cpu_limit=500m,cpu_guarantee=0.25", {"cpu_limit": 0.5, "cpu_guarantee": 0.25}),
        ("secret_names=one;two+three", {"secret_names": ("one", "two", "three")}),
        ("display_name=Large, with a GPU,gpu=2", {"display_name": "Large, with a GPU", "gpu": 2}),
        ("display_name=a=b,default=true", {"display_name": "a=b", "default": True}),
        ("description=1 2 3", {"description": "1 2 3"}),
        ("image=registry.example/lab:2026", {"image": "registry.example/lab:2026"}),
    ],
)
def test_values_of_a_profile(read, profile, expected):
    reading = read(data=f'profile_p: "{profile}"')
    assert reading.findings == ()
    found = reading.team.profiles[0].model_dump(include=set(expected))
    assert found == expected


def test_string_and_mapping_give_the_same_profile(read):
    as_text = read(
        data='profile_p: "display_name=P,mem_guarantee=1Gi,mem_limit=2Gi,secret_names=a;b"'
    )
    as_keys = read(
        data="profile_p:\n  display_name: P\n  mem_guarantee: 1Gi\n  mem_limit: 2Gi\n"
        "  secret_names: [a, b]"
    )
    assert as_text.team.profiles == as_keys.team.profiles


@pytest.mark.parametrize(
    ("profile", "code", "words"),
    [
        (
            "mem_limit=1Gi,mem_guarantee=2Gi",
            "limit-below-guarantee",
            "mem_limit (1 GiB) is below mem_guarantee (2 GiB).",
        ),
        ("cpu_limit=1,cpu_guarantee=2", "limit-below-guarantee", "is below cpu_guarantee"),
        (
            "mem_limit=167110574,mem_guarantee=167110575",
            "limit-below-guarantee",
            "mem_limit (167,110,574 bytes) is below mem_guarantee (167,110,575 bytes).",
        ),
        ("mem_limit=lots", "bad-size", "mem_limit cannot be “lots”"),
        ("mem_limit=-1", "bad-size", "cannot be “-1”"),
        ("mem_limit=0", "bad-size", "nothing could run"),
        ("gpu=1.5", "bad-size", "gpu cannot be “1.5”"),
        ("mem_limit=1Gi,mem_limit=2Gi", "duplicate-key", "“mem_limit” stands twice"),
        ("mem_limit=322122547 20", "broken-number", "Is it 32212254720?"),
        ("mem_guarantee=50G,mem_limit=322122547 20", "broken-number", "Write it without a break"),
        ("s3_bucket_name=../other", "bad-value", "s3_bucket_name cannot be"),
        ("secret_names=a;../b", "bad-value", "secret_names cannot hold"),
        ("default=maybe", "bad-value", "true or false"),
    ],
)
def test_what_is_ambiguous_about_size_refuses_the_file(read, profile, code, words):
    reading = read(data=f'profile_p: "{profile}"')
    assert reading.team is None
    errors = [f for f in reading.findings if f.severity == "error"]
    assert code in [f.code for f in errors]
    assert any(words in f.message and f.line == 11 for f in errors), errors


@pytest.mark.parametrize(
    ("profile", "code", "words"),
    [
        ("image=LOCALHOST//bad image:1", "bad-image-name", "“LOCALHOST//bad image:1” is no name"),
        ("image=Base:1", "bad-image-name", "“Base:1”"),
        ("secret_names=ok+fairihub-server-x", "bad-secret-name", "begins with “fairihub-”"),
        ("secret_names=Archive_Token", "bad-secret-name", "has characters that"),
    ],
)
def test_names_that_no_cluster_takes_are_said_and_the_team_stays(read, profile, code, words):
    reading = read(data=f'profile_p: "{profile}"')
    assert reading.team is not None
    (finding,) = (f for f in reading.findings if f.code == code)
    assert (finding.severity, finding.line) == ("warning", 11)
    assert words in finding.message
    assert "on Kubernetes this profile never starts" in finding.message


def test_a_broken_number_is_joined_when_the_other_bears_it_out(read):
    reading = read(data='profile_p: "mem_guarantee=30064771072,mem_limit=322122547 20"')
    assert codes(reading) == [("warning", "broken-number")]
    assert reading.team.profiles[0].mem_limit == 32212254720


@pytest.mark.parametrize(
    ("written", "login"),
    [("0123", "0123"), ("on", "on"), ("1e5", "1e5"), ("'0123'", "0123"), ("Ada", "ada")],
)
def test_a_login_is_the_text_that_was_written(read, written, login):
    reading = read(logins=f"- userName: {written}")
    assert [m.login for m in reading.team.members] == [login]


@pytest.mark.parametrize(
    "logins",
    [
        "- userName: null",
        "- userName:",
        "- email: ada@example.org",
        "- userName: 'ada lovelace'",
        "- userName: ａｄａ",
        '- userName: "ada\\nlinus"',
        "- userNames: ada",
    ],
)
def test_who_is_not_surely_named_does_not_get_in(read, logins):
    reading = read(logins=logins)
    assert reading.team.members == ()
    assert ("warning", "no-logins") in codes(reading)


@pytest.mark.parametrize(
    ("logins", "code"),
    [
        ("- userName: ada\n  role: admin\n- userName: Ada", "duplicate-login"),
        ("- userName: ada\n  userName: linus", "duplicate-key"),
        ("- userName: ada\n  expirationDate: soon", "bad-date"),
        ("- userName: ada\n  githubId: me", "bad-github-id"),
        ("- ada", "bad-login"),
    ],
)
def test_what_is_ambiguous_about_access_refuses_the_file(read, logins, code):
    reading = read(logins=logins)
    assert reading.team is None
    assert ("error", code) in codes(reading)


def test_roles_and_rights(read):
    reading = read(
        logins="- userName: ada\n  role: admin\n- userName: grace\n  rights: [notebooks]\n"
        "- userName: linus\n  role: root\n  rights: everything"
    )
    ada, grace, linus = reading.team.members
    assert (ada.holds("notebooks"), ada.holds("environments")) == (True, True)
    assert (grace.holds("notebooks"), grace.holds("environments")) == (True, False)
    assert (linus.role, linus.rights) == ("user", frozenset())
    assert codes(reading) == [("warning", "bad-role"), ("warning", "bad-right")]


UNINDENTED = """\
apiVersion: hub.eox.at/v1alpha1
kind: Customer
metadata:
  name: uc4
spec:
  k8s-namespace: uc4
  inventory: [{expirationDate: 2030-12-31}]
  activations:
  - activationDate: "2023-06-07"
data:
  profile_small: "mem_limit=1Gi"
allowedLogins:
userName: ada
role: admin
"""


def test_keys_that_lost_their_indentation_are_understood_and_reported(read):
    reading = read(UNINDENTED)
    assert [(m.login, m.role) for m in reading.team.members] == [("ada", "admin")]
    assert [p.slug for p in reading.team.profiles] == ["small"]
    assert [(f.line, f.code) for f in reading.findings] == [(10, "unindented"), (13, "unindented")]


@pytest.mark.parametrize("place", ["activations", "spec", "top"])
def test_allowed_logins_may_stand_at_three_places(read, place, team_file):
    base, logins = team_file(logins="").replace("    allowedLogins:\n\n", ""), "allowedLogins:\n"
    text = {
        "activations": team_file(logins="- userName: ada"),
        "spec": f"{base}  {logins}  - userName: ada\n",
        "top": f"{base}{logins}- userName: ada\n",
    }[place]
    reading = read(text)
    assert [m.login for m in reading.team.members] == ["ada"]
    assert reading.ok


def test_logins_at_two_places_are_ambiguous(read, team_file):
    reading = read(team_file() + "allowedLogins:\n- userName: eve\n")
    assert reading.team is None
    assert ("error", "ambiguous") in codes(reading)


@pytest.mark.parametrize(
    ("change", "code"),
    [
        (("name: uc4", "name: public"), "bad-team-name"),
        (("name: uc4", "name: UC_4"), "bad-team-name"),
        (("k8s-namespace: uc4", "k8s-namespace: kube-system"), "bad-namespace"),
        (("2030-12-31", "2030-13-31"), "bad-date"),
        (("2030-12-31", "next year"), "bad-date"),
        (("kind: Customer", "kind: Customer\nspec: {}"), "duplicate-key"),
        (("kind: Customer", "kind: Secret\ndata: {key: cGFzc2Vk}"), "plain-secret"),
        (("kind: Customer", "\tkind: Customer"), "invalid-yaml"),
        (("kind: Customer", "kind: *Customer"), "invalid-yaml"),
    ],
)
def test_files_that_are_refused(read, change, code, team_file):
    reading = read(team_file().replace(*change))
    assert reading.team is None
    assert ("error", code) in codes(reading)


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("", "no-team"),
        ("- a\n- b\n", "no-team"),
        ("just words", "no-team"),
        ("[" * 100_000, "too-large"),
        ("a: " + "[" * 30 + "]" * 30 + "\n" + "x: y\n" * 60_000, "too-large"),
        ("a" * 2_000_000, "too-large"),
        ("a: \x01", "invalid-yaml"),
    ],
)
def test_files_that_are_none(read, text, code):
    reading = read(text)
    assert reading.team is None
    assert ("error", code) in codes(reading)


def test_anchors_that_explode_are_refused_quickly(read):
    rows = ["a: &a [x,x,x,x,x,x,x,x,x,x]"]
    rows += [f"{c}: &{c} [{','.join([f'*{chr(ord(c) - 1)}'] * 10)}]" for c in "bcdefghi"]
    reading = read("\n".join(rows))
    assert ("error", "too-large") in codes(reading)


@pytest.mark.parametrize("slip", ["allowedLogin", "allowedlogins", "AllowedLogins", "alowedLogins"])
def test_misspelt_logins_refuse_the_file_rather_than_empty_the_team(read, team_file, slip):
    reading = read(team_file().replace("allowedLogins", slip))
    assert reading.team is None
    assert ("error", "unknown-key") in codes(reading)


def test_the_line_that_allows_claims_is_known(read, team_file):
    text = team_file().replace("spec:\n", "spec:\n  allowClaims: true\n")
    reading = read(text)
    assert reading.team.allow_claims
    assert reading.lines["allowClaims"] == text.splitlines().index("  allowClaims: true") + 1


def test_a_team_without_logins_lets_nobody_in(read, team_file):
    start = team_file().index("  allowedLogins")
    reading = read(team_file()[:start])
    assert reading.team.members == ()
    assert ("warning", "no-logins") in codes(reading)


def test_the_first_to_name_a_team_namespace_or_bucket_keeps_it(team_file):
    first = team_file(data='profile_p: "s3_bucket_name=shared"')
    other = first.replace("name: uc4", "name: other").replace("namespace: uc4", "namespace: other")
    one, same, bucket = read_customers({"a.yaml": first, "b.yaml": first, "c.yaml": other}, TODAY)
    assert one.team is not None
    assert [f.code for f in same.findings] == ["team-taken", "namespace-taken", "bucket-taken"]
    assert [(f.code, f.message) for f in bucket.findings] == [
        ("bucket-taken", "The bucket “shared” belongs to a.yaml already.")
    ]
    assert same.team is None
    assert bucket.team is None


@pytest.mark.parametrize(
    ("change", "code"),
    [
        (("expirationDate:", "expirationdate:"), "unknown-key"),
        (("expirationDate:", "expirationDat:"), "unknown-key"),
        (("inventory:", "inventry:"), "unknown-key"),
        (('"2030-12-31"', "null"), "bad-date"),
        (("  name: uc4", '  name: uc4\n  expirationDate: "2027-01-01"'), "misplaced-date"),
        (("  - data:", '  - expirationDate: "2027-01-01"\n    data:'), "misplaced-date"),
        (("  inventory:", '  expirationDate: "2027-01-01"\n  inventory:'), "ambiguous"),
    ],
)
def test_an_end_that_was_meant_never_leaves_a_team_open(read, team_file, change, code):
    reading = read(team_file().replace(*change))
    assert reading.team is None
    assert ("error", code) in codes(reading)


def test_a_team_without_an_end_is_said(read, team_file):
    text = team_file().replace('  inventory:\n  - expirationDate: "2030-12-31"\n', "")
    reading = read(text)
    assert codes(reading) == [("warning", "no-expiry")]
    assert reading.team.expires is None


@pytest.mark.parametrize("value", ["[mallory]", "{a: b}"])
def test_a_login_that_is_no_word_is_refused(read, value):
    text = UNINDENTED.replace("userName: ada", f"userName: {value}")
    reading = read(text)
    assert reading.team is None
    assert ("error", "ambiguous") in codes(reading)


@pytest.mark.parametrize("login", ['"gra\\u212ae"', '"grace\\u00a0"', '"\\uff41da"'])
def test_look_alikes_are_nobody(read, login):
    reading = read(logins=f"- userName: {login}")
    assert reading.team.members == ()
    assert ("warning", "bad-login") in codes(reading)


@pytest.mark.parametrize("size", ["999999999999999999P", "\u0661Gi", "1.5", "1e9"])
def test_sizes_beyond_sense_are_refused(read, size):
    reading = read(data=f'profile_p: "mem_limit={size}"')
    assert reading.team is None
    assert ("error", "bad-size") in codes(reading)


def test_a_defect_of_the_reader_is_a_finding_of_that_file(read, team_file, caplog):
    reading = read(team_file() + "# \ud800")
    assert reading.team is None
    assert ("error", "internal") in codes(reading)
    assert "uc4.yaml" in caplog.text


def test_findings_are_bounded_and_the_error_is_among_them():
    odd = "".join(f"      odd{i}: x\n" for i in range(24_000))
    text = (
        "apiVersion: hub.eox.at/v1alpha1\nkind: Customer\nmetadata: {name: a}\nspec:\n"
        f"  activations:\n  - data:\n{odd}  inventory: [{{expirationDate: never}}]\n"
    )
    reading = read_customer(text, "a.yaml")
    assert len(reading.findings) <= 202
    assert not reading.ok
    assert reading.team is None


@pytest.mark.parametrize("slip", ["  inventry: []\n", "  allowdLogins: []\n"])
def test_behind_a_thousand_slips_none_that_limits_access_is_overlooked(read, team_file, slip):
    odd = "".join(f"  odd{i}: x\n" for i in range(1000))
    assert read(team_file() + odd).team is not None
    assert read(team_file() + odd + slip).team is None
