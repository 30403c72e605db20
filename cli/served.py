"""What `oviton try-on` does with `--server`."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from ..data.errors import InputError

if TYPE_CHECKING:
    from ..triton_models.client import TryOnClient


@dataclass(frozen=True)
class ServerWishes:
    """The options of the command line that concern a server, as given."""

    server: str | None
    ca: Path | None
    cert: Path | None
    key: Path | None
    timeout: float | None
    keep_outfit: bool

    def check(self, here: Mapping[str, object], refine: bool) -> None:
        """Refuse options that contradict each other.

        Parameters
        ----------
        here
            Options that choose what runs in this process, by name; None where not given.
        refine
            Whether a refinement is asked for.

        Raises
        ------
        InputError
            Naming the option and the one that it needs or excludes.
        """
        if self.server is None:
            own: dict[str, object] = {"--server-ca": self.ca, "--server-cert": self.cert, "--server-key": self.key}
            own |= {"--server-timeout": self.timeout, "--keep-outfit": self.keep_outfit or None}
            given = [name for name, value in own.items() if value is not None]
            if given:
                raise InputError(f"{given[0]} goes with --server ADDRESS")
            return
        from ..triton_models.client.options import Address

        Address.parse(self.server)
        given = [name for name, value in here.items() if value is not None]
        if given == ["--save-outfit"]:
            raise InputError("--save-outfit: a refined outfit stays on the server; --keep-outfit keeps it there")
        if given:
            raise InputError(f"{given[0]}: the server has its own; it does not go with --server")
        if self.keep_outfit and not refine:
            raise InputError("--keep-outfit goes with --refine STEPS")

    def connect(self) -> TryOnClient:
        """Return a client; nothing is sent yet."""
        from ..triton_models.client import TLS, ClientOptions, TryOnClient

        assert self.server is not None
        tls = TLS(self.ca, self.cert, self.key) if (self.ca, self.cert, self.key) != (None, None, None) else None
        usual = ClientOptions()
        options = ClientOptions(
            timeout=usual.timeout if self.timeout is None else self.timeout,
            refine_timeout=usual.refine_timeout if self.timeout is None else self.timeout,
            tls=tls,
        )
        return TryOnClient(self.server, options)
