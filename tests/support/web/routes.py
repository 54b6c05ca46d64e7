"""The routes of an application, with what a valid request to each takes."""

from __future__ import annotations

from typing import Any

from flask import Flask
from werkzeug.routing import Rule

from shared import accounts
from shared.annotations.details import change_details
from shared.annotations.marks import MarkKind, add_marks, checked_mark
from shared.db import Database
from shared.export.reports.named_templates import keep_template
from shared.fetches import requests
from shared.outbound.addresses import AddressRules
from shared.search.saved import ListConditions, save_search
from shared.sharing import AccessLevel, make_link, share_job, shares_of
from shared.speakers.kept.speaker_voices import SpeakerVoice
from shared.speakers.kept.voice_keeping import switch_on
from shared.speakers.kept.voices import enrol
from shared.states import JobStatus
from shared.webhooks.hooks import HookSettings, add_hook
from shared.words.replacements import lists
from tests.support import factories
from tests.support.notifications import a_browser, confirmation_token
from tests.support.web.web_app import database

NOBODYS = {
    "static": {"filename": "icon.svg", "version": "0"},
    "preferences.words": {"language": "zh", "version": "0"},
    "preferences.choose_language": {"language": "zh"},
    "preferences.choose_theme": {"theme": "dark"},
    "minutes_prompts.put_prompt": {"language": "zh", "name": "part"},
    "minutes_prompts.delete_prompt": {"language": "zh", "name": "part"},
    "openai.retrieve_model": {"model": "whisper-1"},
    "pages.change_minutes_prompt": {"language": "zh", "name": "part"},
    "account.begin_at_provider": {"provider_id": "none"},
    "account.answer_of_provider": {"provider_id": "none"},
    "account.connect_provider": {"provider_id": "none"},
    "account.back_to_authenticator": {"_step": "confirm"},
    "links.open_transcript": {"token": "none"},
    "links.play_recording": {"token": "none"},
    "links.get_peaks": {"token": "none"},
}
"""Arguments of routes that concern no account, or that of who asks."""

_TUS = {"Tus-Resumable": "1.0.0"}

NEEDED: dict[str, dict[str, Any]] = {
    "uploads.create_upload": {"headers": _TUS},
    "uploads.get_upload_offset": {"headers": _TUS},
    "uploads.append_to_upload": {
        "headers": {**_TUS, "Upload-Offset": "0"},
        "data": b"sound",
        "content_type": "application/offset+octet-stream",
    },
    "uploads.end_upload": {"headers": _TUS},
    "speakers.change_speakers": {
        "json": {"revision": 0, "kind": "assign", "sentences": [0], "speaker": "new"}
    },
    "voices.answer_suggestion": {
        "json": {"kind": "refuse", "speaker": 1, "voice": "01a229ca-0000-7000-8000-000000000000"}
    },
    "voices.change_voice": {"json": {"name": "mine now"}},
    "rules.change_rules": {"json": {"applied": False}},
    "corrections.change_sentences": {
        "json": {"sentences": [{"n": 0, "revision": 0, "text": "mine now"}]}
    },
    "pages.change_folder": {"data": {"name": "mine now"}},
    "searches.change_search": {"json": {"name": "mine now"}},
    "marks.create_marks": {"json": {"marks": [{"kind": "bookmark", "at": 1}]}},
    "marks.change_one_mark": {"json": {"text": "mine now"}},
    "pages.add_mark": {"data": {"kind": "bookmark", "at": "0:01"}},
    "jobs.transcribe_again": {"json": {}},
    "details.change_job": {"json": {"title": "mine now"}},
    "corrections.correct_sentence": {"json": {"text": "mine now", "revision": 0}},
    "sharing.create_share": {"json": {"name": "mine now", "access": "read"}},
    "sharing.create_link": {"json": {}},
    "pages.share": {"data": {"name": "mine now", "access": "read"}},
    "pages.make_new_link": {"data": {"days": "7"}},
    "minutes.ask_for_minutes": {"json": {"again": True}},
    "minutes.change_minutes": {"json": {"revision": 0}},
    "minutes_prompts.put_prompt": {"json": {"text": "{{transcript}}"}},
    "own_data.erase_own_account": {"json": {"password": "mine now"}},
    "report_templates.change_template": {"json": {"group": "01a229ca-0000-7000-8000-000000000000"}},
    "groups.create_group": {"json": {"name": "mine now"}},
    "groups.change_group": {"json": {"name": "mine now"}},
    "groups.add_group_member": {"json": {"name": "mine now"}},
    "webhooks.change_webhook": {"json": {"enabled": False}},
}
"""Bodies and headers that a valid request needs, by endpoint."""


def rules(app: Flask) -> list[Rule]:
    return [rule for rule in app.url_map.iter_rules() if rule.methods]


def methods(rule: Rule) -> list[str]:
    """List the methods of a route, without HEAD and OPTIONS, which Flask adds by itself."""
    asked = rule.methods or set()
    return sorted(asked - ({"HEAD", "OPTIONS"} if asked - {"HEAD", "OPTIONS"} else set()))


def job_values(db: Database, owner_id: str, job_id: str) -> dict[str, str]:
    """Arguments of the routes of a completed job, with one object of each kind that belongs to
    it."""
    whose = {"owner_id": owner_id, "job_id": job_id}
    change_details(db, **whose, editor_id=owner_id, changes={"title": "theirs"})
    mark = checked_mark(MarkKind.NOTE, 1.0, "theirs")
    add_marks(db, **whose, editor_id=owner_id, marks=[mark])
    share_job(db, **whose, name="theirs", level=AccessLevel.READ)
    (share,) = [one for one in shares_of(db, **whose) if one.name == "theirs"]
    _, link = make_link(
        db, owner_id=owner_id, job_id=job_id, name="theirs", days=1, with_sound=True
    )
    return {
        "job_id": job_id,
        "n": "0",
        "number": "1",
        "mark_id": mark.id,
        "share_id": share.id,
        "link_id": link.id,
    }


def owned_values(app: Flask, owner_id: str) -> dict[str, str]:
    """Create one object of each kind that a route can name, all belonging to one owner."""
    db = database(app)
    job_id = factories.a_job(db, JobStatus.COMPLETED, owner_id=owner_id)
    program = app.test_client()
    key = accounts.make_key(db, user_id=owner_id, name="theirs")
    switch_on(db, owner_id)
    with db.writing() as session:
        voice_id = enrol(session, owner_id, "theirs", job_id, "e", SpeakerVoice(b"\x7f", 9.0))
    begun = program.post(
        "/api/v1/uploads",
        headers={**_TUS, "Upload-Length": "5", "Authorization": f"Bearer {key}"},
    )
    assert begun.status_code == 201, begun.text
    fetch = requests.ask(
        db,
        owner_id=owner_id,
        url="https://theirs.example/a.mp3",
        filename="theirs",
        submission=requests.Submission({}),
    )
    wanted = HookSettings("https://theirs.example/hook")
    accounts.connect(db, owner_id, accounts.Vouched("https://theirs.example", "1", "", None))
    webhook, _ = add_hook(db, AddressRules(), owner_id=owner_id, wanted=wanted, site_url="")
    keep_template(db, owner_id=owner_id, name="theirs", content=b"{{title}}")
    token = confirmation_token(db, owner_id, "ann@theirs.example")
    return {
        **job_values(db, owner_id, job_id),
        "key_id": accounts.keys_of(db, owner_id)[0].id,
        "identity_id": accounts.connections_of(db, owner_id)[0].id,
        "upload_id": begun.location.rpartition("/")[2],
        "voice_id": voice_id,
        "search_id": save_search(
            db, owner_id=owner_id, name="theirs", conditions=ListConditions()
        ).id,
        "webhook_id": webhook.id,
        "group_id": accounts.add_group(db, "theirs").id,
        "token": token,
        "browser_id": a_browser(db, owner_id).id,
        "fetch_id": fetch.id,
        "delivery_id": "1",
        "template_name": "theirs",
        "pair_id": str(lists.add(db, owner_id, wrong="theirs", right="their own").id),
    }
