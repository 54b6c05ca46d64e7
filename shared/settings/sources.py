"""Sources that settings are read from."""

from __future__ import annotations

from pydantic_settings import BaseSettings, EnvSettingsSource, PydanticBaseSettingsSource

from shared.settings.environment import PREFIX


class SourcedSettings(BaseSettings):
    """The part of `shared.settings.Settings` that says where values come from."""

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """Leave out the environment and the .env file where they set nothing: each takes 3 ms to
        be asked for all settings in turn."""
        asked = (source for source in (env_settings, dotenv_settings) if _sets_anything(source))
        return init_settings, *asked, file_secret_settings


def _sets_anything(source: PydanticBaseSettingsSource) -> bool:
    """Return whether any variable of a source may be a setting."""
    names = source.env_vars if isinstance(source, EnvSettingsSource) else {PREFIX: None}
    return any(name.upper().startswith(PREFIX) for name in names)
