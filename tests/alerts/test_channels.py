"""E-mail and webhook: what arrives, what is never told, and that nothing they meet is an error."""

import json
import socket
import time
from email import message_from_string
from pathlib import Path

import pytest

from dagster_project.alerts import AlertSettings, Notice, send
from tests.alerts.servers import Hook, Mailbox, smtp_server, webhook_server

_NOTICE = Notice(
    "refused",
    "IQA figures: the run was refused, because data failed a check",
    {"Reporting date": "2024-10-28"},
    ("expect:leniency.rate (leniency) failed, 3 rows. A rate is at most 1.", "Nothing was released."),
)


def settings(**values: str) -> AlertSettings:
    return AlertSettings.from_environment({f"IQA_ALERT_{name}": text for name, text in values.items()})


def by_email(box: Mailbox, **values: str) -> AlertSettings:
    return settings(
        EMAIL_TO="analysts@example.org, duty@example.org",
        EMAIL_FROM="iqa@example.org",
        SMTP_HOST="127.0.0.1",
        SMTP_PORT=str(box.port),
        SMTP_SECURITY="none",
        **values,
    )


def test_an_email_arrives_for_everybody_named() -> None:
    with smtp_server(Mailbox()) as box:
        lines = send(_NOTICE, by_email(box))
    assert lines == ["Alert sent by e-mail to 2 through 127.0.0.1."]
    message = message_from_string(box.messages[0])
    assert message["Subject"] == _NOTICE.title
    assert message["To"] == "analysts@example.org, duty@example.org"
    text = str(message.get_payload(decode=True), "utf-8")  # type: ignore[arg-type]
    assert "Reporting date: 2024-10-28" in text
    assert "A rate is at most 1." in text
    assert sum(command.startswith("rcpt") for command in map(str.lower, box.commands)) == 2


def test_a_webhook_gets_a_card_that_says_the_same() -> None:
    with webhook_server(Hook()) as hook:
        lines = send(_NOTICE, settings(WEBHOOK_URL=hook.address))
    assert lines == ["Alert sent by webhook to 127.0.0.1."]
    ((path, body),) = hook.posted
    assert path == "/hook/s3cret"
    card = json.loads(body)["attachments"][0]
    assert card["contentType"] == "application/vnd.microsoft.card.adaptive"
    texts = json.dumps(card["content"]["body"])
    assert _NOTICE.title in texts and "2024-10-28" in texts and "A rate is at most 1." in texts


def test_a_server_that_refuses_is_a_line_in_the_log_that_holds_no_secret() -> None:
    with (
        smtp_server(Mailbox(refuse="550 no mail from s3cret")) as box,
        webhook_server(Hook(status=403)) as hook,
    ):
        email = by_email(box)
        lines = send(_NOTICE, AlertSettings(email=email.email, webhook=hook.address))
    assert lines == [
        "The alert by e-mail to 2 through 127.0.0.1 could not be sent: the server answered 550 "
        "(SMTPSenderRefused).",
        "The alert by webhook to 127.0.0.1 could not be sent: the server answered 403.",
    ]


def test_a_webhook_that_sends_on_to_another_address_is_not_followed() -> None:
    with webhook_server(Hook()) as other, webhook_server(Hook(status=307, location=other.address)) as hook:
        (line,) = send(_NOTICE, settings(WEBHOOK_URL=hook.address))
    assert "could not be sent: the server answered 307" in line
    assert other.posted == []


def test_a_server_that_never_answers_holds_a_run_up_for_seconds_only() -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        port = silent.getsockname()[1]
        started = time.monotonic()
        lines = send(
            _NOTICE,
            settings(
                WEBHOOK_URL=f"http://127.0.0.1:{port}/s3cret",
                EMAIL_TO="a@example.org",
                SMTP_HOST="127.0.0.1",
                SMTP_PORT=str(port),
                SMTP_SECURITY="none",
                TIMEOUT_SECONDS="0.3",
            ),
        )
    assert time.monotonic() - started < 5
    assert len(lines) == 2
    assert all("could not be sent" in line and "in time" in line for line in lines)
    assert "s3cret" not in str(lines)


def test_nobody_at_the_other_end_is_a_line_in_the_log() -> None:
    with socket.create_server(("127.0.0.1", 0)) as gone:
        port = gone.getsockname()[1]
    (line,) = send(_NOTICE, settings(WEBHOOK_URL=f"http://127.0.0.1:{port}/s3cret"))
    assert line == "The alert by webhook to 127.0.0.1 could not be sent: Connection refused."


def test_a_password_is_read_from_its_file_and_never_sent_in_the_clear(tmp_path: Path) -> None:
    (tmp_path / "password").write_text("s3cret\n")
    values = {
        "EMAIL_TO": "a@example.org",
        "SMTP_USER": "iqa",
        "SMTP_PASSWORD_FILE": str(tmp_path / "password"),
    }
    assert settings(SMTP_HOST="mail.example.org", **values).email is not None
    found = settings(SMTP_HOST="mail.example.org", SMTP_SECURITY="none", **values)
    assert found.email is None and "password needs" in found.problems[0]
    # The server on this machine offers no secure connection: so there is no log-in either.
    with smtp_server(Mailbox()) as box:
        (line,) = send(_NOTICE, settings(SMTP_HOST="127.0.0.1", SMTP_PORT=str(box.port), **values))
    assert "could not be sent" in line
    assert "s3cret" not in str([line, *box.commands])
    assert not box.messages


def test_alerts_are_off_until_an_address_is_named_and_quiet_about_success_until_asked() -> None:
    released = Notice("released", "A release was made")
    assert not settings().is_on
    hook = {"WEBHOOK_URL": "https://hooks.example.org/x"}
    assert settings(**hook).wants(_NOTICE) and not settings(**hook).wants(released)
    assert settings(**hook, ON="all").wants(released)


@pytest.mark.parametrize(
    ("values", "problem"),
    [
        ({"WEBHOOK_URL": "http://hooks.example.org/s3cret"}, "must start with https"),
        ({"WEBHOOK_URL": "https://me:s3cret@hooks.example.org/"}, "user name"),
        ({"WEBHOOK_URL": "s3cret"}, "no address"),
        ({"WEBHOOK_URL": "https://[s3cret"}, "no address"),
        ({"EMAIL_TO": "a@example.org"}, "SMTP_HOST"),
        ({"EMAIL_TO": "no address", "SMTP_HOST": "h"}, "no e-mail address"),
        ({"EMAIL_TO": "a@example.org\nBcc: b@example.org", "SMTP_HOST": "h"}, "no e-mail address"),
        ({"EMAIL_TO": "a@example.org", "SMTP_HOST": "h", "SMTP_SECURITY": "some"}, "SMTP_SECURITY"),
        ({"EMAIL_TO": "a@example.org", "SMTP_HOST": "h", "SMTP_PORT": "0"}, "no port"),
        ({"EMAIL_TO": "a@example.org", "SMTP_HOST": "h", "SMTP_USER": "u"}, "go together"),
        ({"TIMEOUT_SECONDS": "soon"}, "TIMEOUT_SECONDS"),
        ({"ON": "sometimes"}, "IQA_ALERT_ON"),
    ],
)
def test_a_setting_that_cannot_be_used_is_said_and_sends_nothing(
    values: dict[str, str], problem: str
) -> None:
    found = settings(**values)
    assert not found.is_on
    assert problem in found.problems[0]
    assert "s3cret" not in str(found.problems)


def test_a_message_is_cut_and_holds_no_control_characters_and_no_links() -> None:
    notice = Notice("failed", "A\r\nBcc: x", {"name": "[here](https://example.org)"}, ("x" * 2000,) * 50)
    assert notice.text().splitlines()[0] == "A Bcc: x"
    assert notice.text().count("x" * 400) == 20
    assert "and 30 more" in notice.text()
    facts = notice.card()["attachments"][0]["content"]["body"][1]["facts"]
    assert "[" not in facts[0]["value"]
