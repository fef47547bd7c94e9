"""The ways a message leaves: e-mail by SMTP, and an HTTP webhook. Both are off until an address is named.

Here: the settings from the environment (IQA_ALERT_*), and sending. The one trap: an alert is a courtesy.
Nothing it meets may stop a run, hold it up for long, or let out the password or the address of the webhook,
which is a secret too; so `send` raises nothing, gives up after a while, and says only the host.
"""

import http.client
import json
import os
import smtplib
import ssl
import threading
import urllib.error
import urllib.request
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from email.message import EmailMessage
from email.utils import formatdate, make_msgid, parseaddr
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from dagster_project.alerts.notice import Notice

_SECURITY = ("starttls", "tls", "none")
_PORTS = {"starttls": 587, "tls": 465, "none": 25}
_OWN_MACHINE = ("127.0.0.1", "::1", "localhost")
# A server that answers each step just in time must not hold a run up for all its steps.
_STEPS_MAX = 3


class _Unusable(Exception):
    """A setting that can't be used; the text names the setting and never its value if that is a secret."""


@dataclass(frozen=True)
class Email:
    """Where e-mails go, and through which server."""

    host: str
    port: int
    security: str
    sender: str
    recipients: tuple[str, ...]
    user: str | None = None
    password_file: Path | None = None


@dataclass(frozen=True)
class AlertSettings:
    """What is sent where. `problems` are settings that can't be used, said in words."""

    email: Email | None = None
    webhook: str | None = None
    also_on_success: bool = False
    timeout: float = 10.0
    problems: tuple[str, ...] = ()

    @property
    def is_on(self) -> bool:
        """Whether anything would be sent at all."""
        return self.email is not None or self.webhook is not None

    def wants(self, notice: Notice) -> bool:
        """Whether this message is one that is asked for."""
        return self.is_on and (self.also_on_success or not notice.is_about_success)

    @classmethod
    def from_environment(cls, environment: Mapping[str, str] | None = None) -> "AlertSettings":
        """The settings IQA_ALERT_*; one that can't be used is a problem and no error."""
        found = os.environ if environment is None else environment
        values = {
            name.removeprefix("IQA_ALERT_"): text.strip()
            for name, text in found.items()
            if name.startswith("IQA_ALERT_") and text.strip()
        }
        problems: list[str] = []

        def tried(read: Callable[[Mapping[str, str]], Any], instead: Any) -> Any:
            try:
                return read(values)
            except _Unusable as error:
                problems.append(str(error))
                return instead

        return cls(
            email=tried(_email, None),
            webhook=tried(_webhook, None),
            also_on_success=tried(_also_on_success, False),
            timeout=tried(_timeout, 10.0),
            problems=tuple(problems),
        )


def send(notice: Notice, settings: AlertSettings) -> list[str]:
    """Send a message every way that is set; returns a line a way, for the log. Raises nothing."""
    lines = [f"Alert settings: {problem}" for problem in settings.problems]
    ways: list[tuple[str, Callable[[], None]]] = []
    if settings.email is not None:
        email = settings.email
        name = f"by e-mail to {len(email.recipients)} through {email.host}"
        ways.append((name, lambda: _send_email(notice, email, settings.timeout)))
    if settings.webhook is not None:
        webhook = settings.webhook
        name = f"by webhook to {urlsplit(webhook).hostname}"
        ways.append((name, lambda: _post(notice, webhook, settings.timeout)))
    return lines + [_outcome(name, act, settings.timeout * _STEPS_MAX) for name, act in ways]


def _outcome(name: str, act: Callable[[], None], seconds: float) -> str:
    """Do it on the side, and don't wait longer than that."""
    failed: list[str] = ["it took too long"]

    def work() -> None:
        try:
            act()
            failed.clear()
        except Exception as error:
            failed[:] = [_reason(error)]

    worker = threading.Thread(target=work, name="alert", daemon=True)
    worker.start()
    worker.join(seconds)
    return f"The alert {name} could not be sent: {failed[0]}." if failed else f"Alert sent {name}."


def _reason(error: Exception) -> str:
    """What went wrong, without any text of the other side: it may repeat what was sent to it."""
    if isinstance(error, _Unusable):
        return str(error)
    if isinstance(error, smtplib.SMTPResponseException):
        return f"the server answered {error.smtp_code} ({type(error).__name__})"
    if isinstance(error, smtplib.SMTPRecipientsRefused):
        return "the server refused the recipients"
    if isinstance(error, smtplib.SMTPServerDisconnected):
        return "the server did not answer in time, or hung up"
    if isinstance(error, TimeoutError):
        return "the server did not answer in time"
    if isinstance(error, ssl.SSLError):
        return f"no secure connection ({type(error).__name__})"
    if isinstance(error, OSError) and error.strerror:
        return error.strerror
    return type(error).__name__


# E-mail ------------------------------------------------------------------------------------------


def _send_email(notice: Notice, email: Email, timeout: float) -> None:
    message = EmailMessage()
    message["Subject"] = notice.text().splitlines()[0]
    message["From"] = email.sender
    message["To"] = ", ".join(email.recipients)
    message["Date"] = formatdate()
    message["Message-ID"] = make_msgid(domain=email.sender.rpartition("@")[2])
    message["Auto-Submitted"] = "auto-generated"
    message.set_content(notice.text())
    secure = ssl.create_default_context()
    if email.security == "tls":
        server: smtplib.SMTP = smtplib.SMTP_SSL(email.host, email.port, timeout=timeout, context=secure)
    else:
        server = smtplib.SMTP(email.host, email.port, timeout=timeout)
    with server:
        if email.security == "starttls":
            server.starttls(context=secure)
        if email.user is not None and email.password_file is not None:
            server.login(email.user, _password(email.password_file))
        server.send_message(message)


def _password(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8").strip()
    except (OSError, UnicodeDecodeError):
        raise _Unusable("the file IQA_ALERT_SMTP_PASSWORD_FILE names can't be read") from None


def _email(values: Mapping[str, str]) -> Email | None:
    recipients = tuple(part.strip() for part in values.get("EMAIL_TO", "").split(",") if part.strip())
    if not recipients:
        return None
    host = values.get("SMTP_HOST", "")
    if not host:
        raise _Unusable("IQA_ALERT_EMAIL_TO is set and IQA_ALERT_SMTP_HOST is not; no e-mail is sent")
    sender = values.get("EMAIL_FROM") or recipients[0]
    wrong = [address for address in (sender, *recipients) if not _is_address(address)]
    if wrong:
        raise _Unusable(f"{wrong[0]!r} is no e-mail address; no e-mail is sent")
    security = values.get("SMTP_SECURITY", "starttls").lower()
    if security not in _SECURITY:
        raise _Unusable(f"IQA_ALERT_SMTP_SECURITY is none of {', '.join(_SECURITY)}; no e-mail is sent")
    user = values.get("SMTP_USER")
    password_file = values.get("SMTP_PASSWORD_FILE")
    if (user is None) != (password_file is None):
        raise _Unusable("IQA_ALERT_SMTP_USER and IQA_ALERT_SMTP_PASSWORD_FILE go together; no e-mail is sent")
    if user is not None and security == "none" and host not in _OWN_MACHINE:
        raise _Unusable("a password needs IQA_ALERT_SMTP_SECURITY starttls or tls; no e-mail is sent")
    port = values.get("SMTP_PORT", str(_PORTS[security]))
    if not (port.isdecimal() and 0 < int(port) < 65536):
        raise _Unusable("IQA_ALERT_SMTP_PORT is no port; no e-mail is sent")
    return Email(
        host,
        int(port),
        security,
        sender,
        recipients,
        user,
        None if password_file is None else Path(password_file),
    )


def _is_address(text: str) -> bool:
    name, address = parseaddr(text)
    local, at, domain = address.rpartition("@")
    return bool(not name and address == text and local and at and domain and text.isprintable())


# Webhook -----------------------------------------------------------------------------------------


class _NoRedirect(urllib.request.HTTPRedirectHandler):
    """A redirect would carry the message to a host that nobody named."""

    def redirect_request(self, *_: Any) -> None:
        return None


def _post(notice: Notice, address: str, timeout: float) -> None:
    request = urllib.request.Request(
        address,
        data=json.dumps(notice.card()).encode(),
        headers={"Content-Type": "application/json", "User-Agent": "iqa-warehouse"},
        method="POST",
    )
    handlers: list[Any] = [_NoRedirect]
    if urlsplit(address).hostname in _OWN_MACHINE:
        handlers.append(urllib.request.ProxyHandler({}))
    try:
        with urllib.request.build_opener(*handlers).open(request, timeout=timeout):
            return
    except urllib.error.HTTPError as error:
        with error:
            raise _Unusable(f"the server answered {error.code}") from None
    except urllib.error.URLError as error:
        if isinstance(error.reason, Exception):
            raise error.reason from None
        raise
    except http.client.HTTPException:
        raise _Unusable("the server gave no answer that HTTP knows") from None


def _webhook(values: Mapping[str, str]) -> str | None:
    address = values.get("WEBHOOK_URL")
    if address is None:
        return None
    try:
        parts = urlsplit(address)
        is_usable = bool(parts.hostname) and (parts.port is None or parts.port > 0)
    except ValueError:
        is_usable = False
    if not is_usable or not address.isascii() or not address.isprintable():
        raise _Unusable("IQA_ALERT_WEBHOOK_URL is no address; nothing is posted")
    if parts.scheme != "https" and not (parts.scheme == "http" and parts.hostname in _OWN_MACHINE):
        raise _Unusable("IQA_ALERT_WEBHOOK_URL must start with https://; nothing is posted")
    if parts.username is not None:
        raise _Unusable("IQA_ALERT_WEBHOOK_URL must not hold a user name; nothing is posted")
    return address


def _also_on_success(values: Mapping[str, str]) -> bool:
    text = values.get("ON", "problem").lower()
    if text not in ("problem", "all"):
        raise _Unusable("IQA_ALERT_ON is neither problem nor all; successes are not told")
    return text == "all"


def _timeout(values: Mapping[str, str]) -> float:
    text = values.get("TIMEOUT_SECONDS", "10")
    try:
        seconds = float(text)
    except ValueError:
        seconds = 0.0
    if not 0 < seconds <= 60:
        raise _Unusable("IQA_ALERT_TIMEOUT_SECONDS is not between 0 and 60; 10 is used")
    return seconds
