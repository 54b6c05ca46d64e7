"""Settings, and the only reader of the environment (`shared.settings.environment`).

Each field is the variable LONGSCRIBE_<NAME IN CAPITALS>.  A value that makes no sense is
refused when the process starts, with the name of the variable.
"""

from __future__ import annotations

import os
import tempfile
from functools import cached_property
from ipaddress import ip_address
from pathlib import Path
from typing import Literal, Self
from urllib.parse import quote

from pydantic import Field, SecretStr, field_validator, model_validator
from pydantic_settings import SettingsConfigDict

from shared.settings.addresses import (
    data_folder,
    database_address,
    listening_host,
    redis_address,
)
from shared.settings.bounds import BoundedSettings
from shared.settings.environment import InvalidSettings, read_secret_files, unknown_variables
from shared.settings.limits import LimitSettings
from shared.settings.minutes import MinutesSettings
from shared.settings.notifications import NotificationSettings
from shared.settings.outbound import OutboundSettings
from shared.settings.recognition import RecognitionSettings
from shared.settings.sign_in import SignInSettings
from shared.settings.storage import StorageSettings
from shared.settings.workers import WorkerSettings

DEMO = "demo"  # the bundled model


def is_demo_model(name: str | None) -> bool:
    """Return whether a model is the bundled one, by the name in the settings or in a worker's
    report."""
    return name == DEMO


PARAFORMER_LARGE = "iic/speech_paraformer-large-vad-punc_asr_nat-zh-cn-16k-common-vocab8404-pytorch"
FSMN_VAD = "iic/speech_fsmn_vad_zh-cn-16k-common-pytorch"
CT_PUNC = "iic/punc_ct-transformer_cn-en-common-vocab471067-large"
CAMPPLUS = "iic/speech_campplus_sv_zh-cn_16k-common"
PINNED_REVISION = "v2.0.4"
"""The released revision of the first three; a hub name without a pinned revision may change its
text."""

SEEN_WITHIN_S = 30.0
"""The least that is waited for a worker to report itself."""

_UNIX_SOCKET_PATH_MAX = 100  # Linux allows 107 bytes; the rest is room for a suffix


def is_loopback(host: str) -> bool:
    """Return whether only this machine reaches what listens at the address. A name counts if it is
    localhost."""
    try:
        return ip_address(host.strip("[]").partition("%")[0]).is_loopback
    except ValueError:
        return host.lower() == "localhost"


class Settings(
    BoundedSettings,
    LimitSettings,
    RecognitionSettings,
    WorkerSettings,
    MinutesSettings,
    NotificationSettings,
    OutboundSettings,
    SignInSettings,
    StorageSettings,
):
    """Typed and frozen; docs/settings.md has the table with defaults. What a part is about stands
    in its module."""

    # A line without a value in .env means the default.
    model_config = SettingsConfigDict(env_ignore_empty=True, hide_input_in_errors=True)

    # --- where it listens and keeps things
    host: str = Field("127.0.0.1", description="Address the web server listens on.")
    port: int = Field(8000, ge=1, le=65535, description="Port the web server listens on.")
    data_dir: Path = Field(
        Path("data"), description="Recordings, and everything embedded, live under this folder."
    )
    database_url: str = Field(
        "", description="SQLAlchemy URL of SQLite or PostgreSQL; empty: SQLite in the data folder."
    )
    redis_url: SecretStr = Field(
        SecretStr(""), description="URL of Redis; empty: the embedded one in the data folder."
    )
    secret_key: SecretStr = Field(
        SecretStr(""), description="Signs cookies and form tokens; empty: made once and kept."
    )

    # --- who may use it
    sign_in: Literal["off", "required"] = Field(
        "off",
        description="off: everybody who reaches the port is one and the same owner, so it may "
        "listen on loopback only. required: accounts and API keys.",
    )
    share_links: bool = Field(
        False,
        description="Owners may make links that open a transcript without sign-in, for a time.",
    )
    share_tells_names: bool = Field(
        False,
        description="Whoever shares a recording is told if no account has the name that they "
        "typed. false: so nobody finds out who has an account.",
    )
    proxies: int = Field(
        0,
        ge=0,
        le=10,
        description="Reverse proxies in front, whose X-Forwarded-For, -Proto, -Host "
        "and -Prefix are believed.",
    )

    # --- the model
    model: str = Field(
        PARAFORMER_LARGE,
        description="Recognition model: demo, a hub name, or a folder (alone or with asr/, vad/, "
        "punc/ inside).",
    )
    model_revision: str = Field(PINNED_REVISION, description="Revision of a model from the hub.")
    vad_model: str = Field(
        "",
        description="Voice activity model, likewise; empty: the one beside the model, or FSMN-VAD.",
    )
    vad_model_revision: str = Field(PINNED_REVISION, description="Its revision.")
    punc_model: str = Field(
        "",
        description="Punctuation model, likewise; empty: the one beside the model, or ct-punc "
        "(1.1 GB). ct-punc-c is its smaller sister (291 MB). SenseVoiceSmall needs none.",
    )
    punc_model_revision: str = Field(PINNED_REVISION, description="Its revision.")
    speaker_model: str = Field(
        "",
        description="Model that tells voices apart, likewise; empty: the one beside the model, "
        "that of the demo model, or cam++ (28 MB). Loaded by the first job that asks who speaks.",
    )
    model_hub: Literal["modelscope", "huggingface"] = Field(
        "modelscope", description="Where models come from. Names of both hubs are understood."
    )
    model_offline: bool = Field(
        False, description="Never ask the hub; a model that is not on this machine is an error."
    )
    device: str = Field(
        "auto", pattern=r"^(auto|cpu|cuda:\d+)$", description="auto, cpu or cuda:N."
    )
    cpu_threads: int = Field(
        0,
        ge=0,
        le=1024,
        description="Threads torch may use on a CPU for a job; 0: the cores divided by "
        "LONGSCRIBE_WORKER_CONCURRENCY, and one for the demo model.",
    )
    precision: Literal["float32", "bfloat16", "float16", "int8"] = Field(
        "float32",
        description="Arithmetic of encoder and decoder: float32, bfloat16, float16 (on a GPU) or "
        "int8 (on a CPU).",
    )
    cpu_runtime: Literal["auto", "torch", "onnxruntime"] = Field(
        "auto",
        description="What runs Paraformer's encoder and decoder on a CPU: torch, onnxruntime, or "
        "auto for the one that was measured to be faster on such a processor.",
    )

    # --- voices
    voice_keeping: Literal["allowed", "forbidden"] = Field(
        "allowed",
        description="allowed: each owner may switch on that voices are kept under a name and found "
        "again in other recordings. forbidden: nobody may, and nothing of a voice is kept.",
    )

    # --- safety
    umask: str = Field(
        "077",
        pattern=r"^0?0[0-7]7$",
        description="Permissions that files and folders are made without, in octal. 007: members "
        "of the group share the data folder.",
    )
    sandbox: Literal["if-available", "required"] = Field(
        "if-available",
        description="required: recordings are decoded only where the kernel takes a filter on "
        "system calls, and a worker refuses to start elsewhere. if-available: with a warning.",
    )

    # --- reliability
    lease_s: float = Field(30, gt=0, description="A worker silent for so long has lost its job.")
    heartbeat_s: float = Field(5, gt=0, description="How often a worker renews its lease.")
    stall_s: float = Field(
        600,
        gt=0,
        description="A job that has not moved for so long, in a batch for longer by what the batch "
        "may take, is taken from its worker's process, which is killed.",
    )
    sweep_s: float = Field(5, gt=0, description="How often lost jobs are looked for.")
    max_attempts: int = Field(
        3,
        ge=1,
        description="Attempts before a job is failed, counted anew once all of its words are "
        "there.",
    )
    retry_delay_s: float = Field(
        10, ge=0, description="Wait before another attempt after an error that may pass."
    )
    soft_shutdown_s: float = Field(
        60, ge=0, description="On SIGQUIT a worker may take so long to give its job back."
    )

    # --- processes
    worker_concurrency: int = Field(
        1,
        ge=1,
        le=64,
        description="Jobs that a worker runs at once, each in a process with a model of its own.",
    )
    web_workers: int = Field(1, ge=1, le=1000, description="gunicorn processes.")
    web_threads: int = Field(
        8, ge=1, le=1000, description="Threads of such a process for all requests but transfers."
    )
    web_transfers: int = Field(
        128,
        ge=1,
        le=1000,
        description="Uploads and downloads that such a process serves at once, three quarters of "
        "them for one address.",
    )
    log_level: Literal["DEBUG", "INFO", "WARNING", "ERROR"] = Field(
        "INFO", description="Least severe log line written."
    )
    log_format: Literal["json", "console"] = Field(
        "json", description="One JSON object a line, or text for people."
    )

    _hosts_are_addresses = field_validator("host", "worker_health_host")(listening_host)
    _data_folder_can_be_named = field_validator("data_dir")(data_folder)
    _database_is_supported = field_validator("database_url")(database_address)
    _redis_is_supported = field_validator("redis_url")(redis_address)

    @model_validator(mode="after")
    def _heartbeats_fit_into_the_lease(self) -> Self:
        if self.heartbeat_s * 2 > self.lease_s:
            raise ValueError(
                "LONGSCRIBE_HEARTBEAT_S must be at most half of LONGSCRIBE_LEASE_S, or one late "
                "heartbeat loses the job"
            )
        return self

    @model_validator(mode="after")
    def _strangers_sign_in(self) -> Self:
        if self.sign_in == "off" and not is_loopback(self.host):
            raise ValueError(
                f"LONGSCRIBE_HOST is {self.host}, which others can reach, and LONGSCRIBE_SIGN_IN "
                "is off: everybody could read and delete every recording. Set "
                "LONGSCRIBE_SIGN_IN=required, or LONGSCRIBE_HOST=127.0.0.1"
            )
        return self

    @property
    def requires_sign_in(self) -> bool:
        return self.sign_in == "required"

    @cached_property
    def resolved_database_url(self) -> str:
        # Quoted: a ? in a folder's name would begin the options of an address.
        return self.database_url or f"sqlite:///{quote(str(self.data_dir.resolve()))}/longscribe.db"

    @cached_property
    def redis_socket(self) -> Path:
        """Path of the embedded Redis's socket; outside the data folder only if the data folder's
        path is too long for a socket, and then at a place that the data folder alone decides."""
        socket = self.data_dir.resolve() / "redis" / "redis.sock"
        if len(os.fsencode(socket)) <= _UNIX_SOCKET_PATH_MAX:
            return socket
        inode = self.data_dir.resolve().stat()
        name = f"longscribe-{os.getuid()}-{inode.st_dev:x}-{inode.st_ino:x}"
        return Path(tempfile.gettempdir()) / name / "redis.sock"

    @cached_property
    def resolved_redis_url(self) -> str:
        return (
            self.redis_url.get_secret_value() or f"redis+socket://{quote(str(self.redis_socket))}"
        )

    @property
    def umask_bits(self) -> int:
        return int(self.umask, 8)

    @property
    def sandbox_required(self) -> bool:
        return self.sandbox == "required"

    @property
    def uses_demo_model(self) -> bool:
        return is_demo_model(self.model)

    @property
    def recordings_dir(self) -> Path:
        return self.data_dir.resolve() / "recordings"

    @property
    def work_dir(self) -> Path:
        """Folder for the decoded audio of running jobs; may be emptied whenever no worker runs."""
        return self.data_dir.resolve() / "work"

    @property
    def worker_seen_within_s(self) -> float:
        """Seconds for which a worker's report counts as recent: it reports with every sweep."""
        return max(SEEN_WITHIN_S, 3 * self.sweep_s)

    @property
    def watch_dir(self) -> Path:
        """Folder in which running jobs record their progress; may be emptied whenever no worker
        runs."""
        return self.data_dir.resolve() / "watch"

    @property
    def calibration_dir(self) -> Path:
        """Folder of a worker's measurements of its device; may be emptied at any time."""
        return self.data_dir.resolve() / "calibration"


def load_settings() -> Settings:
    """Read the environment, and the files that it names for secrets.

    Raises InvalidSettings naming each wrong variable, and each that is no setting.
    """
    from pydantic import ValidationError

    lines = unknown_variables(os.environ, Settings.model_fields)
    settings = None
    try:
        settings = Settings(**read_secret_files(os.environ))  # type: ignore[arg-type]
    except ValidationError as error:
        for problem in error.errors():
            name = ".".join(str(part) for part in problem["loc"][:1]).upper()
            reason = problem["msg"].removeprefix("Value error, ")
            lines.append(f"LONGSCRIBE_{name}: {reason}" if name else reason)
    if lines or settings is None:
        raise InvalidSettings("; ".join(lines))
    return settings
