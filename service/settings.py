"""What an operator may set: flags over `STANCERY_` environment variables over defaults."""

import os
from pathlib import Path

from pydantic import Field, ValidationError
from pydantic_settings import BaseSettings, SettingsConfigDict

from stancery.model.errors import SettingsError

PREFIX = "STANCERY_"


class Settings(BaseSettings):
    """Every setting with its default; each description names the unit."""

    model_config = SettingsConfigDict(env_prefix=PREFIX, env_ignore_empty=True, frozen=True)

    host: str = Field("127.0.0.1", description="address to listen on")
    port: int = Field(8000, ge=0, le=65_535, description="TCP port to listen on; 0 takes a free one")
    model: Path | None = Field(None, description="model folder; the shipped model if unset")
    threshold: float | None = Field(
        None, ge=0, le=1, allow_inf_nan=False, description="least confidence of a triple, 0 to 1; the model's if unset"
    )
    threads: int | None = Field(
        None, ge=1, le=1_024, description="threads that label side by side; as many as there are cores if unset"
    )
    max_body_bytes: int = Field(2_000_000, ge=1, description="largest request body, bytes")
    max_articles: int = Field(64, ge=1, description="most articles in one /predict/batch, articles")
    max_pairs: int = Field(1_000, ge=1, description="most pairs in one /predict/pairs, pairs")
    max_article_characters: int = Field(200_000, ge=1, description="longest article text, characters")


def load_settings(**flags: object) -> Settings:
    """The settings, with the flags that are not None over the environment.

    Raises:
        SettingsError: one line for each impossible value, with what it must be.
    """
    given = {name: value for name, value in flags.items() if value is not None}
    try:
        return Settings(**given)  # type: ignore[arg-type]  # pydantic checks them
    except ValidationError as error:
        lines = [_explain(str(detail["loc"][0]), detail["msg"], given) for detail in error.errors(include_url=False)]
        raise SettingsError("\n".join(lines)) from None


def describe_settings() -> list[tuple[str, str]]:
    """Name of each environment variable, and its meaning with unit and default."""
    return [
        (PREFIX + name.upper(), f"{field.description}" + ("" if field.default is None else f" ({field.default})"))
        for name, field in Settings.model_fields.items()
    ]


def _explain(name: str, problem: str, flags: dict[str, object]) -> str:
    variable = PREFIX + name.upper()
    shown = f"--{name}" if name in flags else variable
    value = str(flags[name] if name in flags else os.environ.get(variable, ""))
    meaning = Settings.model_fields[name].description
    return f"{shown} is {value[:60]!r}: {problem[0].lower()}{problem[1:]}. Set it to: {meaning}."
