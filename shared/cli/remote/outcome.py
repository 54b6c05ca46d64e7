"""What a command came to: what it prints of each job, what was wrong with some, its exit status."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Collection, Iterable, Iterator
from contextlib import contextmanager, suppress
from typing import Any, NoReturn

import typer

from longscribe_client.errors import (
    ApiError,
    AuthenticationFailed,
    ClientError,
    FileChanged,
    NotAllowed,
    ServerBusy,
    TooManyRequests,
)
from shared.cli.remote.readable import readable
from shared.errors import LongscribeError
from shared.interrupts import INTERRUPTED

JOB_IS_LOST, NOT_CARRIED_OUT, NOT_YET = 1, 2, 3

_ALL_ARE_REFUSED = (AuthenticationFailed, NotAllowed, ServerBusy, TooManyRequests)
"""Answers that the next one would get as well."""


class CommandFailed(LongscribeError):
    code = "command_failed"


class Refusals:
    """What is wrong with some of the files or jobs that a command was given.

    Each is told on standard error at once and ends nothing for the others, unless it is about one
    of the `options` that all of them have.
    """

    def __init__(self, options: Collection[str] = ()) -> None:
        self.are_any = False
        self._options = options

    @contextmanager
    def of(self, name: str) -> Iterator[None]:
        """Tell what is wrong with the one of this name, unless it would be with all of them."""
        try:
            yield
        except _ALL_ARE_REFUSED:
            raise
        except ApiError as refused:
            if refused.param in self._options:
                raise
            self._tell(name, refused.message)
        except (FileChanged, CommandFailed) as wrong:
            self._tell(name, wrong.message)
        except BrokenPipeError:
            raise
        except OSError as error:
            self._tell(name, str(error))

    def _tell(self, name: str, why: str) -> None:
        self.are_any = True
        told = why if name in why else f"{name}: {why}"
        typer.secho(readable(told), fg=typer.colors.RED, err=True)

    def end(self, status: int) -> NoReturn:
        """End the command, by `status` if nothing was wrong."""
        raise typer.Exit(NOT_CARRIED_OUT if self.are_any else status)


@contextmanager
def ends_in_words() -> Iterator[None]:
    """End a command for what the server or the connection to it refuses, for Ctrl-C, and where
    nobody reads any more what it prints."""
    try:
        yield
    except AuthenticationFailed as refused:
        raise CommandFailed(
            f"{refused.message} Set LONGSCRIBE_API_KEY or --key-file; the account page makes keys."
        ) from None
    except ClientError as error:
        raise CommandFailed(error.message) from None
    except BrokenPipeError:
        with suppress(OSError, ValueError):  # what is left would be written at Python's end
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        raise typer.Exit(INTERRUPTED) from None
    except KeyboardInterrupt:
        typer.echo("Interrupted.", err=True)
        raise typer.Exit(INTERRUPTED) from None


def status_of(jobs: Iterable[dict[str, Any]]) -> int:
    """The exit status that says how jobs stand."""
    statuses = {job["status"] for job in jobs}
    if statuses & {"failed", "cancelled"}:
        return JOB_IS_LOST
    return 0 if statuses <= {"completed"} else NOT_YET


def tell(job: dict[str, Any], as_json: bool, *, err: bool = False, **also: Any) -> None:
    """Print a job on a line, or as JSON with what else is known of it."""
    if as_json:
        extra = {name: value for name, value in also.items() if value is not None}
        say(json.dumps({**job, **extra}, ensure_ascii=False), err=err)
        return
    words = [job["id"], f"{job['status']:<10}", job["filename"]]
    if job.get("error"):
        words.append(job["error"]["message"])
    words += also.get("transcripts") or []
    say("  ".join(words), err=err)


def say(line: str, *, err: bool = False) -> None:
    typer.echo(readable(line), err=err)
