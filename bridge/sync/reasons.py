"""Why a record waits, was left alone, or needs a person: codes for programs, and the sentence of each for people."""

from enum import StrEnum
from typing import NamedTuple


class Reason(StrEnum):
    """Stored with the task, shown, and counted. `of` gives the sentence."""

    # It waits.
    READ_TOO_EARLY = "read_too_early"
    READ_STALE = "read_stale"
    EDIT_NOT_SHOWN = "edit_not_shown"
    KEPT_VISIBLE = "kept_visible"
    RECORD_BUSY = "record_busy"
    LINKED_MEANWHILE = "linked_meanwhile"
    CHANGED_MEANWHILE = "changed_meanwhile"
    CHANGED_BEFORE_REMOVAL = "changed_before_removal"
    WENT_AWAY_MEANWHILE = "went_away_meanwhile"
    GONE_A_MOMENT_AGO = "gone_a_moment_ago"
    NOT_THERE_YET = "not_there_yet"
    GONE_ONCE = "gone_once"
    CREATE_UNKNOWN_YET = "create_unknown_yet"
    CREATE_AGAIN = "create_again"
    CREATE_CHECKED = "create_checked"
    CREATE_ELSEWHERE = "create_elsewhere"
    CREATE_HELD_BY_PERSON = "create_held_by_person"
    CREATED_HERE = "created_here"
    WHICH_WAS_CREATED = "which_was_created"
    SURVIVOR_CREATED = "survivor_created"
    FIRST_IS_GONE = "first_is_gone"
    WRITE_UNSETTLED = "write_unsettled"
    WRITE_SETTLED = "write_settled"
    OUTCOME_UNKNOWN = "outcome_unknown"
    PARENT_BUSY = "parent_busy"
    PARENT_WAITED_FOR = "parent_waited_for"
    NAMES_GONE = "names_gone"
    REFUSED_ONCE = "refused_once"
    REFERRING_FIRST = "referring_first"
    LISTING_WAITED_FOR = "listing_waited_for"
    NO_CANARY = "no_canary"
    THRESHOLD_REACHED = "threshold_reached"
    MAPPING_PAUSED = "mapping_paused"
    QUIET = "quiet"
    SYSTEM = "system"
    ATTEMPT = "attempt"
    STORE_AWAY = "store_away"
    # It is left alone.
    IN_SHADOW = "in_shadow"
    WOULD_CREATE = "would_create"
    WOULD_LINK = "would_link"
    WOULD_UPDATE = "would_update"
    WOULD_REMOVE = "would_remove"
    OUTSIDE_WHERE = "outside_where"
    PAIR_OUTSIDE_WHERE = "pair_outside_where"
    IS_NOT_THERE = "is_not_there"
    COUNTERPART_GONE = "counterpart_gone"
    NONE_CREATED_THERE = "none_created_there"
    DUPLICATE_REPORTED = "duplicate_reported"
    DUPLICATE_OF = "duplicate_of"
    FORGOTTEN = "forgotten"
    PARTED = "parted"
    MATCH_PARTED = "match_parted"
    # It is done.
    IN_SYNC = "in_sync"
    OWN_SIDE_IN_SYNC = "own_side_in_sync"
    SETTLED_MEANWHILE = "settled_meanwhile"
    UPDATED = "updated"
    CREATED = "created"
    MATCHED = "matched"
    MERGED = "merged"
    RESTORED = "restored"
    UNLINKED = "unlinked"
    REMOVED = "removed"
    BOTH_GONE = "both_gone"
    REMOVED_BY_US = "removed_by_us"
    DUPLICATE_TAKES_OVER = "duplicate_takes_over"
    INSTRUCTED = "instructed"
    # A person is needed.
    UNTRANSLATABLE = "untranslatable"
    REFERENCE_REJECTED = "reference_rejected"
    SEVERAL_MATCH = "several_match"
    HELD_AS_DUPLICATE = "held_as_duplicate"
    CREATE_UNKNOWN = "create_unknown"
    CREATE_STILL_UNKNOWN = "create_still_unknown"
    NO_CREATE_ANSWERED = "no_create_answered"
    NO_WRITE_ANSWERED = "no_write_answered"
    REFUSED_AS_DUPLICATE = "refused_as_duplicate"
    REFUSED = "refused"
    LOST_VISIBILITY = "lost_visibility"
    LOOP_ALARM = "loop_alarm"
    GIVEN_UP = "given_up"

    def of(self, **words: object) -> "Why":
        """This reason with its sentence, in which `words` fill the places."""
        return Why(self, SENTENCES[self].format(**words))


DONE = frozenset(
    {
        Reason.IN_SYNC,
        Reason.OWN_SIDE_IN_SYNC,
        Reason.SETTLED_MEANWHILE,
        Reason.UPDATED,
        Reason.CREATED,
        Reason.MATCHED,
        Reason.MERGED,
        Reason.RESTORED,
        Reason.UNLINKED,
        Reason.REMOVED,
        Reason.BOTH_GONE,
        Reason.REMOVED_BY_US,
        Reason.DUPLICATE_TAKES_OVER,
        Reason.INSTRUCTED,
    }
)
"""After these reasons nothing is left to do. All other reasons say why a record is not synced."""


SHADOW = frozenset({Reason.IN_SHADOW, Reason.WOULD_CREATE, Reason.WOULD_LINK, Reason.WOULD_UPDATE, Reason.WOULD_REMOVE})
"""Decided while the mapping was in shadow mode."""

DUPLICATES = frozenset({Reason.DUPLICATE_REPORTED, Reason.DUPLICATE_OF})
"""The same thing was created on both sides. It is reported, and left alone until somebody merges it."""

UNLINKED = frozenset({Reason.PARTED, Reason.MATCH_PARTED})
"""A person ended a pair. Its records are left alone until one of them is edited."""

FOR_A_PERSON = frozenset({Reason.THRESHOLD_REACHED, Reason.NO_CANARY})
"""The record waits, and only a person can end that. The log warns when it begins."""


class Why(NamedTuple):
    """A reason as it is stored: the code, and the sentence a person reads."""

    code: Reason
    text: str


SENTENCES = {
    Reason.READ_TOO_EARLY: "reads may not show our own write to {record} yet",
    Reason.READ_STALE: "the read of {record} is older than a state already known",
    Reason.EDIT_NOT_SHOWN: "a callback reported an edit of {record} that reads may not show yet; it is read again",
    Reason.KEPT_VISIBLE: "{record} was reported as deleted and is still shown",
    Reason.RECORD_BUSY: "{record} is being worked on",
    Reason.LINKED_MEANWHILE: "this record was linked meanwhile",
    Reason.CHANGED_MEANWHILE: "{record} changed while it was being compared",
    Reason.CHANGED_BEFORE_REMOVAL: "{record} changed just before it was to be removed",
    Reason.WENT_AWAY_MEANWHILE: "{record} disappeared while it was being matched",
    Reason.GONE_A_MOMENT_AGO: "{record} was gone a moment ago; it is read again",
    Reason.NOT_THERE_YET: "{record} was not found; it is read again",
    Reason.GONE_ONCE: "{record} is gone; it is read again",
    Reason.CREATE_UNKNOWN_YET: "the outcome of creating {record} is not known yet",
    Reason.CREATE_AGAIN: "a create that never took effect is tried again",
    Reason.CREATE_CHECKED: "a person checked the create of unknown outcome; it is tried again",
    Reason.CREATE_ELSEWHERE: "another create may be for this same record; waiting for its result",
    Reason.CREATE_HELD_BY_PERSON: "{record} may be the same, and is a dead letter that needs a person",
    Reason.CREATED_HERE: "{record} is just being created here",
    Reason.WHICH_WAS_CREATED: "a person must say which record the create of {record} made",
    Reason.SURVIVOR_CREATED: "{record} is just being created on the other side",
    Reason.FIRST_IS_GONE: "{first} has the same {key} and is gone; waiting until its deletion or merge is confirmed",
    Reason.WRITE_UNSETTLED: "the outcome of an earlier write is not confirmed yet",
    Reason.WRITE_SETTLED: "the outcome of an earlier write is confirmed; the work continues",
    Reason.OUTCOME_UNKNOWN: "outcome unknown: {error}",
    Reason.PARENT_BUSY: "waiting for {parent}, which is being worked on",
    Reason.PARENT_WAITED_FOR: "waiting for {parent}",
    Reason.NAMES_GONE: "it refers to {names}, which has disappeared since it was linked; that record is checked first",
    Reason.REFUSED_ONCE: "refused: {error}",
    Reason.REFERRING_FIRST: "pairs that refer to this record are synced first",
    Reason.LISTING_WAITED_FOR: "waiting for the first complete listing of {entity}",
    Reason.NO_CANARY: "{record} is gone, and no other record of this entity could be seen: lost visibility?",
    Reason.THRESHOLD_REACHED: (
        "held by the deletion threshold: {hits} deletes, archives or blanked fields in {seconds:.0f} s; "
        "check whether this one is intended, then run `bridge approve {mapping}`"
    ),
    Reason.MAPPING_PAUSED: "the mapping is paused",
    Reason.QUIET: "{record} was edited a moment ago; it crosses after {seconds:.0f} s without an edit",
    Reason.SYSTEM: "{error}",
    Reason.ATTEMPT: "attempt {attempts} of {limit}: {error}",
    Reason.STORE_AWAY: "the store could not be used",
    Reason.IN_SHADOW: "filtered: the mapping is in shadow mode, and nothing would be written",
    Reason.WOULD_CREATE: "filtered: the mapping is in shadow mode; would create {record}",
    Reason.WOULD_LINK: "filtered: the mapping is in shadow mode; would link to {record}",
    Reason.WOULD_UPDATE: "filtered: the mapping is in shadow mode; would update {records}",
    Reason.WOULD_REMOVE: "filtered: the mapping is in shadow mode; would {verb} {record}",
    Reason.OUTSIDE_WHERE: "filtered: it does not match `where`",
    Reason.PAIR_OUTSIDE_WHERE: "filtered: {record} does not match `where`",
    Reason.IS_NOT_THERE: "filtered: the record does not exist",
    Reason.COUNTERPART_GONE: "filtered: its counterpart was deleted or merged away",
    Reason.NONE_CREATED_THERE: "filtered: no record of {side} matches, and the mapping creates none there",
    Reason.DUPLICATE_REPORTED: "filtered: a duplicate of a linked record, reported",
    Reason.FORGOTTEN: "filtered: a person had the bridge forget it",
    Reason.DUPLICATE_OF: "filtered: a duplicate of {record}",
    Reason.PARTED: "filtered: {run} ended its pair with {other}; it is left alone until one of the two is edited",
    Reason.MATCH_PARTED: (
        "filtered: it matches {record}, whose pair {run} ended; it is left alone until one of them is edited, "
        "or until `bridge link SIDE ENTITY ID OTHER` makes a pair"
    ),
    Reason.IN_SYNC: "{agree}",
    Reason.OWN_SIDE_IN_SYNC: "{record} shows what both sides agreed on last",
    Reason.SETTLED_MEANWHILE: "nothing is left to do",
    Reason.UPDATED: "updated {fields}",
    Reason.CREATED: "created {record}",
    Reason.MATCHED: "matched {record}",
    Reason.MERGED: "merged into {survivor}",
    Reason.RESTORED: "restored",
    Reason.UNLINKED: "unlinked: {record} was deleted",
    Reason.REMOVED: "{verb} {record}",
    Reason.BOTH_GONE: "both records are gone",
    Reason.REMOVED_BY_US: "{record} was removed by the bridge",
    Reason.INSTRUCTED: "{run}: {what}",
    Reason.DUPLICATE_TAKES_OVER: "{record} was deleted, and its duplicate {duplicate} takes its place",
    Reason.UNTRANSLATABLE: "{problem}",
    Reason.REFERENCE_REJECTED: "{parent} is not linked, and the mapping says `missing: reject`",
    Reason.SEVERAL_MATCH: (
        "several {side} records match by {key}: {records}; merge them at the product, or say which one it is: "
        "`bridge link SIDE ENTITY ID OTHER`"
    ),
    Reason.HELD_AS_DUPLICATE: (
        "{record} has the same {key} as {first}, which is linked to {counterpart}, so no second record is created "
        "there. Merge the two at {system}, delete one, or change the {key} of one; the bridge notices that. If both "
        "are right, write `duplicates: copy` in mapping {mapping}. `bridge dead-letters retry {side} {entity} {id}` "
        "checks again now, `bridge dead-letters discard {side} {entity} {id}` leaves it alone"
    ),
    Reason.CREATE_UNKNOWN: (
        "create outcome unknown: {record} may exist ({among}); "
        "delete, merge or rename what is not its copy, then retry the dead letter, or say which one it is: "
        "`bridge link SIDE ENTITY ID OTHER`; "
        "until then, new records there that may be this one are not copied"
    ),
    Reason.CREATE_STILL_UNKNOWN: "an earlier create of its counterpart has an unknown outcome; check, then retry",
    Reason.NO_CREATE_ANSWERED: "given up after {attempts} attempts: no create was answered",
    Reason.NO_WRITE_ANSWERED: "given up after {attempts} attempts, the last of which ended without an answer",
    Reason.REFUSED_AS_DUPLICATE: "refused as a duplicate{of}: {error}",
    Reason.REFUSED: "{error}",
    Reason.LOST_VISIBILITY: (
        "{record} is gone, and no other record of this entity could be seen: lost visibility? "
        "Give the account of {system} its rights back, or retry to say that it is deleted"
    ),
    Reason.LOOP_ALARM: (
        "loop alarm: {record} was written {writes} times within {seconds:.0f} s and {fields} still changes; "
        "find out what else writes this field, then retry the dead letter"
    ),
    Reason.GIVEN_UP: "given up after {attempts} attempts: {error}",
}
