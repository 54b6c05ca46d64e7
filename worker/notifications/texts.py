"""Texts of mails and pushes, in the language of their recipient."""

from __future__ import annotations

from dataclasses import dataclass
from html import escape

from shared.webhooks.types import CONFIRM_TYPE, TEST_TYPE, WebhookType

ENGLISH, CHINESE = "en", "zh"

LONGEST_NAME = 120
"""Characters of a recording's title in them."""


@dataclass(frozen=True, slots=True)
class Words:
    """The words of one mail: its subject, its lines, its link and why it came. `{name}` stands for
    what the recording is called."""

    subject: str
    lines: tuple[str, ...]
    link: str
    why: str


_WHY = {
    ENGLISH: "You get this mail because your account on this server asks for it. Change that at",
    CHINESE: "您收到此邮件，是因为您在该服务器上的账号设置了邮件通知。可在此更改：",
}

_WORDS: dict[tuple[str, str], Words] = {
    (WebhookType.COMPLETED, ENGLISH): Words(
        "Transcribed: {name}",
        ("The transcript of “{name}” is ready.",),
        "Open the transcript",
        _WHY[ENGLISH],
    ),
    (WebhookType.COMPLETED, CHINESE): Words(
        "转写完成：{name}",
        ("“{name}”的文字稿已经完成。",),
        "打开文字稿",
        _WHY[CHINESE],
    ),
    (WebhookType.FAILED, ENGLISH): Words(
        "Not transcribed: {name}",
        ("“{name}” could not be transcribed.", "The page says why, and what you can do."),
        "Open the page",
        _WHY[ENGLISH],
    ),
    (WebhookType.FAILED, CHINESE): Words(
        "转写失败：{name}",
        ("“{name}”未能完成转写。", "页面上说明了原因和处理办法。"),
        "打开页面",
        _WHY[CHINESE],
    ),
    (CONFIRM_TYPE, ENGLISH): Words(
        "Confirm your mail address",
        (
            "Somebody with an account on this server wants to be told here when a job ends.",
            "If it was you, open the link within 24 hours. If not, do nothing: no more mail comes.",
        ),
        "Confirm this address",
        "The server is",
    ),
    (CONFIRM_TYPE, CHINESE): Words(
        "请确认您的邮箱地址",
        (
            "该服务器上的一个账号希望在任务结束时向此邮箱发送通知。",
            "如果是您本人，请在 24 小时内打开链接。如果不是，无需理会，之后不会再有邮件。",
        ),
        "确认此地址",
        "服务器地址：",
    ),
    (TEST_TYPE, ENGLISH): Words("This is a test. Nothing happened.", (), "", ""),
    (TEST_TYPE, CHINESE): Words("这是测试通知，没有发生任何事。", (), "", ""),
}


def words_of(type_: str, language: str) -> Words:
    """The words about an event of this type; of a push, the subject is all that is said."""
    return _WORDS[type_, CHINESE if language.startswith(CHINESE) else ENGLISH]


def plain_text(words: Words, *, name: str, link: str, site: str) -> str:
    """A mail as text."""
    lines = [line.format(name=name) for line in words.lines]
    return "\n".join([*lines, "", f"{words.link}:", link, "", "-- ", words.why, site, ""])


def html_text(words: Words, language: str, *, name: str, link: str, site: str) -> str:
    """The text as HTML, which asks no server for anything."""
    lines = "".join(f"<p>{escape(line.format(name=name))}</p>\n" for line in words.lines)
    return (
        f'<!doctype html>\n<html lang="{escape(language)}">\n'
        f"<head><title>{escape(words.subject.format(name=name))}</title></head>\n"
        '<body style="font-family: sans-serif; line-height: 1.5">\n'
        f'{lines}<p><a href="{escape(link)}">{escape(words.link)}</a></p>\n'
        f'<p><small>{escape(words.why)} <a href="{escape(site)}">{escape(site)}</a></small></p>\n'
        "</body>\n</html>\n"
    )
