"""The hooks' tokens and how the hooks sign, as learned. They are in the vault (encrypted, shared by all instances)."""

from collections.abc import Mapping

from bridge.connectors.entrust.signature import Registered
from bridge.connectors.protocols import TokenVault
from bridge.domain.frozen import dataclass
from bridge.domain.seams import Clock, epoch

OVERLAP_SECONDS = 600.0  # the token of a replaced hook is accepted this long, for deliveries under way
_CARRIED = ("id", "url", "token", "form")


@dataclass(frozen=True, slots=True)
class Known:
    """`hooks`: those whose deliveries are accepted now. `scheme`: how the last deliveries were
    signed, "" before the first one."""

    hooks: tuple[Registered, ...] = ()
    scheme: str = ""


class HookTokens:
    def __init__(self, system: str, vault: TokenVault, clock: Clock) -> None:
        self._system, self._vault, self._clock = system, vault, clock
        self._seen: dict[str, Mapping[str, str]] = {}

    async def id_of(self, key: str) -> str | None:
        """The vendor's id of the hook whose token is in the vault."""
        return (await self._load(key)).get("id")

    async def keep(self, key: str, hook_id: str, url: str, token: str) -> None:
        """Store a new hook's token. The token before it is accepted for `OVERLAP_SECONDS` longer."""

        async def work() -> None:
            before = await self._load(key)
            kept = {"id": hook_id, "url": url, "token": token}
            if before.get("token"):
                kept |= {f"old_{name}": before[name] for name in _CARRIED if name in before}
                kept["old_until"] = str(epoch(self._clock.now()) + OVERLAP_SECONDS)
            await self._save(key, kept)

        await self._vault.exclusive(self._name(key), work)

    async def filter_stays(self, key: str) -> bool:
        """Whether our hook showed a filter immediately after it was created."""
        return bool((await self._load(key)).get("filter"))

    async def keep_filter(self, key: str) -> None:
        async def work() -> None:
            await self._save(key, {**await self._load(key), "filter": "stays"})

        await self._vault.exclusive(self._name(key), work)

    async def known(self, key: str, *, again: bool) -> Known:
        """What is known about a hook, from memory or (`again`) from the vault: another instance
        may have created the hook."""
        kept = self._seen.get(key)
        if again or kept is None:
            kept = await self._load(key)
        hooks = [_registered(kept, "")] if kept.get("token") else []
        if kept.get("old_token") and epoch(self._clock.now()) < float(kept["old_until"]):
            hooks.append(_registered(kept, "old_"))
        return Known(tuple(hooks), kept.get("scheme", ""))

    async def learn(self, key: str, hook: Registered, scheme: str, form: str) -> None:
        """Store how a verified delivery was signed. From now on, an older scheme or another
        form of the key is rejected."""

        async def work() -> None:
            kept = dict(await self._load(key))
            for prefix in ("", "old_"):
                if kept.get(f"{prefix}token") == hook.token:
                    kept[f"{prefix}form"] = form
                    kept["scheme"] = scheme
            await self._save(key, kept)

        await self._vault.exclusive(self._name(key), work)

    async def _load(self, key: str) -> Mapping[str, str]:
        self._seen[key] = await self._vault.load(self._name(key)) or {}
        return self._seen[key]

    async def _save(self, key: str, kept: Mapping[str, str]) -> None:
        await self._vault.save(self._name(key), kept)
        self._seen[key] = kept

    def _name(self, key: str) -> str:
        return f"{self._system}/webhook/{key}"


def _registered(kept: Mapping[str, str], prefix: str) -> Registered:
    return Registered(kept[f"{prefix}url"], kept[f"{prefix}token"], kept.get(f"{prefix}form", ""))
