"""Settings are read with a clear answer to what is wrong with them."""

from __future__ import annotations

import pytest

from fairihub.operator_settings import members_of
from fairihub.settings import Settings, read_settings
from fairihub.team_file_settings import counts_within
from fairihub_core.errors import BadInput
from fairihub_core.teams import Member


@pytest.fixture
def settings_of(tmp_path):
    def write(text):
        (tmp_path / "fairihub.yaml").write_text(text)
        return read_settings(tmp_path / "fairihub.yaml")

    return write


def test_defaults_work(settings_of):
    assert read_settings(None) == Settings()
    assert settings_of("") == Settings()
    assert settings_of("# nothing\n").catalog_name == "Notebook Catalog"


def test_what_is_written_counts(settings_of):
    settings = settings_of("name: Cube Lab\nidle_minutes: 15\n")
    assert (settings.name, settings.idle_minutes) == ("Cube Lab", 15)


def test_an_operator_is_a_login_or_a_login_with_its_number(settings_of):
    settings = settings_of("operators: [ada, {userName: bob, githubId: 22}]\n")
    members = (Member(login="ada"), Member(login="bob", github_id=22))
    assert members_of(settings.operators) == members
    assert Settings.model_validate_json(settings.model_dump_json()) == settings


def test_a_logo_is_found_beside_the_settings(settings_of, tmp_path):
    (tmp_path / "logo.svg").write_text("<svg/>")
    assert settings_of("logo: logo.svg").logo == tmp_path / "logo.svg"
    with pytest.raises(BadInput, match="there is no file"):
        settings_of("logo: other.svg")


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("idle_minute: 5", "“idle_minute” is no setting. Did you mean “idle_minutes”?"),
        ("idle_minutes: 0", "idle_minutes: Input should be greater than or equal to 1"),
        ("idle_minutes: soon", "idle_minutes: Input should be a valid integer"),
        ("colour: red", "colour:"),
        ("- a", "settings are written as `key: value`"),
        ("a: [", "not valid YAML"),
        ("operators: [Ada Lovelace]", "operators.0.userName:"),
        ("operators: [{userName: ada, githubid: 5}]", "Did you mean “githubId”?"),
        ("operators: [{userName: ada, githubId: '5'}]", "operators.0.githubId:"),
        ("operators: [{userName: ada, githubId: true}]", "operators.0.githubId:"),
        ("operators: [{githubId: 5}]", "operators.0.userName: Field required"),
        ("operators: [ada, {userName: ada, githubId: 5}]", "operators: “ada” stands twice"),
        ("operators: ada", "operators:"),
        ("x" * 300_000, "settings are written as"),
        ("kubernetes: {reach: 10.0.0.5}", "kubernetes.image: Field required"),
        ("team_files: [{gitt: x}]", "Did you mean “git”?"),
        ("team_files: [{git: /a}, {git: /b}]", "give each repository and cluster a name"),
        ("team_files: [{git: /a, name: x}, {kubernetes: auto, name: x}]", "cluster a name of its"),
        ("team_files: [{kubernetes: auto, namespac: core}]", "Did you mean “namespace”?"),
        (
            "team_files: [{kubernetes: auto, namespace: Core}]",
            "team_files.0.namespace: String should",
        ),
        ("team_files: [{git: /a, interval_seconds: 1}]", "team_files.0.interval_seconds: Input"),
        ("team_files: [{git: a}]", "team_files.0.git: its address is written as https://…"),
        ("team_files: [{git: 'ext::sh -c x'}]", "team_files.0.git: its address"),
        ("team_files: [{git: '--upload-pack=x'}]", "team_files.0.git: its address"),
        ("team_files: [{git: /a, branch: -x}]", "team_files.0.branch: its branch is no name"),
        ("team_files: [{git: /a, branch: ''}]", "team_files.0.branch: its branch is no name"),
        ("team_files: [{git: /a}, {git: /b, name: b, path: ../x}]", "team_files.1.path: its path"),
        ("team_files: [x]", "team_files.0: Input should be"),
        ("oidc: {isuer: x}", "Did you mean “issuer”?"),
        ("oidc: {issuer: 'http://sso.example.org'}", "oidc.issuer: an address is written as https"),
        ("oidc: {issuer: 'https://u:p@sso.example.org'}", "without a user name"),
        ("oidc: {issuer: 'https://a', grants: {/x: [{team: t, rights: [all]}]}}", "notebooks"),
        ("address: https://a.example.org/hub", "without a path"),
        ("language: fr", "language:"),
        ("runs: {max_run: 3}", "“runs.max_run” is no setting. Did you mean “max_runs”?"),
        ("keep_days: 3", "“keep_days” is no setting. It belongs in `runs:`."),
        ("runs: {idle_minutes: 3}", "“runs.idle_minutes” is no setting. It belongs at the top"),
        ("runs: {beat_seconds: 3}", "“runs.beat_seconds” is no setting."),
        ("runs: {max_hours: 0}", "runs.max_hours: Input should be greater than 0"),
        ("runs: {max_runs_per_member: 0}", "runs.max_runs_per_member:"),
        ("runs: {min_free_bytes: much}", "runs.min_free_bytes: “much” is no size"),
        ("runs: {max_log_bytes: 12}", "runs.max_log_bytes: Input should be greater than"),
        ("runs: {warm_imports: ['os; x']}", "runs.warm_imports.0:"),
        ("runs: {public_s3_endpoint: s3.example.org}", "write it as https://s3.example.org"),
        ("runs: {database: 'mysql://hub@db/runs'}", "postgresql://USER@HOST/NAME"),
        ("runs: {database: 'sqlite:///runs.sqlite'}", "postgresql://USER@HOST/NAME"),
        ("runs: {database: 'postgresql://hub@db'}", "postgresql://USER@HOST/NAME"),
        ("runs: {database: runs}", "postgresql://USER@HOST/NAME"),
        ("runs: {checkout_git_repo: {url: 'ext::sh -c x'}}", "runs.checkout_git_repo.url:"),
    ],
)
def test_what_is_wrong_is_named(settings_of, text, words):
    with pytest.raises(BadInput) as refusal:
        settings_of(text)
    assert refusal.value.code == "bad-settings"
    assert words in refusal.value.message


@pytest.mark.parametrize("user", ["ada:s3cretpw@", "s3cretpw@"])
def test_a_password_in_an_address_is_refused_and_not_repeated(settings_of, user):
    with pytest.raises(BadInput) as refusal:
        settings_of(f"team_files: [{{git: 'https://{user}host.example/x'}}]")
    said = refusal.value.message
    assert "fairihub.yaml: team_files.0.git: its address holds a user name, a password" in said
    assert "`credentials`" in said
    assert "s3cretpw" not in said


@pytest.mark.parametrize("address", ["hub:s3cretpw@db/runs", "hub@db/runs?password=s3cretpw"])
def test_a_password_of_the_database_is_refused_and_not_repeated(settings_of, address):
    with pytest.raises(BadInput) as refusal:
        settings_of(f"runs: {{database: 'postgresql://{address}'}}")
    assert "give it in FAIRIHUB_RUNS_DATABASE_PASSWORD" in refusal.value.message
    assert "s3cretpw" not in refusal.value.message


@pytest.mark.parametrize(
    ("source", "said"),
    [
        ({"folder": "teams"}, "an edit counts within seconds"),
        ({"git": "/a"}, "a commit counts within 1 minute"),
        ({"git": "/a", "interval_seconds": 3600}, "a commit counts within 60 minutes"),
        ({"git": "/a", "interval_seconds": 90}, "a commit counts within 90 seconds"),
    ],
)
def test_how_soon_an_edit_counts_goes_by_the_source(source, said):
    (found,) = Settings.model_validate({"team_files": [source]}).team_files
    assert counts_within(found) == said


def test_a_missing_file_is_said(tmp_path):
    with pytest.raises(BadInput, match="No such file"):
        read_settings(tmp_path / "fairihub.yaml")


def test_sources_count_from_the_folder_of_the_settings(settings_of, tmp_path):
    text = "team_files:\n- folder: teams\n- git: https://example.org/teams.git\n  path: customers\n"
    folder, git = settings_of(text + "  credentials: netrc\n").team_files
    assert folder.folder == tmp_path / "teams"
    assert (git.git, git.path) == ("https://example.org/teams.git", "customers")
    assert git.credentials == tmp_path / "netrc"


def test_a_repository_of_runs_has_its_credentials_beside_the_settings(settings_of, tmp_path):
    repository = "url: 'https://example.org/algorithm', credentials: tokens"
    settings = settings_of(f"runs: {{keep_days: 30, checkout_git_repo: {{{repository}}}}}")
    assert settings.runs.keep_days == 30
    assert settings.runs.checkout_git_repo.credentials == tmp_path / "tokens"


@pytest.mark.parametrize(
    ("written", "kubeconfig", "operators"),
    [
        ("kubernetes: auto", None, None),
        ("kubernetes: auto, namespace: core", None, "core"),
        ("kubernetes: auto, operators_namespace: core", None, "core"),
        ("kubernetes: auto, namespace: uc4, operators_namespace: core", None, "core"),
        ("kubernetes: kubeconfig, context: prod", "kubeconfig", None),
    ],
)
def test_a_cluster_as_a_source(settings_of, tmp_path, written, kubeconfig, operators):
    settings = settings_of(f"team_files: [{{{written}}}]")
    (found,) = Settings.model_validate_json(settings.model_dump_json()).team_files
    assert found == settings.team_files[0]
    assert found.name == "customers"
    assert found.kubeconfig == (tmp_path / kubeconfig if kubeconfig else None)
    assert found.operators == operators


def test_grants_become_rules(settings_of):
    oidc = settings_of(
        "oidc:\n  issuer: http://127.0.0.1:8180/realms/cube\n  rights_from: claim\n"
        "  grants:\n    /uc4: [{team: uc4}]\n    /uc4/c: [{team: uc4, rights: [notebooks]}]\n"
    ).oidc
    assert oidc.rules.rights_from == "claim"
    assert oidc.rules.grants["/uc4/c"][0].rights == {"notebooks"}
    assert oidc.rules.grants["/uc4"][0].team == "uc4"
