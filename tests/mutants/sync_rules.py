"""Rules of the worker (bridge/sync) and of the merge, each broken by one replacement."""

from tests.mutants.mutant import Mutant

PROMISES = "sync/test_promises.py::test_"
CREATING = "sync/test_creating.py::test_"
UPDATING = "sync/test_updating.py::test_"
DELETING = "sync/test_deleting.py::test_"
BETWEEN = "sync/test_between_steps.py::test_"

UPDATES = (
    Mutant(
        "a new record that is not shown yet counts as gone",
        "sync/accept.py::_absent_too_early",
        "if draft.now >= settled:",
        "if True:",
        ("sync/test_stale_reads.py::test_what_was_created_a_moment_ago_and_is_not_shown_yet_is_not_gone",),
    ),
    Mutant(
        "the base is skipped",
        "sync/update.py::_agree",
        "base = references.current_base(draft, link)",
        "base = {}",
        (f"{PROMISES}promise_7_edits_of_different_fields_both_survive",),
    ),
    Mutant(
        "one base for both sides",
        "sync/remember.py::sent_entry",
        "left, right = (here, there) if target is Side.RIGHT else (there, here)",
        "left, right = here, here",
        ("sync/test_bases.py::test_a_server_that_keeps_less_neither_flaps_nor_damages_the_other_side",),
    ),
    Mutant(
        "the base is not remembered after a write",
        "sync/settle.py::_remembered",
        "base = remember.after_write(draft.mapping, pair.base, target, readings, write.remembered, shown)",
        "base = pair.base",
        (f"{UPDATING}what_one_side_got_is_remembered_when_the_other_sides_write_fails",),
    ),
    Mutant(
        "an echo is not recognised by content: every side counts as edited",
        "mapping/merge.py::edited_sides",
        "if (hashed != old_hash) if by_hash else not held(row, was, value):",
        "if True:",
        ("sync/test_bases.py::test_a_server_that_keeps_less_neither_flaps_nor_damages_the_other_side",),
    ),
    Mutant(
        "a value that the server changed in a pending write counts as an edit",
        "mapping/merge.py::edited_sides",
        "held = same if old_hash is not None else is_reduction",
        "held = same",
        (
            "unit/mapping/test_merge.py::"
            "test_a_value_that_a_server_changed_in_an_unconfirmed_write_is_no_edit_and_does_not_cross_back",
        ),
    ),
    Mutant(
        "values the record holds already are sent all the same",
        "sync/update.py::_side_write",
        "changes={} if compare.holds(record.fields, changes) else changes,",
        "changes=changes,",
        (f"{UPDATING}nothing_is_sent_when_the_record_holds_it_already",),
    ),
    Mutant(
        "an empty value beats a filled one at first contact",
        "mapping/merge.py::_first_contact",
        "if len(filled) == 1:",
        "if False:",
        ("unit/mapping/test_merge_laws.py::test_without_a_base_no_empty_value_beats_a_filled_one",),
    ),
    Mutant(
        "unread is treated as empty",
        "mapping/merge.py::_field",
        "    if left is UNREAD or right is UNREAD:\n",
        "    left, right = (None if value is UNREAD else value for value in (left, right))\n    if False:\n",
        ("unit/mapping/test_merge.py",),
    ),
    Mutant(
        "a stale read is accepted",
        "sync/accept.py::_older_than_known",
        "if found.modified_at.timestamp() >= known.version:",
        "if True:",
        (f"{BETWEEN}a_read_older_than_the_one_before_it_is_no_edit_back",),
    ),
    Mutant(
        "a read right after our own write is accepted",
        "sync/accept.py::_too_early",
        "if draft.now >= settled or (endpoint.versioned and newer):",
        "if True:",
        (
            "sync/test_stale_reads.py::test_a_read_right_after_our_own_write_is_no_edit_back_although_no_callback_and_no_version_tells",
        ),
    ),
    Mutant(
        "the next read becomes the base of a write without a check",
        "sync/recover.py::confirmed_base",
        "if not same(field, value, shown) and not is_reduction(field, value, shown):",
        "if False:",
        ("sync/test_one_side.py::test_an_edit_made_right_after_our_own_write_that_was_not_shown_is_not_taken_for_it",),
    ),
    Mutant(
        "an old read is not repeated before a write",
        "sync/apply.py::_still_fresh",
        "if load.parts.store.now() - write.read_at <= FRESH_SECONDS:",
        "if True:",
        (f"{BETWEEN}promise_7_an_edit_made_since_a_read_that_is_not_fresh_any_more_is_a_conflict_not_lost",),
    ),
    Mutant(
        "further writes do not wait for one of unknown outcome",
        "sync/update.py::update",
        "    if unsettled:\n        return unsettled\n",
        "",
        (f"{BETWEEN}a_write_that_arrives_late_overwrites_nothing_sent_after_it",),
    ),
    Mutant(
        "a pending write is forgotten when its outcome is checked",
        "sync/update.py::_agree",
        "base, link = recover.settle_pending(draft, link, readings, base)",
        "draft.moves += [moves.confirmed(link, side) for side in Side if link.sent(side)]",
        (f"{UPDATING}a_worker_that_dies_after_its_update_took_effect_loses_no_later_edit",),
    ),
    Mutant(
        "the result of a recovery is not stored before the next write",
        "sync/update.py::_agree",
        "if settled and any(plans.values()):",
        "if False:",
        (f"{UPDATING}a_worker_that_dies_twice_in_a_row_loses_no_edit",),
    ),
    Mutant(
        "the loser of a conflict is journaled only after the write",
        "sync/apply.py::_write",
        "    await _journal(load, write.losers)\n",
        "    draft.journal.extend(write.losers)\n",
        (f"{UPDATING}the_loser_of_a_conflict_is_in_the_journal_before_it_is_overwritten",),
    ),
    Mutant(
        "for newest, our own write counts as an edit",
        "sync/compare.py::_modified",
        " or _ours(draft, record)",
        "",
        (f"{UPDATING}newest_does_not_take_our_own_write_for_an_edit",),
    ),
    Mutant(
        "a conflict names a person for a write of the bridge",
        "sync/compare.py::edited",
        "BRIDGE if side in told and _ours(draft, record) else by",
        "by",
        ("sync/test_who_changed.py::test_what_the_bridge_wrote_last_was_changed_by_the_bridge",),
    ),
    Mutant(
        "a write that waited for its turn counts as an attempt",
        "sync/apply.py::_send",
        "RateLimited(system, text, left)",
        "RetryLater(system, text)",
        (
            "sync/test_deadlines.py::"
            "test_a_write_that_waited_for_its_turn_past_its_deadline_was_not_sent_and_nobody_doubts_it",
        ),
    ),
    Mutant(
        "the loop alarm is off",
        "sync/update.py::loop_alarm",
        "if draft.retried or not recent or link.writes < limits.loop_writes:",
        "if True:",
        (f"{PROMISES}a_pair_that_keeps_changing_is_parked_by_the_loop_alarm",),
    ),
    Mutant(
        "a system that is down costs attempts",
        "sync/retry.py::_transient",
        "return load.draft.later(due, Reason.SYSTEM.of(error=error))",
        "return attempt(load, str(error))",
        (f"{PROMISES}promise_11_a_system_that_is_down_burns_no_attempts",),
    ),
    Mutant(
        "a paused mapping writes",
        "sync/update.py::may_not_write",
        "    if draft.claim.paused:",
        "    if False:",
        ("unit/sync/test_deciding_laws.py::test_no_update_is_decided_while_the_mapping_is_paused",),
    ),
    Mutant(
        "every task of a paused mapping is claimed",
        "store/claims.py::Picking._mappings",
        '(paused if row["paused"] else usable).append(row["name"])',
        'usable.append(row["name"])',
        ("conformance/store/test_claims.py::test_a_paused_mapping_allows_only_recovery_claims",),
    ),
    Mutant(
        "a paused mapping removes",
        "sync/remove.py::_apply_policy",
        "    if draft.claim.paused:",
        "    if False:",
        (f"{BETWEEN}a_paused_mapping_removes_nothing_when_it_looks_at_a_lost_update",),
    ),
    Mutant(
        "a paused mapping archives the leftover of a merge",
        "sync/remove.py::_merged",
        "    if draft.claim.paused:",
        "    if False:",
        ("sync/test_leftovers.py::test_a_paused_mapping_archives_nothing_when_it_looks_at_a_lost_archive",),
    ),
)

CREATES = (
    Mutant(
        "an unknown outcome forgets the intent",
        "sync/apply.py::_create",
        "        draft.look_at = link.look_at or 0.0\n",
        "        draft.moves.append(moves.drop(link))\n",
        (f"{PROMISES}promise_5_a_lost_answer_makes_no_second_record_although_no_key_tells_them_apart",),
    ),
    Mutant(
        "an open intent found at a claim is not recovered",
        "sync/decide.py::decide",
        "return recover.recover_create(draft, link)",
        "return match.match_or_create(draft)",
        (f"{CREATING}a_worker_that_dies_after_its_create_took_effect_makes_no_second_record",),
    ),
    Mutant(
        "a create is sent again blindly after an unknown outcome",
        "sync/recover.py::recover_create",
        "found, unsure = _created(draft, link, target, checked)",
        "found, unsure = list[Record](), list[Record]()",
        (f"{PROMISES}promise_5_a_lost_answer_makes_no_second_record_although_no_key_tells_them_apart",),
    ),
    Mutant(
        "the outcome of a create is looked up within the read lag",
        "sync/recover.py::recover_create",
        "if draft.now < look_at:",
        "if False:",
        (f"{BETWEEN}promise_5_a_create_that_arrives_late_is_found_not_sent_again",),
    ),
    Mutant(
        "where no listing shows new records, no result means no create",
        "sync/recover.py::recover_create",
        "if among or not (draft.manifest(target).shows_new or checked):",
        "if among:",
        (f"{CREATING}a_doubtful_create_stays_dead_when_only_a_callback_comes",),
    ),
    Mutant(
        "an older record that looks like the sent one truncated counts as its result",
        "sync/recover.py::_created",
        "return equal or alike or (referring if checked else [])",
        "return equal or alike or doubtful or (referring if checked else [])",
        (f"{CREATING}an_older_record_that_looks_shortened_is_not_taken_for_a_lost_create",),
    ),
    Mutant(
        "a record is created before the match index is complete",
        "sync/match.py::_find",
        "    if unready:\n        return unready\n",
        "",
        ("integration/test_reconcile.py::test_nothing_is_created_before_the_other_side_is_indexed",),
    ),
    Mutant(
        "nothing is matched before it is created",
        "sync/match.py::_new",
        "verdict = _find(draft, own, reading)",
        "verdict = None",
        (f"{PROMISES}promise_5_a_record_that_exists_on_the_other_side_is_matched_not_copied",),
    ),
    Mutant(
        "a candidate need not show the key any more",
        "sync/match.py::_candidates",
        "if isinstance(one, Record) and _shows_key(draft, other, one, key)",
        "if isinstance(one, Record)",
        (f"{BETWEEN}a_record_that_showed_the_key_once_and_no_longer_does_is_no_match",),
    ),
    Mutant(
        "the first of several candidates is matched",
        "sync/match.py::_judged",
        "if len(free) > 1:",
        "if False:",
        (f"{BETWEEN}several_records_that_match_are_a_dead_letter_naming_them",),
    ),
    Mutant(
        "open intents are ignored when matching",
        "sync/match.py::_judged",
        "elif link.state is LinkState.INTENDED:",
        "elif False:",
        (f"{BETWEEN}promise_5_a_record_that_matches_one_just_being_copied_to_its_own_side_waits_for_how_that_ends",),
    ),
    Mutant(
        "a duplicate is copied",
        "sync/match.py::_judged",
        "elif _is_duplicate(draft, own, link):",
        "elif False:",
        (f"{PROMISES}promise_5_two_people_making_the_same_record_at_once_is_reported_not_copied",),
    ),
    Mutant(
        "a matched record is not leased",
        "sync/match.py::_pair",
        "    taken = draft.lease(other, other_record_id)\n    if taken:\n        return taken\n",
        "",
        (f"{BETWEEN}promise_3_a_matched_record_another_worker_has_is_not_linked_until_it_is_free",),
    ),
    Mutant(
        "a refused duplicate is a dead letter instead of a match",
        "sync/match.py::refused_as_duplicate",
        "if len(free) != 1:",
        "if True:",
        (f"{CREATING}a_refused_duplicate_is_matched_on_the_refused_column",),
    ),
)

DELETES = (
    Mutant(
        "a tombstone is ignored",
        "sync/match.py::_history",
        "if row.state is LinkState.TOMBSTONE:",
        "if False:",
        (f"{CREATING}a_survivor_of_a_delete_may_be_matched_again_and_is_never_copied_back",),
    ),
    Mutant(
        "the canary read is skipped",
        "sync/remove.py::_confirm",
        "if draft.ask(CanSee(side, record_id)):",
        "if True:",
        (f"{DELETING}lost_visibility_deletes_nothing_and_says_so_once",),
    ),
    Mutant(
        "one read is enough to accept a delete",
        "sync/remove.py::_confirm",
        "    if since is None or draft.now < since + read_lag:\n",
        "    since = draft.now if since is None else since\n    if False:\n",
        (f"{PROMISES}promise_12_a_delete_is_believed_only_after_two_reads",),
    ),
    Mutant(
        "an edit made right before its removal is removed with the record",
        "sync/apply.py::_remove",
        "if mapped(draft, target, fresh) != mapped(draft, target, plan.record):",
        "if False:",
        (f"{BETWEEN}promise_12_an_edit_made_right_before_its_removal_saves_the_record",),
    ),
    Mutant(
        "a bare 404 deletes although the vendor shows deletes",
        "sync/remove.py::_reason_to_keep",
        "if not evident and draft.manifest(side).delete_evidence:",
        "if False:",
        (f"{PROMISES}promise_12_a_bare_404_only_unlinks_where_the_vendor_shows_deletes",),
    ),
    Mutant(
        "a counterpart that was edited meanwhile is deleted",
        "sync/remove.py::_reason_to_keep",
        'if draft.mapping.delete_conflict == "keep":',
        "if False:",
        (f"{DELETING}what_was_edited_there_meanwhile_stays",),
    ),
    Mutant(
        "our own delete counts as a person's",
        "sync/remove.py::removed",
        'if "removal" in (link.sent(side) or {}):',
        "if False:",
        (
            f"{DELETING}a_record_restored_while_its_delete_was_in_doubt_begins_anew",
            f"{DELETING}a_delete_whose_worker_died_is_not_taken_for_a_persons",
        ),
    ),
    Mutant(
        "a record is deleted before the records that name it were processed",
        "sync/remove.py::_apply_policy",
        "return waiting or Removal(",
        "return Removal(",
        (f"{DELETING}pairs_that_name_a_record_are_done_before_it_is_deleted_and_once",),
    ),
    Mutant(
        "a record to be deleted is not journaled whole",
        "sync/apply.py::_remove",
        '"record": remember.printable(fresh.fields)',
        '"record": {}',
        (f"{BETWEEN}promise_12_a_record_is_journaled_whole_before_it_is_deleted",),
    ),
    Mutant(
        "the merge of a deleted record is not looked up",
        "sync/remove.py::removed",
        "survivor = draft.ask(SurvivorOf(draft.ref(side, record_id)))",
        "survivor = None",
        (f"{DELETING}a_merge_re_points_the_link",),
    ),
    Mutant(
        "the alias of a merge is not followed in a base",
        "sync/references.py::current_base",
        "moved = _moved(draft, {value.id for entry in base.values() for value in links_in(entry)})",
        "moved: dict[int, int] = {}",
        (f"{DELETING}an_edit_of_a_reference_whose_old_record_was_merged_away_meanwhile_survives",),
    ),
)

AFTER_STORMS = (
    Mutant(
        "recovery forgets the record it found",
        "sync/recover.py::_adopt_created",
        "        draft.moves.append(moves.learn_id(link, target, new))\n",
        "        pass\n",
        (
            "sync/test_created_once.py::"
            "test_a_lost_create_that_was_found_is_not_made_again_when_somebody_deletes_it_meanwhile",
        ),
    ),
    Mutant(
        "a wait for visibility never ends",
        "sync/remove.py::_confirm",
        "if draft.now >= since + VISIBILITY_SECONDS:",
        "if False:",
        (f"{DELETING}lost_visibility_becomes_a_question_for_a_person_whose_answer_ends_it",),
    ),
    Mutant(
        "a person's answer about lost visibility is ignored",
        "sync/remove.py::_confirm",
        "if _answered(draft, link):",
        "if False:",
        (f"{DELETING}lost_visibility_becomes_a_question_for_a_person_whose_answer_ends_it",),
    ),
    Mutant(
        "the retry of any dead letter confirms that a hidden record is deleted",
        "sync/remove.py::_confirm",
        "if _answered(draft, link):",
        "if draft.retried:",
        (f"{DELETING}a_retry_of_another_dead_letter_does_not_say_that_a_hidden_record_is_deleted",),
    ),
    Mutant(
        "a field that a side does not show counts as equal",
        "sync/settle.py::pair_ended",
        "unseen = _not_shown(draft, pair.readings)",
        "unseen = list[str]()",
        ("sync/test_updating.py::test_a_field_that_a_side_does_not_show_is_never_said_to_agree",),
    ),
    Mutant(
        "a warning about columns is dropped while its system is unreachable",
        "app/columns.py::ColumnWatch.look",
        "            if self._unanswered & {scope.left.system, scope.right.system}:\n",
        "            if False:\n",
        ("unit/app/test_column_watch.py",),
    ),
    Mutant(
        "a pause has no largest length",
        "connectors/calls.py::Pause.__post_init__",
        "min(self.seconds, longest_pause(daily=self.daily)) if self.seconds > 0 else 0.0",
        "self.seconds",
        ("unit/connectors/test_http_client.py", "unit/connectors/test_http_parts.py"),
    ),
    Mutant(
        "all waiting calls reach the vendor at once after a long pause",
        "connectors/http.py::HttpClient._exchange",
        "            if self._to_probe:\n",
        "            if False:\n",
        ("unit/connectors/test_http_client.py",),
    ),
    Mutant(
        "a compressed body is read",
        "callbacks/routes.py::_judged_by_head",
        "        return COMPRESSED\n",
        "        return None\n",
        ("integration/test_callbacks.py",),
    ),
    Mutant(
        "a body is stored for each record its callback names",
        "callbacks/receiver.py::_bounded",
        'body=_cut(event.body) if not at else b"")',
        "body=_cut(event.body))",
        ("unit/callbacks/test_receiver.py",),
    ),
)

SYNC_MUTANTS = (*UPDATES, *CREATES, *DELETES, *AFTER_STORMS)
