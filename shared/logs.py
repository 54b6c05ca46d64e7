"""Logs: one line an event, with the job's id wherever there is a job, on standard error."""

from __future__ import annotations

import logging
import sys

import structlog

from shared.settings import Settings

MODEL_LOADED = "model loaded"
"""The event with which a worker's child can take jobs."""
MODEL_UNAVAILABLE = "model unavailable"
"""The event with which it cannot; its `message` says why and what to do."""


def configure_logging(settings: Settings) -> None:
    """Send structlog and the standard library's loggers through one formatter. Safe to repeat."""
    shared_processors: list[structlog.types.Processor] = [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_logger_name,
        structlog.stdlib.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
    ]
    structlog.configure(
        processors=[
            *shared_processors,
            structlog.stdlib.PositionalArgumentsFormatter(),
            structlog.stdlib.ProcessorFormatter.wrap_for_formatter,
        ],
        logger_factory=structlog.stdlib.LoggerFactory(),
        wrapper_class=structlog.stdlib.BoundLogger,
        cache_logger_on_first_use=True,
    )
    renderer: structlog.types.Processor
    if settings.log_format == "json":
        renderer = structlog.processors.JSONRenderer(ensure_ascii=False)
    else:
        renderer = structlog.dev.ConsoleRenderer(colors=sys.stderr.isatty())
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=shared_processors,
            processors=[
                structlog.stdlib.ProcessorFormatter.remove_processors_meta,
                structlog.processors.format_exc_info,
                renderer,
            ],
        )
    )
    root = logging.getLogger()
    root.handlers = [handler]
    root.setLevel(settings.log_level)
    # Alembic and httpx narrate each step at INFO; theirs is not the story of a job.
    for chatty in ("alembic.runtime.plugins", "httpx", "kombu", "amqp"):
        logging.getLogger(chatty).setLevel(max(logging.WARNING, root.level))
