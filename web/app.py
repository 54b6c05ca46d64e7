"""The web application: `gunicorn -c python:web.gunicorn_settings 'web.app:create_app()'`."""

from __future__ import annotations

from datetime import timedelta
from functools import cache
from importlib.metadata import PackageNotFoundError, version

from apiflask import APIFlask

from shared.logs import configure_logging
from shared.private_files import take_umask
from shared.secret import session_secret
from shared.settings import Settings, load_settings
from web.api import models, playback, searches
from web.api.annotations import details, marks
from web.api.audit import views as audit
from web.api.groups import views as groups
from web.api.jobs import again as _again  # noqa: F401 - it registers itself
from web.api.jobs import commands as _commands  # noqa: F401 - it registers itself
from web.api.jobs import views as jobs
from web.api.minutes import download as _minutes_download  # noqa: F401 - it registers itself
from web.api.minutes import prompts as minutes_prompts
from web.api.minutes import views as minutes
from web.api.openapi import docs_page
from web.api.openapi import document as openapi
from web.api.own_data import views as own_data
from web.api.sharing import views as sharing
from web.api.speakers import job_speakers as speakers
from web.api.speakers import kept_voices as voices
from web.api.transcripts import corrections, report_templates, reports
from web.api.words import hotwords, replacements, rules
from web.authentication.actor import name_actors
from web.authentication.sign_in import require_sign_in
from web.compatible import assemblyai, dashscope, openai
from web.errors import register_error_handlers
from web.fetches import api as fetches
from web.fetches import pages as fetches_pages
from web.http.allowed_hosts import refuse_other_hosts
from web.http.compressed_bodies import refuse_compressed_bodies
from web.http.compression import compress_text
from web.http.csrf import refuse_other_sites, require_token_in_forms
from web.http.proxies import believe_proxies
from web.http.security_headers import add_security_headers
from web.http.static_files import version_static_files
from web.http.transfer_limit import refuse_excess_transfers
from web.http.unreadable_dates import ignore_unreadable_dates
from web.i18n.languages import register_languages
from web.installed_app.views import installed_app
from web.monitoring.access_log import log_requests
from web.monitoring.health import health
from web.monitoring.traces import trace_requests
from web.notifications import pages as notifications
from web.pages import (  # noqa: F401 - three register themselves
    listing,
    report_template,
    upload_form,
)
from web.pages import voices as kept_voices
from web.pages.accounts import account, erasure, people
from web.pages.accounts import groups as groups_page
from web.pages.accounts import own_data as own_data_page
from web.pages.accounts import provider_sign_in as _provider_sign_in  # noqa: F401 - it registers itself
from web.pages.accounts import second_step as _second_step  # noqa: F401 - it registers itself
from web.pages.audit import page as audit_page
from web.pages.blueprint import pages
from web.pages.filters import register_filters
from web.pages.job import again as _again_page  # noqa: F401 - it registers itself
from web.pages.job import details_form as _details_form  # noqa: F401 - it registers itself
from web.pages.job import page as _job_page  # noqa: F401 - it registers itself
from web.pages.minutes import prompts_page as _prompts_page  # noqa: F401 - it registers itself
from web.pages.minutes import views as _minutes_views  # noqa: F401 - it registers itself
from web.pages.server.overview import server
from web.pages.sharing import links
from web.pages.sharing import owner as _sharing_page  # noqa: F401 - it registers itself
from web.pages.sharing import received as _received_page  # noqa: F401 - it registers itself
from web.pages.words import page as _words_page  # noqa: F401 - it registers itself
from web.pages.words.blueprint import words
from web.polling.not_modified import answer_unchanged_polls
from web.quotas import views as quotas
from web.services import open_services
from web.uploads import tus_views
from web.uploads.multipart import UploadRequest
from web.uploads.tus_protocol import MethodOverride
from web.waiting.postponed import answer_postponed
from web.waiting.wait_for_changes import open_watch
from web.webhooks import api as webhooks
from web.webhooks import pages as webhooks_pages


def create_app(settings: Settings | None = None) -> APIFlask:
    """Build the application. Settings come from the environment unless given.

    Raises InvalidSettings.
    """
    settings = settings or load_settings()
    take_umask(settings)
    configure_logging(settings)
    app = APIFlask(
        __name__,
        title="Longscribe",
        version=_version(),
        spec_path=None,
        docs_path=None,
        json_errors=False,
    )
    app.request_class = UploadRequest
    app.config.update(
        SECRET_KEY=session_secret(settings),
        SESSION_COOKIE_NAME="longscribe",
        SESSION_COOKIE_SAMESITE="Lax",
        SEND_FILE_MAX_AGE_DEFAULT=timedelta(0),
    )
    # Read by people with curl as often as by programs: Chinese as it is, the id and status first.
    app.json.ensure_ascii = False  # type: ignore[attr-defined]
    app.json.sort_keys = False  # type: ignore[attr-defined]
    here = open_services(app, settings)
    open_watch(app, here)
    answer_postponed(app)
    answer_unchanged_polls(app, here)
    compress_text(app)
    version_static_files(app)
    app.wsgi_app = MethodOverride(app.wsgi_app)  # type: ignore[method-assign]
    log_requests(app)
    trace_requests(app)
    name_actors(app, settings)
    ignore_unreadable_dates(app)
    refuse_excess_transfers(app)
    refuse_other_sites(app)
    refuse_other_hosts(app, settings)
    add_security_headers(app, media_origin=here.blobs.presigned_origin)
    require_sign_in(app, settings)
    refuse_compressed_bodies(app)
    believe_proxies(app, settings)
    by_programs = (
        *(jobs.blueprint, corrections.blueprint, speakers.blueprint, voices.blueprint),
        tus_views.blueprint,
        *(details.blueprint, searches.blueprint, marks.blueprint),
        *(reports.blueprint, report_templates.blueprint),
        sharing.blueprint,
        *(own_data.blueprint, groups.blueprint),
        *(replacements.blueprint, rules.blueprint, hotwords.blueprint),
        *(minutes.blueprint, minutes_prompts.blueprint, webhooks.blueprint),
        fetches.blueprint,
        *(openai.blueprint, assemblyai.blueprint, dashscope.blueprint),
    )
    require_token_in_forms(app, exempt=by_programs)
    register_error_handlers(app)
    register_languages(app)
    register_filters(app)
    app.register_blueprint(jobs.blueprint)
    app.register_blueprint(playback.blueprint)
    app.register_blueprint(details.blueprint)
    app.register_blueprint(searches.blueprint)
    app.register_blueprint(marks.blueprint)
    app.register_blueprint(reports.blueprint)
    app.register_blueprint(report_templates.blueprint)
    app.register_blueprint(corrections.blueprint)
    app.register_blueprint(models.blueprint)
    app.register_blueprint(speakers.blueprint)
    app.register_blueprint(voices.blueprint)
    app.register_blueprint(sharing.blueprint)
    app.register_blueprint(links.blueprint)
    app.register_blueprint(replacements.blueprint)
    app.register_blueprint(rules.blueprint)
    app.register_blueprint(hotwords.blueprint)
    app.register_blueprint(minutes.blueprint)
    app.register_blueprint(minutes_prompts.blueprint)
    app.register_blueprint(tus_views.blueprint)
    app.register_blueprint(openai.blueprint)
    app.register_blueprint(assemblyai.blueprint)
    app.register_blueprint(dashscope.blueprint)
    app.register_blueprint(webhooks.blueprint)
    app.register_blueprint(fetches.blueprint)
    app.register_blueprint(quotas.api)
    app.register_blueprint(quotas.fragment)
    app.register_blueprint(docs_page.docs)
    app.register_blueprint(health)
    app.register_blueprint(pages)
    app.register_blueprint(words)
    app.register_blueprint(kept_voices.page)
    app.register_blueprint(webhooks_pages.page)
    app.register_blueprint(notifications.page)
    app.register_blueprint(installed_app)
    app.register_blueprint(server)
    app.register_blueprint(audit.blueprint)
    app.register_blueprint(own_data.blueprint)
    app.register_blueprint(groups.blueprint)
    app.register_blueprint(audit_page.page)
    app.register_blueprint(fetches_pages.page)
    if settings.requires_sign_in:
        app.register_blueprint(account.account)
        app.register_blueprint(own_data_page.page)
        app.register_blueprint(erasure.page)
        app.register_blueprint(groups_page.page)
        app.register_blueprint(people.people)
    openapi.configure_openapi(app)
    return app


@cache
def _version() -> str:
    try:
        return version("longscribe")
    except PackageNotFoundError:  # run from a checkout that was never installed
        return "0.0.0"
