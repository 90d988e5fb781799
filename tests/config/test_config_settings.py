"""Settings: defaults that work, one sentence for every mistake, no secret in any of them."""

import os
from datetime import timedelta
from pathlib import Path

import pytest
from pydantic import ValidationError

from config.settings import ConfigError, Settings, describe_settings, load_settings, mask_password


@pytest.fixture(autouse=True)
def no_settings(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Leave no variable of ours and no `.env` in sight."""
    for name in list(os.environ):
        if name.upper().startswith("SETWIRE_"):
            monkeypatch.delenv(name)
    monkeypatch.chdir(tmp_path)


def complaints(**overrides: object) -> list[str]:
    with pytest.raises(ConfigError) as caught:
        load_settings(**overrides)  # type: ignore[arg-type]  # overrides are settings' names
    return [str(problem) for problem in caught.value.problems]


def test_every_default_works() -> None:
    settings = load_settings()
    assert settings.data_dir == Path("setwire-data")
    assert settings.database_url == "sqlite:///setwire-data/setwire.db"
    assert settings.base_url == "http://127.0.0.1:8080"
    assert settings.mail_dir == Path("setwire-data/mail")
    assert settings.min_interval == timedelta(minutes=5)
    assert settings.fetch_max_bytes == 10 * 2**20
    assert settings.allow_private_hosts == frozenset()
    assert settings.subscriptions_file is None
    assert all(path.is_file() for path in (settings.sources_file, settings.films_file, settings.topics_file))


def test_settings_cannot_be_changed() -> None:
    settings = load_settings()
    with pytest.raises(ValidationError):
        settings.port = 1  # pydantic refuses it


def test_derived_settings_follow(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SETWIRE_DATA_DIR", "/srv/wire")
    monkeypatch.setenv("SETWIRE_PORT", "9000")
    monkeypatch.setenv("SETWIRE_HOST", "0.0.0.0")
    settings = load_settings()
    assert settings.database_url == "sqlite:////srv/wire/setwire.db"
    assert settings.mail_dir == Path("/srv/wire/mail")
    assert settings.base_url == "http://127.0.0.1:9000"


@pytest.mark.parametrize(
    ("host", "url"),
    [("::", "http://[::1]:8080"), ("::1", "http://[::1]:8080"), ("wire.lan", "http://wire.lan:8080")],
)
def test_base_url_follows_the_host(monkeypatch: pytest.MonkeyPatch, host: str, url: str) -> None:
    monkeypatch.setenv("SETWIRE_HOST", host)
    assert load_settings().base_url == url


def test_override_wins_over_environment_wins_over_env_file(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    (tmp_path / ".env").write_text("SETWIRE_PORT=1001\nSETWIRE_HOST=file.lan\nSETWIRE_LOG_LEVEL=debug\nOTHER=x\n")
    monkeypatch.setenv("SETWIRE_PORT", "1002")
    monkeypatch.setenv("SETWIRE_HOST", "environment.lan")
    settings = load_settings(port=1003, host=None)
    assert (settings.port, settings.host, settings.log_level) == (1003, "environment.lan", "debug")
    assert load_settings(env_file=None).log_level == "info"


def test_an_empty_value_counts_as_not_set(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("PORT", "DATABASE_URL", "BASE_URL", "MAIL_DIR", "SUBSCRIPTIONS_FILE", "MIN_INTERVAL", "PROXY"):
        monkeypatch.setenv(f"SETWIRE_{name}", "")
    assert load_settings() == Settings(_env_file=None)  # type: ignore[call-arg]  # an option of pydantic-settings


def test_lists_and_words_are_forgiving(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SETWIRE_ALLOW_PRIVATE_HOSTS", " hooks.LAN, 10.0.0.7,, ")
    monkeypatch.setenv("SETWIRE_LOG_LEVEL", "INFO")
    monkeypatch.setenv("SETWIRE_SMTP_SECURITY", "TLS")
    monkeypatch.setenv("SETWIRE_SMTP_PORT", "465")
    settings = load_settings()
    assert settings.allow_private_hosts == {"hooks.lan", "10.0.0.7"}
    assert (settings.log_level, settings.smtp_security) == ("info", "tls")


WRONG_VALUES = [
    ("PORT", "99999", "'99999' is too large; write 65535 or less"),
    ("PORT", "-1", "'-1' is too small; write 0 or more"),
    ("PORT", "http", "'http' is no whole number; write one such as 8"),
    ("MIN_INTERVAL", "5min", "'5min' is no duration; write a number and a unit, such as 30s, 5m, 2h or 7d"),
    ("TICK", "0s", "'0' is no duration here; write one above zero, such as 30s"),
    ("FETCH_MAX_BYTES", "10 monkeys", "'10 monkeys' is no size; write bytes, or a number with a unit such as 10MiB"),
    ("FETCH_MAX_BYTES", "10", "10 is too small; write 1024 or more"),
    ("FETCH_PER_HOST", "50", "'50' is too large; write 10 or less"),
    ("BASE_URL", "wire.example", "'wire.example' is no web address; write one such as https://setwire.example.org"),
    ("BASE_URL", "http://a b", "'http://a b' is no web address; write one such as https://setwire.example.org"),
    ("CONTACT_URL", "me@x.org", "'me@x.org' is no web address; write one such as https://setwire.example.org"),
    (
        "PROXY",
        "socks5://u:hunter2@p",
        "'socks5://u:***@p' is no address of an HTTP proxy; write one such as http://proxy.lan:3128",
    ),
    ("PROXY", "https://p", "'https://p' is no address of an HTTP proxy; write one such as http://proxy.lan:3128"),
    (
        "DATABASE_URL",
        "mysql://u:hunter2@h/n",
        (
            "'mysql://u:***@h/n' is no database address we know; "
            "write sqlite:///PATH or postgresql://USER:PASSWORD@HOST/NAME"
        ),
    ),
    ("WEBHOOK_ALLOW_HTTP", "perhaps", "'perhaps' is neither true nor false; write one of them"),
    ("SMTP_SECURITY", "ssl", "'ssl' is not known; write one of 'starttls', 'tls' or 'none'"),
    ("LOG_LEVEL", "loud", "'loud' is not known; write one of 'debug', 'info', 'warning' or 'error'"),
    ("MAIL_FROM", "nobody", "'nobody' is no mail address; write one such as setwire@example.org"),
    ("MAIL_FROM", "a@b\nBcc: c@d", "'a@b\\nBcc: c@d' is no mail address; write one such as setwire@example.org"),
]


@pytest.mark.parametrize(("name", "value", "sentence"), WRONG_VALUES)
def test_a_wrong_value_is_one_sentence(monkeypatch: pytest.MonkeyPatch, name: str, value: str, sentence: str) -> None:
    monkeypatch.setenv(f"SETWIRE_{name}", value)
    assert complaints() == [f"environment: SETWIRE_{name}: {sentence}"]


UNKNOWN_NAMES = [
    ("SETWIRE_PROT", "there is no such setting; did you mean SETWIRE_PORT?"),
    ("SETWIRE_SMTP_PASS", "there is no such setting; did you mean SETWIRE_SMTP_PASSWORD?"),
    ("SETWIRE_QQQQQQQQQQQQQQQQ", "there is no such setting; remove it; docs/operations.md lists the settings"),
]


@pytest.mark.parametrize(("name", "sentence"), UNKNOWN_NAMES)
def test_an_unknown_name_is_an_error(monkeypatch: pytest.MonkeyPatch, name: str, sentence: str) -> None:
    monkeypatch.setenv(name, "1")
    assert complaints() == [f"environment: {name}: {sentence}"]


def test_an_unknown_name_in_the_env_file_names_the_file(tmp_path: Path) -> None:
    (tmp_path / ".env").write_text("SETWIRE_PROT=1\n")
    assert complaints() == [".env: SETWIRE_PROT: there is no such setting; did you mean SETWIRE_PORT?"]


def test_an_env_file_that_is_no_text_is_a_sentence(tmp_path: Path) -> None:
    (tmp_path / ".env").write_bytes(b"SETWIRE_PORT=\xff\xfe\n")
    (sentence,) = complaints()
    assert sentence.startswith(".env: cannot be read")


def test_reserved_names_are_left_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("SETWIRE_SHARED", "SETWIRE_TEST_BROWSER", "SETWIRE_BENCH_DAYS"):
        monkeypatch.setenv(name, "1")
    load_settings()


COMBINATIONS = [
    (
        {"SMTP_HOST": "m", "SMTP_USER": "u"},
        "SMTP_USER: is set without a password; set SETWIRE_SMTP_PASSWORD or its _FILE",
    ),
    (
        {"SMTP_USER": "u", "SMTP_PASSWORD": "hunter2"},
        "SMTP_USER: is set without a mail server; set SETWIRE_SMTP_HOST or remove it",
    ),
    (
        {"SMTP_HOST": "m", "SMTP_PASSWORD": "hunter2"},
        "SMTP_PASSWORD: is set without a name; set SETWIRE_SMTP_USER or remove it",
    ),
    (
        {"SMTP_HOST": "m", "SMTP_USER": "u", "SMTP_PASSWORD": "hunter2", "SMTP_SECURITY": "none"},
        "SMTP_SECURITY: 'none' would send the password in the clear; use starttls or tls, or no login",
    ),
    (
        {"SMTP_HOST": "m", "SMTP_PORT": "465"},
        "SMTP_PORT: 465 speaks TLS from the start; set SETWIRE_SMTP_SECURITY=tls or port 587",
    ),
    (
        {"MIN_INTERVAL": "1h"},
        "DEFAULT_INTERVAL: is shorter than SETWIRE_MIN_INTERVAL; raise the one or lower the other",
    ),
    (
        {"DELIVERY_LEASE": "10s"},
        "DELIVERY_LEASE: must be longer than SETWIRE_WEBHOOK_DEADLINE, or a slow call is made twice; raise it",
    ),
]


@pytest.mark.parametrize(("given", "sentence"), COMBINATIONS)
def test_settings_that_disagree(monkeypatch: pytest.MonkeyPatch, given: dict[str, str], sentence: str) -> None:
    for name, value in given.items():
        monkeypatch.setenv(f"SETWIRE_{name}", value)
    assert complaints() == [f"environment: SETWIRE_{sentence}"]


def test_all_mistakes_are_told_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SETWIRE_PROT", "1")
    monkeypatch.setenv("SETWIRE_TICK", "fast")
    monkeypatch.setenv("SETWIRE_LOG_LEVEL", "loud")
    assert len(complaints(port=-5)) == 4


def test_a_secret_comes_from_its_file(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    (tmp_path / "password").write_text("hunter2\n")
    (tmp_path / "url").write_text("postgresql://setwire:hunter2@db/setwire\n")
    monkeypatch.setenv("SETWIRE_SMTP_HOST", "mail.example.org")
    monkeypatch.setenv("SETWIRE_SMTP_USER", "u")
    monkeypatch.setenv("SETWIRE_SMTP_PASSWORD_FILE", "password")
    monkeypatch.setenv("SETWIRE_DATABASE_URL_FILE", str(tmp_path / "url"))
    settings = load_settings()
    assert settings.smtp_password.get_secret_value() == "hunter2"
    assert settings.database_url == "postgresql://setwire:hunter2@db/setwire"
    assert settings.smtp_user == "u"


def test_a_secret_file_that_is_missing_is_a_sentence(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SETWIRE_SMTP_PASSWORD_FILE", "nowhere")
    assert complaints() == [
        (
            "environment: SETWIRE_SMTP_PASSWORD_FILE: 'nowhere' cannot be read (No such file or directory); "
            "name a readable file"
        )
    ]


def test_a_secret_given_twice_is_a_sentence(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    (tmp_path / "password").write_text("hunter2")
    monkeypatch.setenv("SETWIRE_SMTP_PASSWORD_FILE", "password")
    monkeypatch.setenv("SETWIRE_SMTP_PASSWORD", "hunter2")
    assert complaints() == ["environment: SETWIRE_SMTP_PASSWORD_FILE: SETWIRE_SMTP_PASSWORD is set too; keep only one"]


def test_a_wrong_address_in_a_secret_file_hides_its_password(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    (tmp_path / "url").write_text("oracle://u:hunter2@db/x")
    monkeypatch.setenv("SETWIRE_DATABASE_URL_FILE", "url")
    (sentence,) = complaints()
    assert "oracle://u:***@db/x" in sentence


def test_passwords_are_never_shown(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SETWIRE_SMTP_HOST", "m")
    monkeypatch.setenv("SETWIRE_SMTP_USER", "u")
    monkeypatch.setenv("SETWIRE_SMTP_PASSWORD", "hunter2")
    assert "hunter2" not in repr(load_settings())


@pytest.mark.parametrize(
    ("url", "shown"),
    [
        ("postgresql://u:p@h/n", "postgresql://u:***@h/n"),
        ("postgresql://u:p@ss:w@h/n", "postgresql://u:***@h/n"),
        ("postgresql://u@h/n", "postgresql://u@h/n"),
        ("sqlite:///a/b.db", "sqlite:///a/b.db"),
    ],
)
def test_masks_a_password(url: str, shown: str) -> None:
    assert mask_password(url) == shown


def test_user_agent_names_the_contact(monkeypatch: pytest.MonkeyPatch) -> None:
    assert load_settings().user_agent.startswith("setwire/")
    monkeypatch.setenv("SETWIRE_CONTACT_URL", "https://example.org/reader/")
    assert load_settings().user_agent.endswith(" (+https://example.org/reader)")


def test_every_setting_has_a_line() -> None:
    for line in describe_settings():
        assert line.description.endswith("."), line
        assert line.default, line
