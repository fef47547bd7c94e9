"""Telling people by e-mail and by webhook how a run ended.

Here: what a message may hold, how it looks, and the two ways it leaves. Not here: when one is sent
(`orchestration/notices.py`). The one trap: a message leaves the machine for services that others run, so it
holds no figure, no row and no value of an extract; it says where to look.
"""

from dagster_project.alerts.channels import AlertSettings, send
from dagster_project.alerts.notice import Notice

__all__ = ["AlertSettings", "Notice", "send"]
