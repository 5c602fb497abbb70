"""Carries out the requests that commands and pages write into the store, and answers them."""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Any, TypeVar

from bridge.app import undo
from bridge.app.build import Bridge, reload
from bridge.app.columns import used_names
from bridge.app.status import behind_rows
from bridge.app.verification import AfterRestore
from bridge.app.waiting import known_code
from bridge.app.why import places
from bridge.app.wording import moment, record_name
from bridge.domain.errors import BridgeError, ConfigError, RemoteError
from bridge.domain.event import Event, EventKind, Origin
from bridge.domain.patience import when_store_is_back
from bridge.domain.record import SIDES
from bridge.domain.run import Kind
from bridge.store.model import ON_PURPOSE, STOPPED, HookRow, JournalEntry, Mode, TaskKey
from bridge.store.requests import RESTORED, Answer, Request
from bridge.store.standing import NEVER, open_conflicts
from bridge.sync.reasons import SHADOW, Reason

log = logging.getLogger(__name__)

T = TypeVar("T")

POLL_SECONDS = 0.5
KEEP_SECONDS = 20.0  # well within store.requests.ABANDONED_SECONDS
Arguments = Mapping[str, Any]


class NotDone(BridgeError):
    """A request was not carried out; the text says why and what to do."""


class Requests:
    """One loop per process. The instance that took a request carries it out."""

    def __init__(self, bridge: Bridge) -> None:
        self._bridge = bridge
        self._mine: set[int] = set()
        self._restored = AfterRestore(bridge)
        self._acts: dict[str, Callable[[Arguments], Awaitable[str]]] = {
            "reconcile": self._reconcile,
            "backfill": self._backfill,
            "pause": self._pause,
            "resume": self._resume,
            "approve": self._approve,
            "resync": self._resync,
            "hooks repair": self._repair,
            "hooks remove": self._remove,
            "hooks rotate": self._rotate,
            "hooks stop": self._stop_hook,
            "hooks start": self._start_hook,
            "conflicts choose": self._choose,
            "names accept": self._accept_names,
            "columns accept": self._accept_columns,
            "systems check": self._check_system,
            "mode": self._reload,
            "dead-letters retry": self._retry,
            "dead-letters discard": self._discard,
            "undo": self._undo,
            "link": self._link,
            "unlink": self._unlink,
            "restore": self._restore,
            RESTORED: self._verify_restored,
        }

    async def run(self) -> None:
        """Carry out requests, several at once, because a pause must not wait for a long sweep. Runs until cancelled."""
        store, clock = self._bridge.store.requests, self._bridge.seams.clock
        async with asyncio.TaskGroup() as under_way:
            under_way.create_task(self._keep())
            while True:
                for request in await self._patiently(store.take):
                    self._mine.add(request.id)
                    under_way.create_task(self._do(request))
                await clock.sleep(POLL_SECONDS)

    async def _keep(self) -> None:
        """Keep other instances from taking over the requests that run here."""
        while True:
            await self._bridge.seams.clock.sleep(KEEP_SECONDS)
            if self._mine:
                await self._patiently(lambda: self._bridge.store.requests.keep(self._mine))

    async def _do(self, request: Request) -> None:
        answer = await self.answer(request)
        await self._patiently(lambda: self._bridge.store.requests.done(request.id, answer))
        self._mine.discard(request.id)

    async def _patiently(self, work: Callable[[], Awaitable[T]]) -> T:
        """Wait until the store is reachable, so that no request stays unanswered and none ends the others."""
        return await when_store_is_back(self._bridge.seams.clock, work)

    async def answer(self, request: Request) -> Answer:
        """Carry out the request, and return its answer."""
        try:
            text = await self._act(request)
        except ConfigError as error:
            return Answer("; ".join(str(problem) for problem in error.problems), failed=True)
        except BridgeError as error:
            return Answer(str(error), failed=True)
        except Exception:
            log.exception("request failed", extra={"request": request.kind})
            return Answer(f"{request.kind} failed unexpectedly; the bridge's log has the reason", failed=True)
        log.info("request done", extra={"request": request.kind, "answer": text})
        return Answer(text)

    async def _act(self, request: Request) -> str:
        act = self._acts.get(request.kind)
        if act is None:
            raise NotDone(f"this bridge does not know the request `{request.kind}`")
        return await act({**request.arguments, "request": request.id})

    def _known(self, mapping: str | None) -> None:
        if mapping is not None and mapping not in self._bridge.plan.mappings:
            known = ", ".join(sorted(self._bridge.plan.mappings))
            raise NotDone(f"no mapping is called `{mapping}`; known: {known}")

    async def _reconcile(self, arguments: Arguments) -> str:
        mapping, kind = arguments.get("mapping"), "full" if arguments.get("full") else "incremental"
        self._known(mapping)
        plan = self._bridge.plan
        wanted = sorted(
            key for key, routes in plan.routes.items() if mapping is None or mapping in {r.mapping for r in routes}
        )
        return "\n".join([str(await self._bridge.reconciler.sweep(*key, kind)) for key in wanted])

    async def _backfill(self, arguments: Arguments) -> str:
        mapping, preview = arguments["mapping"], bool(arguments.get("preview"))
        self._known(mapping)
        behind = "" if self._bridge.plan.scopes[mapping].mode is Mode.SHADOW else await self._behind(mapping, preview)
        report = await self._bridge.reconciler.backfill(mapping, preview=preview)
        later = "; it continues by itself" if report.fault and not preview else ""
        return f"{report}{later}{behind}"

    async def _behind(self, mapping: str, preview: bool) -> str:
        """Mark as due what shadow mode decided, including deleted records, which no listing shows."""
        left_alone = self._bridge.store.left_alone
        if preview:
            number = sum((await left_alone.numbers(SHADOW)).get(mapping, {}).values())
            told = "1 record was" if number == 1 else f"{number} records were"
            return f"; {told} decided in shadow mode and would be synced" if number else ""
        number = await left_alone.make_due_again(mapping, SHADOW)
        if not number:
            return ""
        which, are = ("1 record", "is") if number == 1 else (f"{number} records", "are")
        return f"; {which} decided in shadow mode {are} due"

    async def _pause(self, arguments: Arguments) -> str:
        return await self._set_paused(arguments, True)

    async def _resume(self, arguments: Arguments) -> str:
        """Resume a mapping or all of them, or end the pause that the vendor of a system asked for."""
        name = arguments.get("mapping")
        if name in self._bridge.connectors and name not in self._bridge.plan.mappings:
            return await self._end_pause(str(name))
        return await self._set_paused(arguments, False)

    async def _end_pause(self, system: str) -> str:
        bridge = self._bridge
        if not await bridge.store.budgets.end_pause(system):
            return f"{system}: it is not paused"
        mappings = [
            name for name, scope in bridge.plan.scopes.items() if system in (scope.left.system, scope.right.system)
        ]
        due = await bridge.store.tasks.make_due_now(mappings)
        return f"{system}: the pause is over; {due} waiting records are due now"

    async def _set_paused(self, arguments: Arguments, paused: bool) -> str:
        mapping = arguments.get("mapping")
        self._known(mapping)
        await self._bridge.store.mappings.set_paused(mapping, paused, str(arguments.get("reason") or ""))
        self._bridge.store.wake.set()
        return f"{mapping or 'all mappings'}: {'paused; callbacks are still accepted' if paused else 'writing again'}"

    async def _approve(self, arguments: Arguments) -> str:
        mapping, minutes = arguments["mapping"], float(arguments.get("minutes", 60))
        self._known(mapping)
        await self._bridge.store.mappings.approve(mapping, self._bridge.store.now() + minutes * 60)
        due = await self._bridge.store.tasks.make_due_now([mapping], Reason.THRESHOLD_REACHED)
        held = f"{due} held records are due now" if due else "none is held now"
        return f"{mapping}: deletes are allowed for {minutes:.0f} minutes; {held}"

    async def _resync(self, arguments: Arguments) -> str:
        plan, record = self._bridge.plan, str(arguments["record"])
        found = places(plan.scopes, str(arguments["side"]), str(arguments["entity"]))
        endpoint = found[0][0].endpoint(found[0][1])
        event = Event(endpoint.system, endpoint.entity, record, EventKind.CHANGED, Origin.PERSON)
        await self._bridge.store.events.accept([event], plan.routes)
        return f"{arguments['side']} {arguments['entity']} {record} is due; `bridge why` shows the result"

    async def _choose(self, arguments: Arguments) -> str:
        """Choose a side. If several mappings have the record, the choice applies to those in which the field waits for
        it."""
        plan, store = self._bridge.plan, self._bridge.store
        side, entity, record, winner = (str(arguments[name]) for name in ("side", "entity", "record", "winner"))
        fields, told = list[str](), list[str]()
        for scope, which in places(plan.scopes, side, entity):
            mapping = plan.mappings[scope.mapping]
            sides = {mapping.side(one).name: one for one in SIDES}
            if winner not in sides:
                raise NotDone(f"mapping {scope.mapping} has no side `{winner}`; it has {' and '.join(sides)}")
            link = await store.links.of(scope.mapping, which, record)
            waiting = [question.field for question in open_conflicts(link)] if link else []
            fields += waiting
            wanted = [name for name in waiting if arguments["field"] in (name, "all")]
            if link is not None and wanted:
                told += await store.conflicts.choose(link.id, wanted, sides[winner])
        if not told:
            known = f"; waiting: {', '.join(fields)}" if fields else "; no field of this record waits for a choice"
            raise NotDone(f"no conflict over `{arguments['field']}`{known}")
        await self._resync(arguments)
        return f"{', '.join(told)} of {side} {entity} {record}: both sides get the value of {winner}"

    async def _accept_names(self, arguments: Arguments) -> str:
        system = str(arguments["system"])
        connector = self._bridge.connectors.get(system)
        if connector is None:
            raise NotDone(f"no system is called `{system}`; known: {', '.join(sorted(self._bridge.connectors))}")
        accepted = await self._bridge.store.names.accept(system)
        told = [f"{one.what}: {one.name!r} is {one.today!r} now" for one in accepted]
        used = used_names(self._bridge.plan.mappings, self._bridge.plan.scopes).get(system, set())
        told += [
            f"mapping files still say {one.name!r}: write {one.today!r} there, else it is not read or written any more"
            for one in accepted
            if one.name in used
        ]
        try:
            for entity in connector.manifest.entities if told else ():
                await connector.columns(entity)  # loads the lists again
        except RemoteError as error:
            told.append(f"the account could not be read again ({error}); its lists are read again within an hour")
        return "\n".join(told) or f"nothing was renamed in {system}"

    async def _accept_columns(self, arguments: Arguments) -> str:
        system, column = str(arguments["system"]), arguments.get("column")
        if system not in self._bridge.connectors:
            raise NotDone(f"no system is called `{system}`; known: {', '.join(sorted(self._bridge.connectors))}")
        accepted = [
            f"{one.entity}: `{change['column']}` {change['text']}"
            for one in await self._bridge.store.account_columns.accept(system, column)
            for change in one.changes
        ]
        return "\n".join(accepted) or f"nothing has changed in {f'`{column}` of ' if column else ''}{system}"

    async def _check_system(self, arguments: Arguments) -> str:
        system = str(arguments["system"])
        if system not in self._bridge.connectors:
            raise NotDone(f"the running bridge has no system `{system}`: restart it to load the settings")
        unusable = await self._bridge.systems.check(system)
        if unusable:
            raise NotDone(unusable)
        return f"the running bridge works with {system}"

    async def _reload(self, arguments: Arguments) -> str:
        """Reload mapping files and modes. If `mapping` is given, the answer names its mode."""
        problems = await reload(self._bridge)
        if problems:
            raise NotDone("the old mapping files and modes stay in use: " + "; ".join(problems))
        name = arguments.get("mapping")
        if name is None:
            return f"{len(self._bridge.plan.scopes)} mappings were reloaded"
        self._known(name)
        mode = self._bridge.plan.scopes[name].mode
        if (wanted := arguments.get("mode")) not in (None, mode.value):
            path = self._bridge.settings.places.path
            raise NotDone(
                f"{name} is {mode.value} and not {wanted}: {path} of the instance that answered says so. With several "
                f"instances, each has a settings file: set the mode in all of them, then send SIGHUP to each"
            )
        told = f"{name} is {mode.value} from now on"
        if mode is Mode.SHADOW:
            return f"{told}: the bridge decides, but writes nothing"
        store = self._bridge.store
        left = await store.left_alone.numbers(SHADOW | {NEVER})
        rows = await behind_rows(store, self._bridge.plan.scopes, await store.mappings.states(), left)
        behind = [row for row in rows if row["mapping"] == name]
        number = sum(int(str(row["records"])) for row in behind)
        return (
            f"{told}; records that stay behind until somebody edits them: {number}. "
            f"`bridge backfill {name} --preview` shows what syncing them would do, `bridge backfill {name}` does it"
            if number
            else told
        )

    async def _verify_restored(self, arguments: Arguments) -> str:
        """Verify a mapping after a restore. This waits without a limit: for the comparison of both sides, for waiting
        records, or for a person to resume the mapping."""
        return await self._restored.verified(str(arguments["mapping"]), float(arguments["since"]))

    async def _repair(self, arguments: Arguments) -> str:
        return str(await self._bridge.keeper.repair())

    async def _remove(self, arguments: Arguments) -> str:
        return str(await self._bridge.keeper.remove_all())

    async def _rotate(self, arguments: Arguments) -> str:
        system, hours = str(arguments["system"]), float(arguments.get("overlap", 24))
        if system not in self._bridge.connectors:
            raise NotDone(f"no system is called `{system}`; known: {', '.join(sorted(self._bridge.connectors))}")
        audit = await self._bridge.keeper.rotate(system, hours * 3600)
        if audit.problems:
            raise NotDone(str(audit))
        until = moment(self._bridge.store.now() + hours * 3600)
        return f"{system}: {len(audit.created)} hooks have new addresses; the old ones stay valid until {until}"

    def _hook(self, arguments: Arguments) -> tuple[str, str]:
        """Return the system and key of a hook that a mapping needs. Raises NotDone."""
        system, key = str(arguments["system"]), str(arguments["hook"])
        if system not in self._bridge.connectors:
            raise NotDone(f"no system is called `{system}`; known: {', '.join(sorted(self._bridge.connectors))}")
        known = self._bridge.keeper.keys(system)
        if key not in known:
            told = f"known: {', '.join(sorted(known))}" if known else "it needs none"
            raise NotDone(f"{system} has no hook `{key}` that a mapping needs; {told}")
        return system, key

    async def _stop_hook(self, arguments: Arguments) -> str:
        system, key = self._hook(arguments)
        reason = str(arguments.get("reason") or "")
        audit = await self._bridge.keeper.stop(system, key, f"stopped by a person{f': {reason}' if reason else ''}")
        row, problem = await self._hook_row(system, key), audit.problems.get(system, "see `bridge hooks list`")
        if row is None or row.state != STOPPED:
            raise NotDone(f"{system} {key} is not stopped: {problem}")
        later = f"; it is removed at the vendor as soon as possible ({problem})" if row.vendor_id is not None else ""
        return f"{system} {key} is stopped until `bridge hooks start {system} {key}`; sweeps find its changes{later}"

    async def _start_hook(self, arguments: Arguments) -> str:
        system, key = self._hook(arguments)
        if key in self._bridge.settings.systems[system].hooks_off:
            where = f"systems.{system}.hooks_off"
            raise NotDone(f"the settings stop it: remove `{key}` from {where} and restart the bridge")
        audit = await self._bridge.keeper.start(system, key)
        row, problem = await self._hook_row(system, key), audit.problems.get(system, "see `bridge hooks list`")
        if row is not None and row.state in ON_PURPOSE:
            raise NotDone(f"{system} {key} is still stopped: {problem}")
        if row is None or row.state != "registered":
            raise NotDone(f"{system} {key} is not registered yet: {problem}")
        return f"{system} {key} is registered; a sweep finds what changed meanwhile"

    async def _hook_row(self, system: str, key: str) -> HookRow | None:
        return next((row for row in await self._bridge.store.hooks.all(system) if row.key == key), None)

    async def _retry(self, arguments: Arguments) -> str:
        keys = await self._letters(arguments)
        await self._note(keys, "retried", arguments)
        await self._bridge.store.dead_letters.retry(keys)
        self._bridge.store.wake.set()
        return f"{len(keys)} dead {'letter is' if len(keys) == 1 else 'letters are'} tried again"

    async def _discard(self, arguments: Arguments) -> str:
        keys = await self._letters(arguments)
        await self._note(keys, "discarded", arguments)
        await self._bridge.store.dead_letters.discard(keys)
        return f"{len(keys)} dead {'letter is' if len(keys) == 1 else 'letters are'} discarded"

    async def _undo(self, arguments: Arguments) -> str:
        steps = await undo.undone(self._bridge, arguments)
        return await undo.carried_out(self._bridge, arguments, Kind.UNDO, steps)

    async def _link(self, arguments: Arguments) -> str:
        steps = await undo.linked(self._bridge, arguments)
        return await undo.carried_out(self._bridge, arguments, Kind.LINK, steps)

    async def _unlink(self, arguments: Arguments) -> str:
        steps = await undo.unlinked(self._bridge, arguments)
        return await undo.carried_out(self._bridge, arguments, Kind.UNLINK, steps)

    async def _restore(self, arguments: Arguments) -> str:
        steps = await undo.restored(self._bridge, arguments)
        return await undo.carried_out(self._bridge, arguments, Kind.RESTORE, steps)

    async def _note(self, keys: Sequence[TaskKey], what: str, arguments: Arguments) -> None:
        """Add a person's note to the history of each record."""
        if note := str(arguments.get("note") or ""):
            entries = [JournalEntry(key.mapping, key.side, key.record_id, what, f"{what}: {note}") for key in keys]
            await self._bridge.store.journal.append(entries)

    async def _letters(self, arguments: Arguments) -> list[TaskKey]:
        """Return the dead letters that a request means: all, or those of a mapping or a record. Raises NotDone for
        none.

        Those of a former mapping count as well, under the name that `bridge dead-letters list` shows. `code`: only
        those with this reason; `records`: those named as (side, entity, id).
        """
        mapping, record, code = (arguments.get(name) for name in ("mapping", "record", "code"))
        one = " ".join(str(arguments[part]) for part in ("side", "entity", "record")) if "side" in arguments else ""
        named = {" ".join(map(str, parts)) for parts in arguments.get("records") or ()} | ({one} if one else set())
        letters = await self._bridge.store.dead_letters.list(mapping)
        scopes = {**await self._bridge.store.mappings.scopes(), **self._bridge.plan.scopes}
        keys = [
            task.key
            for task, _ in letters
            if (record_name(scopes, task.key) in named if named else record in (None, task.key.record_id))
            and (code is None or known_code(task.code) == code)
        ]
        if keys:
            return keys
        about = f" about {one}" if one else " about these records" if named else ""
        which = "".join([f" of {mapping}" if mapping and not one else "", f" with code {code}" if code else "", about])
        remedy = "`bridge dead-letters list` shows all"
        self._known(mapping)
        raise NotDone(f"there are no dead letters{which}; {remedy}")
