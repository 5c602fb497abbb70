"""Rules of the store, the sweeps and the public listener, each broken by one replacement."""

from tests.mutants.mutant import Mutant

CLAIMS = "conformance/store/test_claims.py::test_"
FINISH = "conformance/store/test_finish.py::test_"
INTAKE = "conformance/store/test_intake.py::test_"
CREATING = "sync/test_creating.py::test_"
INTENTS = "conformance/store/test_intents.py::test_"
SWEEPS = "integration/test_reconcile.py::test_"
AHEAD = "conformance/store/test_times_ahead.py::test_"
ODD = "conformance/store/test_odd_ids.py::test_"
PLACES = "unit/callbacks/test_connections.py::test_"
LISTED = "integration/test_full_listings.py::test_"

LEASES = (
    Mutant(
        "a record is claimed without its counterpart",
        "store/claims.py::_refs",
        "record_id = link.record_id(side) if link is not None else None",
        "record_id = None",
        (
            f"{CLAIMS}both_sides_of_a_pair_are_never_worked_on_at_once",
            f"{CLAIMS}a_claim_takes_the_counterpart_and_its_due_task",
        ),
    ),
    Mutant(
        "a lease of another worker is taken",
        "store/tasks.py::_taking",
        "set_=set_, where=ended)",
        "set_=set_)",
        (f"{CLAIMS}a_further_record_is_leased_under_the_same_fence_or_not_at_all",),
    ),
    Mutant(
        "a lease of another instance is taken without the margin",
        "store/tasks.py::_taking",
        "leases.c.expires <= now - MARGIN,",
        "leases.c.expires <= now,",
        (f"{CLAIMS}a_further_record_of_another_instance_is_leased_only_after_the_margin",),
    ),
    Mutant(
        "a claim is finished without its fence",
        "store/finish.py::Booking.finish",
        "mine = [one for one in completions if one.claim.fence in held]",
        "mine = list(completions)",
        (f"{FINISH}a_lost_fence_stores_nothing_but_new_ids",),
    ),
    Mutant(
        "a lost lease is renewed",
        "store/tasks.py::require_fence",
        "if claim.fence not in fences_held(conn, [claim]):",
        "if False:",
        (f"{CLAIMS}another_instance_takes_over_only_after_the_margin",),
    ),
    Mutant(
        "creates are decided without the fence",
        "store/links.py::open_intents",
        "if asked.claim.fence not in held:",
        "if False:",
        (f"{INTENTS}without_its_fence_no_intent_and_no_pending_write_is_stored",),
    ),
    Mutant(
        "of two creates that are decided together the later does not see the earlier",
        "store/links.py::open_intents",
        "(*open_, *opened)",
        "open_",
        (f"{INTENTS}of_many_intents_with_one_key_at_once_only_one_opens",),
    ),
    Mutant(
        "a claim that lost one of its records ends as if it held all",
        "store/tasks.py::_whole",
        "if {ref_tuple(ref) for ref in claim.leased} <= held[claim.fence]",
        "if held[claim.fence]",
        (f"{CLAIMS}a_claim_that_lost_one_of_its_records_lost_its_fence",),
    ),
    Mutant(
        "changed match keys stay in the index",
        "store/records.py::note_keys",
        "if shown[owner] != set(last[owner].hashes)",
        "if not shown[owner]",
        ("conformance/store/test_questions.py::test_a_record_is_found_by_the_match_keys_it_shows_now_only",),
    ),
    Mutant(
        "a record that is linked does not wake the records that crossed without it",
        "store/links.py::write_links",
        "if move.kind == Kind.DROP or RELINKING & move.values.keys():",
        "if False:",
        ("sync/test_references.py",),
    ),
    Mutant(
        "writes that begin together are not fenced",
        "store/links.py::Links._send.work",
        "for one in sent})",
        "for one in batch})",
        (f"{INTENTS}a_worker_that_lost_its_lease_stores_no_pending_write",),
    ),
    Mutant(
        "a worker that lost its record begins a write",
        "store/links.py::Links._send.work",
        "return hindrances",
        "return [None for _ in batch]",
        (f"{INTENTS}without_its_fence_no_intent_and_no_pending_write_is_stored",),
    ),
    Mutant(
        "a claim comes without the known data of its records",
        "store/claims.py::Picking._lease",
        "known={ref: known.get(ref) for ref in pick.refs}",
        "known=dict.fromkeys(pick.refs)",
        ("sync/test_stale_reads.py",),
    ),
    Mutant(
        "of two changes of one link the earlier wins",
        "store/links.py::_joined",
        "values={**before.values, **write.values}",
        "values={**write.values, **before.values}",
        (f"{FINISH}of_two_changes_of_one_link_the_later_wins",),
    ),
    Mutant(
        "a decision of another definition still counts",
        "store/mappings.py::Mappings.sync.work",
        "conn.execute(decided.values(outcome=None))",
        "pass",
        ("sync/test_references.py::test_a_filtered_parent_is_processed_again_after_its_mapping_changed",),
    ),
    Mutant(
        "a child is not woken when its parent is linked",
        "store/finish.py::Booking.finish",
        "            mark_children(self._database, self._conn, linked, self._now)\n",
        "            pass\n",
        (
            "sync/test_references.py::"
            "test_a_child_that_crossed_without_its_parent_gets_the_reference_once_the_parent_is_linked",
        ),
    ),
    Mutant(
        "an id too long for an index shares a transaction",
        "domain/record.py::why_unstorable",
        "len(text) > LONGEST_ID",
        "len(text) > 10**9",
        (f"{INTAKE}a_text_too_long_for_an_index_is_refused_before_it_shares_a_transaction",),
    ),
    Mutant(
        "the new ids of a worker without its lease are dropped",
        "store/finish.py::Booking.finish",
        "            if one.claim.fence not in held:\n",
        "            if False:\n",
        (f"{FINISH}a_lost_fence_stores_nothing_but_new_ids",),
    ),
)

LINKS = (
    Mutant(
        "no pending write is stored before a write",
        "store/links.py::Pending.columns",
        'return {f"sent_{self.side.value}": self.values, "sent_until": self.until}',
        'return {"sent_until": self.until}',
        ("sync/test_updating.py::test_a_worker_that_dies_after_its_update_took_effect_loses_no_later_edit",),
    ),
    Mutant(
        "an intent does not hold its match keys",
        "store/links.py::_may_be_about",
        "if one.hashes & asked.hashes:",
        "if False:",
        (f"{INTENTS}an_open_intent_holds_all_its_match_keys",),
    ),
    Mutant(
        "an unlinked record does not wait for older intents towards its side",
        "store/links.py::_may_be_about",
        "return own is None and",
        "return False and",
        (f"{INTENTS}an_unlinked_record_waits_for_older_intents_towards_its_side_only",),
    ),
    Mutant(
        "a dead letter holds no record without an equal match key",
        "store/links.py::_holds",
        "return not told_apart and _made_at_that_time(link, asked.made_at)",
        "return False",
        (
            f"{INTENTS}an_intent_of_unknown_outcome_holds_records_that_no_filled_key_distinguishes",
            f"{CREATING}what_was_made_after_a_lost_create_and_edited_since_is_not_copied_back_either",
        ),
    ),
    Mutant(
        "a dead letter holds only records equal in a match key",
        "store/links.py::_may_be_about",
        "return own is None and",
        "return one.link.state is LinkState.INTENDED and own is None and",
        (f"{CREATING}promise_5_what_a_lost_create_may_have_made_is_not_copied_back_even_without_a_match_key",),
    ),
    Mutant(
        "a record that a dead letter names is held only while its match keys are the sent ones",
        "store/links.py::_holds",
        ' or key.record_id in (link.payload or {}).get("among", ())',
        "",
        (f"{INTENTS}an_intent_of_unknown_outcome_holds_the_records_it_names_whatever_their_keys",),
    ),
    Mutant(
        "a dead letter holds records that a filled match key distinguishes",
        "store/links.py::_holds",
        "told_apart = asked.keys and of is not None and one.hashes != {_instead_of_keys(of)}",
        "told_apart = False",
        (f"{CREATING}a_filled_match_key_tells_a_record_from_what_a_lost_create_may_have_made",),
    ),
    Mutant(
        "a record with empty match keys is distinguished from the possible result of a lost create",
        "store/links.py::_holds",
        "told_apart = asked.keys and of is not None and",
        "told_apart = of is not None and",
        (f"{INTENTS}an_intent_of_unknown_outcome_holds_records_that_no_filled_key_distinguishes",),
    ),
    Mutant(
        "an intent without match keys is distinguished by those of another record",
        "store/links.py::_holds",
        " and one.hashes != {_instead_of_keys(of)}",
        "",
        (f"{INTENTS}an_intent_of_unknown_outcome_holds_records_that_no_filled_key_distinguishes",),
    ),
    Mutant(
        "a dead letter of a create holds every later record of its mapping",
        "store/links.py::_made_at_that_time",
        "if made_at is None or opened is None:",
        "if True:",
        (f"{CREATING}the_time_a_record_was_made_tells_it_from_what_a_lost_create_may_have_made",),
    ),
    Mutant(
        "a discarded dead letter still holds records",
        "store/links.py::_holds",
        "if of is not None and one.decided:",
        "if False:",
        (f"{CREATING}a_discarded_dead_letter_holds_nothing_any_more",),
    ),
    Mutant(
        "a discarded dead letter still asks which record was created",
        "sync/match.py::_question",
        "if asked is not None and asked.state is TaskState.IDLE:",
        "if False:",
        (f"{CREATING}a_discarded_dead_letter_holds_nothing_any_more",),
    ),
    Mutant(
        "an intent is opened although a link appeared",
        "store/links.py::open_intents",
        "elif asked.key in linked:",
        "elif False:",
        (f"{CLAIMS}an_existing_link_is_returned_instead_of_an_intent",),
    ),
    Mutant(
        "the deletion threshold is not counted",
        "store/links.py::Links.set_pending.work",
        "            if not again:\n",
        "            if False:\n",
        ("sync/test_promises.py::test_promise_12_the_threshold_holds_a_mass_delete_for_a_person",),
    ),
    Mutant(
        "sending a pending write again counts for the deletion threshold twice",
        "store/links.py::Links.set_pending.work",
        "            if not again:\n",
        "            if True:\n",
        (f"{INTENTS}the_threshold_counts_pending_writes_and_stops_at_the_limit",),
    ),
    Mutant(
        "the alias of a merge is not followed",
        "store/links.py::links_of",
        "return found | followed",
        "return found",
        (
            f"{CLAIMS}a_record_merged_away_is_leased_with_the_survivors_pair",
            "sync/test_deleting.py::test_a_merge_of_two_linked_records_leaves_no_duplicate_and_references_follow",
        ),
    ),
)

BOOKS = (
    Mutant(
        "a merge is coalesced away",
        "store/events.py::Intake.store",
        "        note_merges(self._database, conn, self._merges(news), spare)\n",
        "",
        (f"{INTAKE}a_merge_is_stored_and_followed_along_chains",),
    ),
    Mutant(
        "coalesced events are not booked",
        "store/finish.py::Booking._book",
        '"coalesced"] += booked - 1',
        '"coalesced"] += 0',
        (f"{FINISH}one_outcome_is_booked_and_the_rest_coalesced",),
    ),
    Mutant(
        "an event that came during a claim is forgotten",
        "store/finish.py::_booked",
        'moved = row["gen"] != task.generation',
        "moved = False",
        (f"{FINISH}a_changed_generation_leaves_the_task_due",),
    ),
    Mutant(
        "an event that came during a claim is booked with it",
        "store/finish.py::_booked",
        'pending=row["pending"] - min(row["taken"], row["pending"])',
        "pending=0",
        (f"{FINISH}a_changed_generation_leaves_the_task_due",),
    ),
    Mutant(
        "a waiting record is not woken",
        "store/finish.py::Booking.finish",
        "        if woken:\n",
        "        if False:\n",
        (f"{FINISH}a_child_is_woken_when_its_parent_is_done",),
    ),
    Mutant(
        "an event right after our own write is not postponed where there are no versions",
        "store/events.py::Intake._marks",
        "if not route.endpoint.versioned:",
        "if False:",
        (f"{INTAKE}an_event_soon_after_our_own_write_waits_for_the_read_lag_where_there_are_no_versions",),
    ),
    Mutant(
        "a new event does not revive a dead task",
        "store/tasks.py::due",
        "asleep = and_(old.state == TaskState.DEAD.value, new.pending == 0)",
        "asleep = and_(old.state == TaskState.DEAD.value, new.pending >= 0)",
        (f"{INTAKE}a_new_event_revives_a_waiting_or_dead_task",),
    ),
)

LISTINGS = (
    Mutant(
        "the cursor passes the server's time",
        "reconcile/reconciler.py::_next_value",
        "reached = min(cursor.started_at, certain if newest is None else max(newest, certain)) - _overlap(facts)",
        "reached = cursor.started_at",
        ("unit/reconcile/test_cursor_rules.py", f"{SWEEPS}a_wrong_clock_of_a_vendor_loses_no_edit"),
    ),
    Mutant(
        "a cursor is moved although another sweep moved it meanwhile",
        "store/cursors.py::move_cursor",
        "change = change.where(cursors.c.sweep == move.expect_sweep)",
        "change = change.where()",
        (f"{INTAKE}a_lost_cursor_race_stores_nothing",),
    ),
    Mutant(
        "absence from an incomplete listing counts",
        "reconcile/reconciler.py::Reconciler._walk",
        "        if await self._incomplete(walk):\n            return\n",
        "",
        (f"{LISTED}a_listing_shorter_than_its_own_total_counts_as_incomplete",),
    ),
    Mutant(
        "a record we created after the last page counts as missing",
        "store/cursors.py::Sweeps.unseen",
        ".where(or_(records.c.own_write_at.is_(None), records.c.own_write_at < started))",
        ".where()",
        (f"{LISTED}a_record_we_created_after_the_last_page_is_not_missing",),
    ),
    Mutant(
        "a sweep copies a survivor back",
        "reconcile/page.py::_judge_for",
        "elif record_id not in settled and _judge_unlinked(",
        "elif _judge_unlinked(",
        (f"{SWEEPS}a_survivor_of_a_delete_is_never_marked",),
    ),
    Mutant(
        "going live copies older records",
        "reconcile/page.py::_judge_unlinked",
        "if task.decided_hash is None and not task.pending and _from_before(use, row, purpose):",
        "if False:",
        (f"{SWEEPS}going_live_starts_from_now",),
    ),
)

STRANGERS = (
    Mutant(
        "a time from the future is accepted",
        "domain/seams.py::plausible_time",
        "seconds is not None and seconds <= now + TRUSTED_SKEW_SECONDS",
        "seconds is not None",
        (f"{AHEAD}the_time_of_a_callback_from_the_future_is_ignored",),
    ),
    Mutant(
        "a stored version from the future stays",
        "store/records.py::newest",
        "and_(old.version > HORIZON, unasked)",
        "and_(old.version > HORIZON, old.version.is_(None))",
        (f"{AHEAD}a_stored_version_from_the_future_is_corrected",),
    ),
    Mutant(
        "a page of a sweep stores any id",
        "store/events.py::Events.accept",
        "        require_storable(of_notes(records, keys))\n",
        "",
        (f"{ODD}every_entrance_refuses_an_odd_id_and_stores_nothing",),
    ),
    Mutant(
        "headers may take for ever",
        "callbacks/connections.py::Connections.expire",
        "            (Stage.HEAD, limits.head_seconds, End.HEAD_TIMEOUT),\n",
        "",
        (f"{PLACES}a_client_that_keeps_us_waiting_is_ended_at_its_deadline",),
    ),
    Mutant(
        "all places can be kept by waiting",
        "callbacks/connections.py::Connections.room",
        "len(self) < self.limits.connections or self.give_way()",
        "len(self) < self.limits.connections",
        (f"{PLACES}when_all_places_are_taken_the_longest_waiting_connection_is_closed",),
    ),
    Mutant(
        "idle connections end new ones",
        "callbacks/connections.py::Connections._longest_waiting",
        "min(firsts, key=lambda entry: entry[1].since)[0]",
        "firsts[0][0]",
        (f"{PLACES}idle_connections_are_closed_before_a_new_one",),
    ),
)

ENDS = (
    Mutant(
        "a reference to a deleted record counts as missing",
        "store/records.py::_overdue",
        ", ~PARENT_ENDED)",
        ")",
        ("sync/test_references.py::test_a_reference_to_a_deleted_record_is_not_missing",),
    ),
    Mutant(
        "an item that may wait for others is committed alone",
        "store/database.py::Batcher._run",
        "if within > 0:",
        "if False:",
        ("unit/store/test_batches.py::test_an_item_that_may_wait_shares_its_batch_with_those_that_come_meanwhile",),
    ),
    Mutant(
        "a claim that ends alone waits for others",
        "sync/worker.py::Worker._submit",
        "ENDS_TOGETHER_SECONDS if len(self.running) > 1 else 0.0",
        "ENDS_TOGETHER_SECONDS",
        ("sync/test_ends_together.py::test_a_claim_that_ends_alone_is_stored_at_once",),
    ),
    Mutant(
        "a commit does not outlast the task that waits for it",
        "store/sqlite_file.py::Ending.cancel",
        "return False",
        "return super().cancel(msg)",
        ("conformance/store/test_opening.py::test_who_waits_for_the_disk_is_cancelled_only_after_the_act_has_ended",),
    ),
)

WAITS = (
    Mutant(
        "a listener that is cancelled as its connection is lost listens again",
        "store/postgres.py::Postgres._listen",
        """async with asyncio.timeout(LISTEN_SECONDS):
                        await ended.wait()""",
        "await asyncio.wait_for(ended.wait(), LISTEN_SECONDS)",
        ("unit/store/test_lost_notifications.py",),
    ),
    Mutant(
        "claims that were taken together start at once",
        "sync/worker.py::Worker._start_spread",
        "0.0 if full or not claims else SPREAD_SECONDS / len(claims)",
        "0.0",
        ("unit/sync/test_starts.py",),
    ),
    Mutant(
        "claims of a backlog start one after the other",
        "sync/worker.py::Worker._start_spread",
        "full = len(self.running) + len(claims) >= self.parts.limits.workers",
        "full = False",
        ("unit/sync/test_starts.py",),
    ),
    Mutant(
        "a saved-up burst of a fast pace comes on top of the pace",
        "connectors/quota.py::Quota.pace",
        "self.per_second - (burst - BURST)",
        "self.per_second",
        ("unit/connectors/test_gate.py",),
    ),
    Mutant(
        "the first call of the queue is not woken",
        "connectors/gate.py::Gate._tell",
        "at == 0 or ",
        "",
        ("unit/connectors/test_gate.py",),
    ),
    Mutant(
        "a call that waited too long behind others is not woken",
        "connectors/gate.py::Gate._tell",
        "at == 0 or self._waited_too_long(place)",
        "at == 0",
        ("unit/connectors/test_gate.py",),
    ),
)

STORE_MUTANTS = (*LEASES, *LINKS, *BOOKS, *LISTINGS, *STRANGERS, *ENDS, *WAITS)
