"""The secrets that hooks sign with. They are in the vault (encrypted, shared by all instances)."""

from collections.abc import Mapping, Sequence

from bridge.connectors.protocols import TokenVault
from bridge.domain.seams import Clock, epoch

OVERLAP_SECONDS = 600.0  # the former secret is accepted this long, for deliveries under way


class HookSecrets:
    def __init__(self, system: str, vault: TokenVault, clock: Clock) -> None:
        self._system, self._vault, self._clock = system, vault, clock
        self._seen: dict[str, Mapping[str, str]] = {}

    async def id_of(self, key: str) -> str | None:
        """The id of the hook whose secret is in the vault."""
        return (await self._load(key)).get("id")

    async def keep(self, key: str, hook_id: str, secret: str) -> None:
        """Store a new secret. The former one is accepted for `OVERLAP_SECONDS` longer."""

        async def work() -> None:
            before = await self._load(key)
            kept = {"id": hook_id, "secret": secret}
            if before.get("secret"):
                kept |= {"former": before["secret"], "until": str(epoch(self._clock.now()) + OVERLAP_SECONDS)}
            await self._vault.save(self._name(key), kept)
            self._seen[key] = kept

        await self._vault.exclusive(self._name(key), work)

    async def of(self, key: str, *, again: bool = False) -> Sequence[str]:
        """The secrets that are accepted now. `again`: read the vault, where another instance
        may have stored a new one."""
        kept = self._seen.get(key)
        if again or kept is None:
            kept = await self._load(key)
        former = kept.get("former") if epoch(self._clock.now()) < float(kept.get("until", "0")) else None
        return [secret for secret in (kept.get("secret"), former) if secret]

    async def _load(self, key: str) -> Mapping[str, str]:
        self._seen[key] = await self._vault.load(self._name(key)) or {}
        return self._seen[key]

    def _name(self, key: str) -> str:
        return f"{self._system}/webhook/{key}"
