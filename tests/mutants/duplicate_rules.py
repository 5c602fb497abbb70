"""Rules of two records of one side with the same match key, each broken by one replacement."""

from tests.mutants.mutant import Mutant

HELD = "sync/test_duplicates.py::test_"
FINISH = "conformance/store/test_finish.py::test_"
INTENTS = "conformance/store/test_intents.py::test_"
LISTED = "integration/test_full_listings.py::test_"

DUPLICATE_MUTANTS = (
    Mutant(
        "duplicates are copied whatever the mapping says",
        "sync/match.py::_new",
        "if draft.mapping.duplicates is Duplicates.HOLD else None",
        "if False else None",
        (f"{HELD}a_second_record_of_one_side_with_the_key_of_a_linked_one_is_held",),
    ),
    Mutant(
        "duplicates are held whatever the mapping says",
        "sync/match.py::_new",
        "if draft.mapping.duplicates is Duplicates.HOLD else None",
        "if True else None",
        (f"{HELD}it_is_copied_where_the_mapping_says_copy",),
    ),
    Mutant(
        "duplicates are copied by default",
        "mapping/grammar.py::_duplicates",
        "list(Duplicates), Duplicates.HOLD)",
        "list(Duplicates), Duplicates.COPY)",
        ("unit/mapping/test_load.py::test_defaults_are_the_careful_choices",),
    ),
    Mutant(
        "the first record need not show the key any more",
        "sync/match.py::_unlike",
        "and _has_key(draft, draft.side, first, key):",
        "and True:",
        (f"{HELD}a_first_one_with_an_unreported_edit_of_its_key_holds_nothing",),
    ),
    Mutant(
        "a first record that is gone counts as none",
        "sync/match.py::_unlike",
        "if isinstance(first, Gone) and link is not None and not draft.shadow:",
        "if False:",
        (f"{HELD}while_the_first_one_is_gone_and_not_yet_settled_the_second_waits_for_it",),
    ),
    Mutant(
        "a record linked since it was claimed is held as a duplicate of itself",
        "sync/match.py::_unlike",
        "if record_id == own.ref.id:",
        "if False:",
        (f"{HELD}a_record_is_no_duplicate_of_itself_when_its_create_is_answered_during_its_claim",),
    ),
    Mutant(
        "in shadow mode a first record that is gone and the second wait for each other",
        "sync/match.py::_unlike",
        " and not draft.shadow:",
        ":",
        (f"{HELD}back_in_shadow_mode_nothing_waits_for_a_first_one_that_is_gone",),
    ),
    Mutant(
        "records that wait for a record are not due when its counterpart's claim wrote it",
        "store/finish.py::_looked_at",
        "if claim.link is not None:",
        "if False:",
        (f"{HELD}a_second_one_is_created_once_the_other_side_changed_the_firsts_key_even_without_an_echo",),
    ),
    Mutant(
        "the first record is not leased",
        "sync/match.py::_unlike",
        "            if taken:\n                return taken\n",
        "",
        (f"{HELD}a_first_one_that_is_being_processed_is_waited_for",),
    ),
    Mutant(
        "a link that was deleted before the first record was leased holds the second one",
        "sync/match.py::_unlike",
        "if link is not None and not _still_linked(draft, link):",
        "if False:",
        (f"{HELD}a_first_one_that_was_unlinked_before_it_could_be_leased_holds_nothing",),
    ),
    Mutant(
        "a lagging read of the first record is accepted",
        "sync/accept.py::of_another",
        "return stale or found",
        "return found",
        (f"{HELD}a_read_of_the_first_one_that_is_older_than_what_is_known_is_rejected",),
    ),
    Mutant(
        "the match index of the record's own side is not read",
        "sync/match.py::_firsts",
        "for found in index for record_id in found} - {own.ref.id}",
        "for found in index for record_id in found if False}",
        (f"{HELD}two_that_refer_to_a_company_that_is_not_synced_are_still_duplicates",),
    ),
    Mutant(
        "a first record is not found by its counterpart",
        "sync/match.py::_firsts",
        "if key in translate.match_keys(draft.mapping, reading.values) else []",
        "if False else []",
        (f"{HELD}a_first_one_that_the_index_lacks_is_found_by_its_counterpart",),
    ),
    Mutant(
        "a held record waits for no other record",
        "sync/match.py::_held",
        "draft.dead(why, waits_for=TaskKey(draft.mapping.name, draft.side, record_id))",
        "draft.dead(why)",
        (f"{HELD}an_edit_of_the_first_one_or_of_its_counterpart_lets_the_second_cross",),
    ),
    Mutant(
        "shadow mode does not report duplicates that are not linked",
        "sync/match.py::_firsts",
        "    if draft.shadow:\n",
        "    if False:\n",
        (f"{HELD}in_shadow_mode_what_would_be_held_is_shown",),
    ),
    Mutant(
        "an intent is opened although a linked record of the same side has its key",
        "store/links.py::open_intents",
        "elif asked.key in alike:",
        "elif False:",
        (
            f"{INTENTS}a_linked_record_of_the_same_side_and_key_blocks_a_create_where_duplicates_are_held",
            f"{HELD}a_first_one_linked_after_the_decision_is_seen_before_the_create",
        ),
    ),
    Mutant(
        "a record that was merged away blocks a create",
        "store/links.py::_is_pair_of",
        " and link.record_id(key.side) == key.record_id",
        "",
        (f"{INTENTS}a_record_that_was_merged_into_a_linked_one_blocks_no_create",),
    ),
    Mutant(
        "an unlinked record is read although its read would be rejected",
        "sync/match.py::_questions_of_each",
        "if accept.too_early(draft, side, record_id):",
        "if False:",
        ("unit/sync/test_deciding_laws.py::test_an_unlinked_record_is_not_read_while_its_read_would_be_rejected",),
    ),
    Mutant(
        "a record that no longer shows the key blocks a create",
        "store/links.py::_linked_alike",
        "apart = {one.key.record_id, *(one.unlike or ())}",
        "apart = {one.key.record_id}",
        (
            f"{INTENTS}a_linked_record_that_no_longer_shows_the_key_blocks_no_create",
            f"{HELD}a_first_one_with_an_unreported_edit_of_its_key_holds_nothing",
        ),
    ),
    Mutant(
        "a mark removes the wait of a dead letter",
        "store/tasks.py::due",
        "case((asleep, old[name]), else_=null())",
        "null()",
        (
            f"{FINISH}a_waiting_dead_letter_still_waits_after_it_is_marked",
            f"{HELD}a_merge_at_the_product_ends_it",
        ),
    ),
    Mutant(
        "a dead letter starts again with its former attempts",
        "store/tasks.py::awake",
        "case((dead, 0), else_=tasks.c.attempts)",
        "tasks.c.attempts",
        (f"{FINISH}a_dead_letter_that_waits_for_another_record_is_due_when_that_ends_and_starts_again",),
    ),
    Mutant(
        "each edit of the first record makes the held ones due",
        "store/tasks.py::wake_waiting",
        "if key in dead[mapping, side, record_id]:",
        "if False:",
        (
            f"{FINISH}a_dead_letter_that_shares_a_key_with_the_record_it_waits_for_is_not_due",
            f"{HELD}an_edit_that_leaves_the_key_as_it_is_keeps_it_held_without_another_look",
        ),
    ),
    Mutant(
        "a first record that was unlinked or merged and shows its key does not make the held ones due",
        "store/finish.py::_shown_keys",
        "move.kind in KEEPING and move.kind != Kind.FOLLOW",
        "True",
        (f"{FINISH}a_dead_letter_that_shares_a_key_with_the_record_it_waits_for_is_not_due",),
    ),
    Mutant(
        "a discarded dead letter still waits",
        "store/standing.py::DeadLetters.discard",
        ', "retried": False, **WAITS_FOR_NOTHING}',
        ', "retried": False}',
        (f"{HELD}what_a_person_discarded_is_left_alone_until_it_is_edited",),
    ),
    Mutant(
        "held records stay held when the mapping changes to copy",
        "store/mappings.py::Mappings.sync",
        "tasks.c.wait_rec.is_not(None)",
        "tasks.c.wait_rec.is_(None)",
        (f"{HELD}saying_copy_lets_what_was_held_cross",),
    ),
    Mutant(
        "a preview holds each of several new ones that are alike",
        "reconcile/alike.py::count_held",
        "if _order(one) < _order(record_id)",
        "if True",
        (f"{LISTED}a_preview_says_which_records_would_be_held_as_duplicates",),
    ),
)
