"""Settings: what the administrator decides before the start; read once, never changed while running.

Every field is an environment variable `FILMLESS_<NAME>` and is documented in `docs/settings.md` (a house test
holds the page). What may change at run time (nodes, users) lives in tables instead.
"""

from datetime import tzinfo
from pathlib import Path
from typing import Literal
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from pydantic import Field, ValidationError, field_validator
from pydantic_settings import BaseSettings, SettingsConfigDict

from filmless.infra.errors import Invalid


class Settings(BaseSettings):
    """All settings of one installation; immutable."""

    model_config = SettingsConfigDict(env_prefix="FILMLESS_", frozen=True, extra="ignore")

    data: Path = Field(default=Path("data"), description="Folder of the database and the images.")
    bind: str = Field(default="127.0.0.1", description="Address that the servers listen on.")
    http_port: int = Field(
        default=8000, ge=0, le=65535, description="Port of the web application and DICOMweb."
    )
    dicom_port: int = Field(default=11112, ge=0, le=65535, description="Port of the DICOM server.")
    dicom_tls_port: int = Field(
        default=2762, ge=0, le=65535, description="Port of the DICOM server over TLS; 0: none."
    )
    dicom_tls_certificate: str = Field(
        default="",
        description="PEM file of our TLS certificate and its issuers; empty: one made by ourselves.",
    )
    dicom_tls_key: str = Field(
        default="", description="PEM file of its key, without pass phrase; empty: in the certificate's file."
    )
    dicom_tls_ca: str = Field(
        default="", description="PEM file of the authorities whose certificates DICOM peers may show."
    )
    dicom_tls_client_certificate: Literal["optional", "required"] = Field(
        default="optional",
        description="Whether a caller on the TLS port may show no certificate; one it shows must be known.",
    )
    dicom_tls_profile: Literal["bcp195", "modified"] = Field(
        default="bcp195", description="TLS profile of PS3.15: B.12 `bcp195` or B.13 `modified`."
    )
    ae_title: str = Field(
        default="FILMLESS", min_length=1, max_length=16, description="Our Application Entity title."
    )
    database_url: str = Field(
        default="",
        description="SQLAlchemy URL; empty: SQLite in the data folder. postgresql:// for a server.",
    )
    object_store_url: str = Field(
        default="",
        description="Where image bytes live; empty: `objects` in the data folder. s3://bucket/prefix for S3.",
    )
    accept_unknown_nodes: bool = Field(
        default=False, description="Whether DICOM peers that nobody registered may send images."
    )
    called_ae_title_must_match: bool = Field(
        default=False, description="Whether a peer must address us by our own AE title."
    )
    accept_unknown_sop_classes: bool = Field(
        default=True, description="Whether private and future storage SOP classes are stored."
    )
    public_url: str = Field(
        default="",
        description="Address that browsers use, as https://pacs.example.org; empty: HTTP as bound.",
    )
    time_zone: str = Field(
        default="",
        description="Where the department is, as Europe/Vienna, for hours in rules; empty: as the machine.",
    )
    workers: int = Field(default=1, ge=1, le=64, description="Web server processes.")
    log_format: str = Field(
        default="text", pattern="^(text|json)$", description="`text` for people, `json` for machines."
    )

    @field_validator("time_zone")
    @classmethod
    def _is_a_zone(cls, name: str) -> str:
        try:
            if name:
                ZoneInfo(name)
        except (ValueError, ZoneInfoNotFoundError, OSError):
            raise ValueError("no time zone has this name; write it as Europe/Vienna") from None
        return name

    @classmethod
    def load(cls) -> "Settings":
        """Read the environment; raises Invalid with the names of all wrong variables."""
        try:
            return cls()
        except ValidationError as error:
            lines = [
                f"FILMLESS_{str(problem['loc'][0]).upper()}: {problem['msg']}" for problem in error.errors()
            ]
            raise Invalid("These settings are wrong: " + "; ".join(lines)) from None

    @property
    def effective_database_url(self) -> str:
        """The database URL with the default filled in and the driver named."""
        if not self.database_url:
            return f"sqlite:///{self.data.absolute() / 'filmless.sqlite3'}"
        if self.database_url.startswith("postgresql://"):
            return self.database_url.replace("postgresql://", "postgresql+psycopg://", 1)
        return self.database_url

    @property
    def effective_object_store_url(self) -> str:
        """The object store URL with the default filled in."""
        return self.object_store_url or (self.data.absolute() / "objects").as_uri()

    @property
    def zone(self) -> tzinfo | None:
        """The department's time zone; None is the machine's own."""
        return ZoneInfo(self.time_zone) if self.time_zone else None

    @property
    def binds_beyond_loopback(self) -> bool:
        """Whether other machines can reach us."""
        return self.bind not in ("127.0.0.1", "::1", "localhost")
