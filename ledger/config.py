"""Settings: read once from the environment where a program starts, frozen, and passed in.

Sources, the first that has a value wins: arguments, environment variables, files in the folder that
`SECRETS_DIR` names (one file per setting, named like the variable in lower case, as container platforms mount secrets).
Each stage derives its own class, with its own prefix, in `<stage>/settings.py`. No module keeps settings globally.
docs/settings.md lists every variable; a test compares the two.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Self
from urllib.parse import urlsplit

from pydantic import AfterValidator, BeforeValidator, Field, SecretStr, ValidationError, field_validator
from pydantic_settings import BaseSettings, NoDecode, SecretsSettingsSource, SettingsConfigDict
from typing_extensions import override

from ledger.errors import SettingsError

if TYPE_CHECKING:
    from pydantic_settings import PydanticBaseSettingsSource

CHECKOUT = Path(__file__).resolve().parent.parent
"""Root of the checkout that this program runs from."""


def state_folder() -> Path:
    """Where runs keep what they make: `TRIBUTARY_STATE_DIR`, else `.tributary` in the checkout."""
    named = os.environ.get("TRIBUTARY_STATE_DIR")
    return Path(named).resolve() if named else CHECKOUT / ".tributary"


class Settings(BaseSettings):
    """Base of all settings: frozen, read from the environment and from secret files."""

    model_config = SettingsConfigDict(frozen=True, extra="ignore", populate_by_name=True)
    # Fields that several stages share have an alias, so that a stage's prefix does not change their variable.

    @classmethod
    def load(cls, **overrides: Any) -> Self:
        """The settings from the environment, with `overrides` by field name on top (None is left out).

        Raises:
            SettingsError: a variable is missing or malformed; the sentence names it and says what it is for.
        """
        given = {name: value for name, value in overrides.items() if value is not None}
        try:
            return cls(**given)
        except ValidationError as error:
            raise SettingsError(cls._explain(error)) from error

    @classmethod
    def variable(cls, field_name: str) -> str:
        """The environment variable that sets a field, in capitals."""
        alias = cls.model_fields[field_name].validation_alias
        return (alias if isinstance(alias, str) else f"{cls.model_config.get('env_prefix', '')}{field_name}").upper()

    @classmethod
    def _explain(cls, error: ValidationError) -> str:
        problem = error.errors(include_url=False, include_input=False)[0]
        if not problem["loc"]:
            return f"{problem['msg'].removeprefix('Value error, ')}."
        place = str(problem["loc"][0])
        names = {cls.variable(name).lower(): name for name in cls.model_fields}
        name = place if place in cls.model_fields else names.get(place.lower(), "")
        variable = cls.variable(name) if name else place.upper()
        purpose = (cls.model_fields[name].description or "").rstrip(".") if name else ""
        if problem["type"] == "missing":
            return f"{variable} is not set ({purpose}); see docs/settings.md."
        return f"{variable} is wrong ({purpose}): {problem['msg'].removeprefix('Value error, ')}."

    @classmethod
    def _check_secret_files(cls, folder: Path) -> None:
        """Raises SettingsError for one that can't be read: pydantic would pass over it, or speak of its own sources."""
        files = (folder / cls.variable(name).lower() for name in cls.model_fields)
        for file in (file for file in files if file.exists()):
            try:
                file.read_text()
            except (OSError, UnicodeDecodeError) as error:
                raise SettingsError(f"The secret file {file} can't be read as text.") from error

    @classmethod
    @override
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        folder = os.environ.get("SECRETS_DIR")
        if not folder:
            return (init_settings, env_settings)
        if not Path(folder).is_dir():
            raise SettingsError(f"SECRETS_DIR names {folder}, which is not a folder.")
        cls._check_secret_files(Path(folder))
        return (init_settings, env_settings, SecretsSettingsSource(settings_cls, secrets_dir=folder))


def split_urls(value: object) -> object:
    """A comma-separated string as a tuple of addresses; anything else unchanged."""
    if isinstance(value, str):
        return tuple(part.strip().rstrip("/") for part in value.split(",") if part.strip())
    return value


def http_address(value: str) -> str:
    """The address unchanged.

    Raises:
        ValueError: it has no http:// or https:// before a host. It is not repeated: addresses can carry API keys.
    """
    try:
        parts = urlsplit(value)
        fits = parts.scheme in {"http", "https"} and bool(parts.hostname) and (parts.port is None or parts.port > 0)
    except ValueError:
        fits = False
    if not fits:
        raise ValueError("an address is http:// or https:// and a host, such as http://127.0.0.1:8545")
    return value


def _http_addresses(value: tuple[str, ...]) -> tuple[str, ...]:
    return tuple(map(http_address, value))


Words = Annotated[tuple[str, ...], NoDecode, BeforeValidator(split_urls), Field(min_length=1)]
"""One or more of anything, separated by commas."""

Urls = Annotated[
    tuple[str, ...], NoDecode, BeforeValidator(split_urls), Field(min_length=1), AfterValidator(_http_addresses)
]
"""One or more addresses, separated by commas; the first is asked first."""

Url = Annotated[str, AfterValidator(http_address)]

AnyUrls = Annotated[tuple[str, ...], NoDecode, BeforeValidator(split_urls), AfterValidator(_http_addresses)]
"""As `Urls`, or none."""


def archive_address(value: object) -> object:
    """An address with a scheme (`s3://bucket/prefix`) as it is, anything else as a path."""
    return value if isinstance(value, str) and "://" in value else Path(str(value))


ArchiveAddress = Annotated[str | Path, BeforeValidator(archive_address)]
"""A folder, or an object store's address as fsspec understands it."""


class DatabaseSettings(Settings):
    """Which PostgreSQL to use."""

    database_url: SecretStr = Field(
        validation_alias="DATABASE_URL",
        description="PostgreSQL address, postgresql://user:password@host:port/database",
    )

    @property
    def sqlalchemy_url(self) -> str:
        """The address with the driver that Tributary uses (psycopg 3)."""
        address = self.database_url.get_secret_value()
        scheme, separator, rest = address.partition("://")
        return f"postgresql+psycopg{separator}{rest}" if scheme in {"postgres", "postgresql"} else address

    @field_validator("database_url")
    @classmethod
    def _is_postgresql(cls, value: SecretStr) -> SecretStr:
        scheme = value.get_secret_value().partition("://")[0]
        if scheme not in {"postgres", "postgresql", "postgresql+psycopg"}:
            raise ValueError("it must begin with postgresql://")
        return value


class L1Settings(Settings):
    """How to reach the L1."""

    l1_rpc_url: Urls = Field(
        validation_alias="L1_RPC_URL", description="JSON-RPC addresses of L1 nodes, separated by commas"
    )
    beacon_url: Urls = Field(
        validation_alias="BEACON_URL",
        description="Beacon API addresses that serve blobs, separated by commas",
    )


class L2Settings(Settings):
    """How to reach the L2 and which contracts to use there."""

    l2_rpc_url: Urls = Field(
        validation_alias="L2_RPC_URL", description="JSON-RPC addresses of L2 nodes, separated by commas"
    )
    deployments_dir: Path = Field(
        validation_alias="DEPLOYMENTS_DIR",
        default=CHECKOUT / "contracts" / "deployments",
        description="Folder of the deployment files, one <L2 chain id>.json for each chain",
    )


class ChainSettings(L1Settings, L2Settings):
    """How to reach both chains."""


class AltDaSettings(Settings):
    """Where blobs are read that operators keep in another layer than L1."""

    altda_url: AnyUrls = Field(
        validation_alias="ALTDA_URL",
        default=(),
        description="Alt-DA servers (EigenDA's proxy) that blobs of unattested batches are read from, separated by commas",
    )


class ArchiveSettings(Settings):
    """Where blobs are kept past the 18 days that beacon nodes keep them."""

    archive_dir: ArchiveAddress = Field(
        validation_alias="ARCHIVE_DIR",
        default_factory=lambda: state_folder() / "archive",
        description="Blob archive, content-addressed by versioned hash: a folder, or an object store's address as"
        " fsspec understands it (s3://bucket/prefix)",
    )


class AttributionSettings(Settings):
    """Where the texts of registered datasets and the index over them are."""

    attribution_dir: Path = Field(
        validation_alias="ATTRIBUTION_DIR",
        default_factory=lambda: state_folder() / "attribution",
        description="Folder of the library of registered texts, made by `tributary attribution index`",
    )
