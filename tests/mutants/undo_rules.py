"""Rules of undo, link, unlink and restore, broken one at a time."""

from tests.mutants.mutant import Mutant

UNDO = "sync/test_undo.py::test_"

UNDO_MUTANTS = (
    Mutant(
        "undo: equal values after a lost answer do not become the base",
        "sync/settle.py::settled_base",
        "other = beside.get(name, value)",
        "other = value",
        (f"{UNDO}an_undo_whose_answer_is_lost_is_not_sent_back",),
    ),
    Mutant(
        "undo: fields that were edited since are reverted all the same",
        "sync/instruct.py::_verdict",
        "if not written:",
        "if False:",
        (f"{UNDO}a_field_that_was_edited_since_stays_and_is_named",),
    ),
    Mutant(
        "undo: the newest overwritten value is restored instead of the oldest",
        "app/undo.py::_fields",
        'entry.pop("before", None)',
        'if "before" in entry:\n                continue',
        (f"{UNDO}a_record_is_restored_to_its_values_at_a_time",),
    ),
    Mutant(
        "undo: emptied fields do not count under the deletion threshold",
        "sync/instruct.py::_write_back",
        "if is_empty(value) and not is_empty(held.values[name])",
        "if False",
        (f"{UNDO}what_an_undo_empties_counts_under_the_deletion_threshold",),
    ),
    Mutant(
        "undo: a created record is removed although a person edited it",
        "sync/instruct.py::_remove_created",
        "if edits:",
        "if False:",
        (f"{UNDO}what_was_created_and_edited_since_is_not_removed",),
    ),
    Mutant(
        "undo: the source of a removed record is copied again at once",
        "sync/match.py::left_alone",
        "if not edited(draft.mapping, row, draft.side, own):",
        "if False:",
        (f"{UNDO}what_the_bridge_created_is_deleted_and_is_not_created_again_until_edited",),
    ),
    Mutant(
        "undo: a record stays left alone after an edit",
        "sync/match.py::edited",
        "now[name][1] != hashed",
        "False",
        (f"{UNDO}an_unlinked_pair_is_neither_matched_nor_created_again_until_one_is_edited",),
    ),
    Mutant(
        "undo: a third record is matched with one that was unlinked",
        "sync/match.py::of_candidate",
        "if row.state is not LinkState.PARTED or",
        "if True or",
        (f"{UNDO}what_matches_an_unlinked_record_is_left_alone_too",),
    ),
    Mutant(
        "undo: a lost answer of our own removal is read as a deletion",
        "sync/instruct.py::_remove_created",
        'if "removal" not in (link.sent(target) or {}):',
        "if True:",
        (f"{UNDO}the_answer_of_the_removal_of_what_was_created_may_be_lost",),
    ),
    Mutant(
        "undo: a postponed instruction is forgotten",
        "store/finish.py::_booked",
        "again |= INSTRUCTED if task.key in _unfulfilled(one) else 0",
        "again |= 0",
        (f"{UNDO}what_an_undo_empties_counts_under_the_deletion_threshold",),
    ),
    Mutant(
        "undo: an undo can be repeated",
        "store/requests.py::fulfil",
        "for some in chunks(sorted(one.undone)):",
        "for some in ():",
        (f"{UNDO}the_journal_says_what_was_undone_and_an_undo_can_be_undone",),
    ),
    Mutant(
        "undo: a record restored without its counterpart stays linked to the deleted one",
        "sync/instruct.py::_restored",
        "if isinstance(own, Record):",
        "if True:",
        (f"{UNDO}what_the_bridge_deleted_is_created_again_and_its_counterpart_stays_deleted",),
    ),
    Mutant(
        "undo: a restore loses later edits of the counterpart",
        "sync/instruct.py::_source",
        "values[name] = here",
        "pass",
        (f"{UNDO}what_was_edited_at_the_counterpart_since_crosses_to_the_restored_record",),
    ),
    Mutant(
        "undo: the side that must win is not preferred",
        "sync/instruct.py::preferring",
        "if prefer is None:",
        "if True:",
        (f"{UNDO}a_person_links_two_records_and_may_choose_the_winning_side",),
    ),
    Mutant(
        "undo: the limit of the journal by retention is ignored",
        "app/undo.py::_must_reach",
        "if reach is not None and since < reach[0]:",
        "if False:",
        (f"{UNDO}what_retention_dropped_is_not_undone_and_the_answer_says_since_when",),
    ),
    Mutant(
        "undo: records created because of a parent are not part of the run",
        "store/finish.py::Finishing.wait_for",
        "                        run=claim.run,\n",
        "",
        (f"{UNDO}a_run_is_undone_with_the_records_it_made_on_the_way",),
    ),
)
