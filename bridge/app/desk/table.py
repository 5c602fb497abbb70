"""Every operation of the admin API, in the order of the OpenAPI document. The pages use the same operations by name.

To add an operation, add an entry here, with a method that takes the person and the parameters and returns a dataclass.
"""

from bridge.admin.operation import Act, Given, Nothing, Operation, Role
from bridge.app.build import Bridge
from bridge.app.desk import (
    actions,
    changed,
    compare,
    examined,
    instructions,
    mappings,
    overview,
    planned,
    records,
    runs,
    verified,
    work,
)
from bridge.app.desk.requesting import Outcome

GET, POST = "GET", "POST"
READ, OPERATE = Role.READ, Role.OPERATE
RECORD = "/records/{side}/{entity}/{record}"


def operations(bridge: Bridge) -> tuple[Operation, ...]:
    """Return all operations of this bridge."""
    return (
        *_state(bridge),
        *_files(bridge),
        *_looks(bridge),
        *_on_records(bridge),
        *_instructions(bridge),
        *_on_mappings(bridge),
        *_on_systems(bridge),
        *_on_accounts(bridge),
    )


def _state(bridge: Bridge) -> tuple[Operation, ...]:
    front, finder, comparer = overview.Front(bridge), records.Finder(bridge), compare.Comparer(bridge)
    desk, background, accounts = work.Desk(bridge), runs.Background(bridge), changed.Accounts(bridge)
    return (
        Operation(
            "overview", GET, "/overview", "The state of all parts", READ, Nothing, overview.Overview, front.overview
        ),
        Operation("search", GET, "/records", "Find records", READ, records.Search, records.Hits, finder.search),
        Operation(
            "record", GET, RECORD, "Everything known of a record", READ, records.Which, records.Story, finder.story
        ),
        Operation(
            "compare",
            GET,
            f"{RECORD}/compare/{{mapping}}",
            "Read both records of a pair now, and show what would be written",
            READ,
            compare.WhichPair,
            compare.Comparison,
            comparer.compare,
        ),
        Operation("waiting", GET, "/waiting", "What waits and why", READ, work.Part, work.Waiting, desk.waiting),
        Operation("letters", GET, "/dead-letters", "What needs a person", READ, work.Part, work.Letters, desk.letters),
        Operation("conflicts", GET, "/conflicts", "Fields to choose", READ, Nothing, work.Conflicts, desk.conflicts),
        Operation("hooks", GET, "/hooks", "Hooks at the vendors", READ, Nothing, runs.Hooks, background.hooks),
        Operation(
            "changed", GET, "/columns", "What accounts changed", READ, Nothing, changed.Changed, accounts.changed
        ),
        Operation("runs", GET, "/runs", "Sweeps and backfills", READ, Nothing, runs.Runs, background.runs),
    )


def _files(bridge: Bridge) -> tuple[Operation, ...]:
    library, office = mappings.Library(bridge), actions.Actions(bridge)
    return (
        Operation("mappings", GET, "/mappings", "Every mapping", READ, Nothing, mappings.Cards, library.mappings),
        Operation(
            "mapping",
            GET,
            "/mappings/{mapping}",
            "A mapping file",
            READ,
            mappings.Named,
            mappings.Table,
            library.mapping,
        ),
        Operation(
            "checks",
            GET,
            "/mappings/{mapping}/checks",
            "Round-trip checks and examples of a mapping",
            READ,
            mappings.Named,
            mappings.Checks,
            library.checks,
        ),
        Operation(
            "trial",
            POST,
            "/mappings/{mapping}/try",
            "What a mapping makes of a record; nothing is written",
            READ,
            mappings.Trial,
            mappings.Tried,
            library.trial,
        ),
        Operation(
            "settings", GET, "/settings", "The settings, no secrets", READ, Nothing, actions.Shown, office.settings
        ),
        Operation("log", GET, "/audit", "What people did", READ, actions.Page, actions.Log, office.log),
        Operation(
            "request",
            GET,
            "/requests/{request}",
            "The result of a request",
            READ,
            actions.Number,
            Outcome,
            office.request,
        ),
    )


def _looks(bridge: Bridge) -> tuple[Operation, ...]:
    """Return the long looks. They run in the background: a POST starts one, and the GET at its address returns the
    result."""
    plans, doctor, verifier = planned.Plans(bridge), examined.Doctor(bridge), verified.Verifications(bridge)
    verify = "/mappings/{mapping}/verify"
    look, file = planned.PlanLook, verified.VerifyLook
    return (
        Operation("plan", GET, "/plan", "The last plan", READ, Nothing, look, plans.plan),
        Operation(
            "make_plan", POST, "/plan", "Make a plan; nothing is written", OPERATE, planned.Planning, look, plans.make
        ),
        Operation(
            "doctor", GET, "/doctor", "The doctor's last findings", READ, Nothing, examined.DoctorLook, doctor.said
        ),
        Operation(
            "examine",
            POST,
            "/doctor",
            "Check every part; nothing is changed",
            OPERATE,
            examined.Examining,
            examined.DoctorLook,
            doctor.examine,
        ),
        Operation("verified", GET, verify, "Whether both sides agree", READ, mappings.Named, file, verifier.verified),
        Operation(
            "verify",
            POST,
            verify,
            "Read both sides and show what differs; nothing is written",
            OPERATE,
            verified.Verifying,
            file,
            verifier.verify,
        ),
        Operation(
            "verify_and_repair",
            POST,
            f"{verify}/repair",
            "Verify, and mark what differs as due",
            OPERATE,
            verified.Verifying,
            file,
            verifier.repair,
            "Verify and repair? Records that differ or are missing are synced, which writes to the other system.",
        ),
    )


def _does(name: str, path: str, about: str, given: type[Given], act: Act, sure: str = "") -> Operation:
    return Operation(name, POST, path, about, OPERATE, given, Outcome, act, sure)


def _shows(name: str, path: str, about: str, given: type[Given], act: Act, sure: str) -> Operation:
    return Operation(name, POST, path, about, OPERATE, given, Outcome, act, sure, shows_first=True)


def _instructions(bridge: Bridge) -> tuple[Operation, ...]:
    office = instructions.Instructions(bridge)
    back = "Undo this? Overwritten values are restored, and created records are removed or unlinked."
    return (
        _shows("undo", f"{RECORD}/undo", "Undo writes to a record", instructions.Undoing, office.undo, back),
        _shows("undo_run", "/runs/undo", "Undo all writes of a run", instructions.UndoingRun, office.undo_run, back),
        _shows(
            "undo_mapping",
            "/mappings/{mapping}/undo",
            "Undo all writes of a mapping since a time",
            instructions.UndoingMapping,
            office.undo_mapping,
            back,
        ),
        _shows(
            "link",
            f"{RECORD}/link",
            "Link two records",
            instructions.Linking,
            office.link,
            "Link these records? Differing fields are written.",
        ),
        _shows(
            "unlink",
            f"{RECORD}/unlink",
            "End a pair",
            instructions.Unlinking,
            office.unlink,
            "End this pair? Both records stay, and are left alone until one of them is edited.",
        ),
        _shows(
            "restore",
            f"{RECORD}/restore",
            "Create a deleted record again",
            instructions.Restoring,
            office.restore,
            "Create this record again? It gets a new id at its system.",
        ),
    )


def _on_records(bridge: Bridge) -> tuple[Operation, ...]:
    office = actions.Actions(bridge)
    return (
        _does(
            "resync",
            f"{RECORD}/resync",
            "Sync a record now",
            actions.Noted,
            office.resync,
            "Sync this record now? Differing fields are written to the other system.",
        ),
        _does(
            "retry",
            "/dead-letters/retry",
            "Try dead letters again",
            actions.Some,
            office.retry,
            "Try again? Differing fields are written to the other system.",
        ),
        _does(
            "discard",
            "/dead-letters/discard",
            "Discard dead letters",
            actions.Some,
            office.discard,
            "Discard? Nothing is written; a later change of the record is synced again.",
        ),
        _does(
            "choose",
            "/conflicts/choose",
            "Choose one side's value of a field",
            actions.Chosen,
            office.choose,
            "Use this value for both sides? The other system's value is overwritten; the journal keeps it.",
        ),
    )


def _on_mappings(bridge: Bridge) -> tuple[Operation, ...]:
    office = actions.Actions(bridge)
    return (
        _does("pause", "/mappings/{mapping}/pause", "Stop writing", actions.Pausing, office.pause),
        _does(
            "resume",
            "/mappings/{mapping}/resume",
            "Continue writing",
            mappings.Named,
            office.resume,
            "Continue writing? Waiting changes are written now.",
        ),
        _does(
            "approve",
            "/mappings/{mapping}/approve",
            "Allow held deletes",
            actions.Approving,
            office.approve,
            "Allow the held deletes? These records are deleted or archived at the other system.",
        ),
        _does(
            "backfill",
            "/mappings/{mapping}/backfill",
            "Sync records from before going live",
            actions.Filling,
            office.backfill,
            "Sync the records from before going live? They are written to the other system.",
        ),
        _does(
            "mode",
            "/mappings/{mapping}/mode",
            "Set a mapping live, or back to shadow",
            actions.Moding,
            office.mode,
            "Change the mode? A live mapping writes from now on; in shadow mode it decides and writes nothing. "
            "The settings file is changed as well.",
        ),
    )


def _on_systems(bridge: Bridge) -> tuple[Operation, ...]:
    office = actions.Actions(bridge)
    return (
        _does(
            "reconcile",
            "/reconcile",
            "Compare both sides",
            actions.Comparing,
            office.reconcile,
            "Compare both sides now? Differences are written.",
        ),
        _does(
            "repair",
            "/hooks/repair",
            "Compare and repair hooks",
            Nothing,
            office.repair_hooks,
            "Compare hooks now? Missing ones are registered at the vendors.",
        ),
        _does(
            "rotate",
            "/systems/{system}/rotate-hooks",
            "Give every hook a new address and secret",
            actions.Rotating,
            office.rotate_hooks,
            "Rotate the hooks of this system? Each new hook is registered before the old one is removed.",
        ),
        _does(
            "resume_system",
            "/systems/{system}/resume",
            "End a pause that a vendor asked for",
            actions.SystemNamed,
            office.resume_system,
            "End the pause that the vendor asked for? The bridge calls it again at once.",
        ),
        _does(
            "check_system",
            "/systems/{system}/check",
            "Check whether a system answers",
            actions.SystemNamed,
            office.check_system,
        ),
    )


def _on_accounts(bridge: Bridge) -> tuple[Operation, ...]:
    office, accounts = actions.Actions(bridge), changed.Accounts(bridge)
    return (
        _does(
            "stop_hook",
            "/systems/{system}/stop-hook",
            "Remove a hook on purpose",
            actions.Stopping,
            office.stop_hook,
            "Stop this hook? It is removed at the vendor, and sweeps find its changes until you start it again.",
        ),
        _does(
            "start_hook",
            "/systems/{system}/start-hook",
            "Register a stopped hook again",
            actions.HookNamed,
            office.start_hook,
            "Start this hook? It is registered at the vendor again.",
        ),
        _does(
            "accept_columns",
            "/systems/{system}/accept-columns",
            "Accept columns of an account as they are now",
            changed.Accepting,
            accounts.accept_columns,
            "Accept this as it is? Only later changes are reported; mapping files stay as they are.",
        ),
        _does(
            "accept_names",
            "/systems/{system}/accept-names",
            "Accept the new names of an account",
            actions.SystemNamed,
            accounts.accept_names,
            "Accept the new names? Mapping files must use them, so correct the files first.",
        ),
    )
