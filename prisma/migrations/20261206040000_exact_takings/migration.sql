-- As before, but up to the first that may not: what comes behind it is chosen anew.
CREATE OR REPLACE FUNCTION grant_resources(p_workspace uuid, p_ids uuid[], p_places bigint[], p_now timestamptz) RETURNS uuid[]
LANGUAGE plpgsql
SET plan_cache_mode = force_generic_plan SET enable_seqscan = off SET enable_bitmapscan = off SET enable_hashjoin = off SET enable_mergejoin = off AS $$
DECLARE
  c_none CONSTANT uuid := '00000000-0000-0000-0000-000000000000';
  v_owners uuid[];
  v_uses text[];
  v_granted uuid[] := '{}';
  v_task record;
BEGIN
  IF NOT EXISTS (SELECT FROM ready_tasks r WHERE r.task_id = ANY (p_ids) AND r.resources IS NOT NULL) THEN RETURN NULL; END IF;
  PERFORM lock_resources(p_workspace);
  SELECT u.owners, u.uses INTO v_owners, v_uses FROM resources_in_use(p_workspace, p_now) u;
  FOR v_task IN
    -- Held until they are taken: what was changed after it was judged would be taken unjudged.
    SELECT r.task_id AS id, r.resources FROM unnest(p_ids, p_places) AS p(id, place) JOIN ready_tasks r ON r.task_id = p.id
    WHERE r.resources IS NOT NULL ORDER BY p.place FOR UPDATE OF r
  LOOP
    IF resources_free(v_task.id, v_task.resources, v_owners, v_uses) THEN
      v_granted := v_granted || v_task.id;
      -- In front: what is held binds also those who waited before.
      v_owners := array_fill(c_none, ARRAY[cardinality(v_task.resources)]) || v_owners;
      v_uses := v_task.resources || v_uses;
    ELSE
      EXIT;
    END IF;
  END LOOP;
  RETURN v_granted;
END $$;

-- As before, but what was given to another orchestrator, or had its tags changed, between being chosen and being taken, is not taken;
-- and of several those that may be taken beside each other are the best there are.
CREATE OR REPLACE FUNCTION claim_tasks(
  p_workspace uuid, p_orchestrator uuid, p_lease_seconds int,
  p_daemons uuid[], p_agents text[], p_actors text[], p_max int[], p_request_ids text[], p_attempt_ids uuid[],
  p_require_tags text[], p_exclude_tags text[], p_priorities task_priority[], p_exclude_ids uuid[], p_run uuid, p_now timestamptz
) RETURNS TABLE (
  call int, reason text, replay boolean, attempt_id uuid, weight float8, boost float8,
  id uuid, workspace_id uuid, orchestrator_id uuid, channel_id uuid, parent_id uuid, run_id uuid, wave int, source text, source_id text,
  created_at timestamptz, updated_at timestamptz, due_at timestamptz, available_at timestamptz, claimed_at timestamptz, finished_at timestamptz,
  priority task_priority, status task_status, progress smallint, max_attempts int, timeout_seconds int, estimate_minutes int,
  attempt_count int, failure_count int, lost_count int, merge_failure_count int, tags text[], title text, progress_message text,
  blocked_reason text, blocked_question text, answer text, description text, acceptance_criteria text[], metadata jsonb, resources text[])
LANGUAGE plpgsql SET plan_cache_mode = force_generic_plan
SET enable_seqscan = off SET enable_bitmapscan = off SET enable_hashjoin = off SET enable_mergejoin = off SET enable_material = off AS $$
#variable_conflict use_column
DECLARE
  -- Vacuum comes before there are so many, if it can remove anything.
  c_dead CONSTANT int := 5000;
  c_entered CONSTANT int := 250;
  c_no_run CONSTANT uuid[] := '{00000000-0000-0000-0000-000000000000}';
  v_orchestrator orchestrators;
  v_mark queue_marks;
  v_now timestamptz;
  v_xid bigint;
  v_room int;
  v_slots int[];
  v_known text[];
  v_replayed int[] := '{}';
  v_taken int := 0;
  v_got int;
  v_strangers int[];
  v_why text;
  v_runs uuid[];
  v_ids uuid[];
  v_weights float8[];
  v_boosts float8[];
  v_priorities task_priority[];
  v_dues timestamptz[];
  v_places bigint[];
  v_head_ids uuid[];
  v_head_weights float8[];
  v_head_boosts float8[];
  v_head_places bigint[];
  v_granted uuid[];
  v_cut bigint;
BEGIN
  -- Claims of one orchestrator happen one after another; those of others don't wait.
  SELECT * INTO v_orchestrator FROM orchestrators o
   WHERE o.id = p_orchestrator AND (p_workspace IS NULL OR o.workspace_id = p_workspace) FOR NO KEY UPDATE;
  replay := false;
  IF NOT FOUND THEN
    reason := 'ORCHESTRATOR_NOT_FOUND';
    FOR i IN 1 .. cardinality(p_max) LOOP
      call := i;
      RETURN NEXT;
    END LOOP;
    RETURN;
  END IF;
  -- Calls of daemons that there are not get nothing, and are no reason for the others to get nothing.
  SELECT array_agg(c.n::int) INTO v_strangers
    FROM unnest(p_daemons) WITH ORDINALITY AS c(daemon_id, n)
    WHERE c.daemon_id IS NOT NULL
      AND NOT EXISTS (SELECT FROM daemons d WHERE d.id = c.daemon_id AND d.workspace_id = v_orchestrator.workspace_id);
  v_now := engine_now(p_now);

  SELECT array_agg(q.request_id) INTO v_known FROM unnest(p_request_ids) AS c(id) CROSS JOIN LATERAL (
    SELECT q.request_id FROM claim_requests q WHERE q.orchestrator_id = p_orchestrator AND q.request_id = c.id OFFSET 0) q;
  IF v_known IS NOT NULL THEN
    RETURN QUERY
    SELECT c.n::int, NULL::text, true, a.attempt_id, NULL::float8, NULL::float8,
           t.id, t.workspace_id, t.orchestrator_id, t.channel_id, t.parent_id, t.run_id, t.wave, t.source, t.source_id,
           t.created_at, t.updated_at, t.due_at, t.available_at, t.claimed_at, t.finished_at,
           t.priority, t.status, t.progress, t.max_attempts, t.timeout_seconds, t.estimate_minutes,
           t.attempt_count, t.failure_count, t.lost_count, t.merge_failure_count, t.tags, t.title, t.progress_message,
           t.blocked_reason, t.blocked_question, t.answer, t.description, t.acceptance_criteria, t.metadata, t.resources
    FROM unnest(p_request_ids) WITH ORDINALITY AS c(request_id, n)
    JOIN claim_requests q ON q.orchestrator_id = p_orchestrator AND q.request_id = c.request_id
    CROSS JOIN LATERAL unnest(q.attempt_ids) WITH ORDINALITY AS w(id, n)
    JOIN LATERAL (
      SELECT l.attempt_id, l.task_id FROM leases l WHERE l.attempt_id = w.id
      UNION ALL
      SELECT e.id, e.task_id FROM attempts e WHERE e.id = w.id
    ) a ON true
    JOIN tasks t ON t.id = a.task_id
    ORDER BY c.n, w.n;
    SELECT array_agg(DISTINCT c.n::int) INTO v_replayed
      FROM unnest(p_request_ids) WITH ORDINALITY AS c(request_id, n)
      JOIN claim_requests q ON q.orchestrator_id = p_orchestrator AND q.request_id = c.request_id
      CROSS JOIN LATERAL unnest(q.attempt_ids) AS w(id)
      WHERE EXISTS (SELECT FROM leases l WHERE l.attempt_id = w.id)
         OR EXISTS (SELECT FROM attempts e JOIN tasks t ON t.id = e.task_id WHERE e.id = w.id);
    v_replayed := coalesce(v_replayed, '{}');
  END IF;
  -- Which call each task goes to. Answered before with tasks that were deleted since: there is nothing to repeat, and
  -- nothing more is taken.
  v_slots := ARRAY(
    SELECT c.n::int FROM unnest(p_max, p_request_ids) WITH ORDINALITY AS c(max, request_id, n) CROSS JOIN LATERAL generate_series(1, c.max)
    WHERE (v_known IS NULL OR c.request_id IS NULL OR NOT c.request_id = ANY (v_known))
      AND (v_strangers IS NULL OR NOT c.n = ANY (v_strangers))
    ORDER BY c.n);

  IF v_orchestrator.status NOT IN ('ONLINE', 'BUSY') THEN
    v_why := 'ORCHESTRATOR_NOT_AVAILABLE';
  ELSE
    v_mark := usable_mark(p_orchestrator);
    v_room := v_orchestrator.max_concurrent_tasks - slots_in_use(p_orchestrator, v_mark);
    -- Only what is locked is chosen from: claims of other orchestrators share a run's slots.
    v_runs := queued_runs(p_orchestrator, v_now, p_run, v_mark);
    -- One that was resumed since is not locked, and could be paused again before this is over.
    IF v_runs <> c_no_run THEN
      v_runs := CASE WHEN c_no_run <@ v_runs THEN c_no_run ELSE '{}' END
             || ARRAY(SELECT r.id FROM runs r WHERE r.id = ANY (v_runs) AND r.status = 'RUNNING' ORDER BY r.id FOR NO KEY UPDATE);
    END IF;
    v_xid := pg_current_xact_id()::text::bigint;
    LOOP
      EXIT WHEN v_taken >= v_room OR v_taken >= cardinality(v_slots);
      -- Each time round: the heads count what is due, and only what stands in ready_tasks can be taken.
      IF EXISTS (SELECT FROM delayed_tasks d WHERE d.orchestrator_id = p_orchestrator AND d.available_at <= v_now) THEN
        PERFORM promote_due_tasks(p_orchestrator, v_now);
      END IF;
      SELECT array_agg(h.task_id ORDER BY h.task_id), array_agg(h.weight ORDER BY h.task_id), array_agg(h.boost ORDER BY h.task_id),
             array_agg(h.priority ORDER BY h.task_id), array_agg(h.due_at ORDER BY h.task_id), array_agg(h.place ORDER BY h.task_id)
        INTO v_ids, v_weights, v_boosts, v_priorities, v_dues, v_places
        FROM ready_heads(p_orchestrator, least(v_room, cardinality(v_slots)) - v_taken, v_now,
                         p_require_tags, p_exclude_tags, p_priorities, p_exclude_ids, p_run, v_runs, v_mark)
             WITH ORDINALITY h(task_id, priority, due_at, created_at, weight, boost, score, place);
      -- Nothing there is the only end; heads that can't be taken were cancelled or changed meanwhile, and behind them
      -- wait others.
      EXIT WHEN v_ids IS NULL;

      -- Several at once: one that another in front of it keeps from its resources leaves its place to the next of its queue, and that
      -- one may go before those behind. So only what is in front of it is taken, and the rest chosen anew.
      IF cardinality(v_ids) > 1 AND (
        SELECT f.task_id FROM ready_tasks f WHERE f.orchestrator_id = p_orchestrator AND f.resources IS NOT NULL
         ORDER BY f.orchestrator_id, f.workspace_id, f.task_id LIMIT 1) IS NOT NULL THEN
        v_granted := grant_resources(v_orchestrator.workspace_id, v_ids, v_places, v_now);
        IF v_granted IS NOT NULL THEN
          SELECT min(v_places[width_bucket(r.task_id, v_ids)]) INTO v_cut FROM ready_tasks r
           WHERE r.task_id = ANY (v_ids) AND r.resources IS NOT NULL AND NOT r.task_id = ANY (v_granted);
          IF v_cut IS NOT NULL THEN
            SELECT array_agg(h.id ORDER BY h.id), array_agg(h.weight ORDER BY h.id), array_agg(h.boost ORDER BY h.id),
                   array_agg(h.priority ORDER BY h.id), array_agg(h.due_at ORDER BY h.id), array_agg(h.place ORDER BY h.id)
              INTO v_ids, v_weights, v_boosts, v_priorities, v_dues, v_places
              FROM unnest(v_ids, v_weights, v_boosts, v_priorities, v_dues, v_places) h(id, weight, boost, priority, due_at, place)
             WHERE h.place < v_cut;
            CONTINUE WHEN v_ids IS NULL;
          END IF;
        END IF;
      END IF;

      v_head_ids := v_ids;
      v_head_weights := v_weights;
      v_head_boosts := v_boosts;
      v_head_places := v_places;
      WITH taken AS (
        -- Somebody may have cancelled or changed it since, or given it to another orchestrator: then it is not what was chosen, and
        -- the loop chooses anew. Whose it is, is asked so that no index serves it: the queue's would be walked along.
        -- By the list of ids and not by a join with it: planned while the statistics know of one row, a join walks through the
        -- whole queue for each. The index goes along sorted ids, which is the order of locks; width_bucket finds an id in them
        -- by halving.
        DELETE FROM ready_tasks r
        WHERE r.task_id = ANY (v_ids) AND r.resources IS NULL
          AND r.priority = v_priorities[width_bucket(r.task_id, v_ids)] AND r.due_at = v_dues[width_bucket(r.task_id, v_ids)]
          AND r.orchestrator_id IS NOT DISTINCT FROM p_orchestrator
          AND (p_require_tags IS NULL OR r.tags @> p_require_tags) AND (p_exclude_tags IS NULL OR NOT r.tags && p_exclude_tags)
        RETURNING r.task_id, r.tags, r.run_id, r.priority, r.due_at, r.created_at, width_bucket(r.task_id, v_ids) AS n
      ), untagged AS (
        -- By where they stand, and each found by its whole key behind a wall: whatever the planner thinks is in the tags' index, it
        -- can't walk along it and ask of every tag whether it is one of these.
        DELETE FROM ready_task_tags k WHERE k.ctid = ANY (ARRAY(
          SELECT f.place FROM taken g CROSS JOIN LATERAL unnest(g.tags) AS u(tag) CROSS JOIN LATERAL (
            SELECT k.ctid AS place FROM ready_task_tags k
            WHERE k.orchestrator_id = p_orchestrator AND k.tag = u.tag AND k.run_id = g.run_id AND k.priority = g.priority
              AND k.due_at = g.due_at AND k.created_at = g.created_at AND k.task_id = g.task_id OFFSET 0) f))
      )
      SELECT array_agg(g.task_id ORDER BY g.n), array_agg(v_weights[g.n] ORDER BY g.n), array_agg(v_boosts[g.n] ORDER BY g.n),
             array_agg(v_places[g.n] ORDER BY g.n)
        INTO v_ids, v_weights, v_boosts, v_places FROM taken g;
      -- Those that ask for resources, or that were changed. The heads were free when they were looked at; whether they still are,
      -- and beside each other, is asked under the lock of the workspace's resources.
      IF coalesce(cardinality(v_ids), 0) < cardinality(v_head_ids) THEN
        v_granted := grant_resources(v_orchestrator.workspace_id, v_head_ids, v_head_places, v_now);
        IF v_granted IS NOT NULL THEN
          WITH taken AS (
            -- As above.
            DELETE FROM ready_tasks r
            WHERE r.task_id = ANY (v_granted)
              AND r.priority = v_priorities[width_bucket(r.task_id, v_head_ids)] AND r.due_at = v_dues[width_bucket(r.task_id, v_head_ids)]
              AND r.orchestrator_id IS NOT DISTINCT FROM p_orchestrator
              AND (p_require_tags IS NULL OR r.tags @> p_require_tags) AND (p_exclude_tags IS NULL OR NOT r.tags && p_exclude_tags)
            RETURNING r.task_id, r.tags, r.run_id, r.priority, r.due_at, r.created_at, width_bucket(r.task_id, v_head_ids) AS n
          ), untagged AS (
            DELETE FROM ready_task_tags k WHERE k.ctid = ANY (ARRAY(
              SELECT f.place FROM taken g CROSS JOIN LATERAL unnest(g.tags) AS u(tag) CROSS JOIN LATERAL (
                SELECT k.ctid AS place FROM ready_task_tags k
                WHERE k.orchestrator_id = p_orchestrator AND k.tag = u.tag AND k.run_id = g.run_id AND k.priority = g.priority
                  AND k.due_at = g.due_at AND k.created_at = g.created_at AND k.task_id = g.task_id OFFSET 0) f))
          )
          SELECT array_agg(v_head_ids[a.n] ORDER BY a.n), array_agg(v_head_weights[a.n] ORDER BY a.n), array_agg(v_head_boosts[a.n] ORDER BY a.n),
                 array_agg(v_head_places[a.n] ORDER BY a.n)
            INTO v_ids, v_weights, v_boosts, v_places
            FROM (SELECT g.n FROM taken g UNION ALL SELECT width_bucket(u.id, v_head_ids) FROM unnest(v_ids) u(id)) a;
        END IF;
      END IF;
      CONTINUE WHEN v_ids IS NULL;
      -- Where some could not be taken, the others close ranks.
      IF cardinality(v_ids) < cardinality(v_priorities) THEN
        v_places := ARRAY(SELECT r.place FROM (SELECT u.n, row_number() OVER (ORDER BY u.place) AS place FROM unnest(v_places) WITH ORDINALITY u(place, n)) r ORDER BY r.n);
      END IF;
      -- Not the time of the lock: what was freed since is claimed after it was freed, in the history too.
      v_now := engine_now(p_now);

      RETURN QUERY
      WITH started AS (
        UPDATE tasks t
           SET status = 'IN_PROGRESS', attempt_count = t.attempt_count + 1, claimed_at = v_now, updated_at = v_now,
               progress = 0, progress_message = NULL, available_at = NULL
         WHERE t.id = ANY (v_ids)
        RETURNING t.*, v_weights[width_bucket(t.id, v_ids)] AS weight, v_boosts[width_bucket(t.id, v_ids)] AS boost,
                  v_taken + v_places[width_bucket(t.id, v_ids)]::int AS place
      ), leased AS (
        INSERT INTO leases (task_id, attempt_id, workspace_id, orchestrator_id, daemon_id, run_id, claimed_at, expires_at, number, lease_seconds, agent, holds)
        SELECT s.id, p_attempt_ids[s.place], s.workspace_id, p_orchestrator, p_daemons[v_slots[s.place]], s.run_id, v_now,
               v_now + p_lease_seconds * interval '1 second', s.attempt_count, p_lease_seconds, p_agents[v_slots[s.place]],
               s.resources IS NOT NULL
        FROM started s
      ), told AS (
        INSERT INTO events (xid, workspace_id, task_id, attempt_id, orchestrator_id, daemon_id, run_id, at, type, actor, "from", "to", data)
        SELECT v_xid, s.workspace_id, s.id, p_attempt_ids[s.place], p_orchestrator, p_daemons[v_slots[s.place]], s.run_id, v_now, 'task.claimed', p_actors[v_slots[s.place]], 'TODO', 'IN_PROGRESS',
               jsonb_build_object('attempt', s.attempt_count, 'weight', s.weight, 'boost', s.boost, 'score', s.weight * s.boost)
        FROM (SELECT * FROM started ORDER BY started.place) s
      )
      SELECT v_slots[s.place], NULL::text, false, p_attempt_ids[s.place], s.weight, s.boost,
             s.id, s.workspace_id, s.orchestrator_id, s.channel_id, s.parent_id, s.run_id, s.wave, s.source, s.source_id,
             s.created_at, s.updated_at, s.due_at, s.available_at, s.claimed_at, s.finished_at,
             s.priority, s.status, s.progress, s.max_attempts, s.timeout_seconds, s.estimate_minutes,
             s.attempt_count, s.failure_count, s.lost_count, s.merge_failure_count, s.tags, s.title, s.progress_message,
             s.blocked_reason, s.blocked_question, s.answer, s.description, s.acceptance_criteria, s.metadata, s.resources
      FROM started s
      ORDER BY s.place;
      GET DIAGNOSTICS v_got = ROW_COUNT;
      v_taken := v_taken + v_got;
    END LOOP;
    -- About every 256 tasks, by chance so that no rhythm of claims can miss it; soon where much has entered since the mark, which
    -- each claim looks through; at once where a mark has become useless. (Soon, not at once: while somebody writes for long,
    -- a new mark has seen no more than the one before.)
    IF v_taken > (hashint8(v_xid) & 255) OR (v_mark.entered > c_entered AND hashint8(v_xid) & 15 = 0)
       OR (v_mark.writer IS NOT NULL AND v_mark.xid IS NULL) THEN
      IF pg_stat_get_dead_tuples('ready_tasks'::regclass) + pg_stat_get_dead_tuples('leases'::regclass) >= c_dead THEN
        PERFORM mark_queues(p_orchestrator, v_mark, v_now);
      ELSE
        DELETE FROM queue_marks m WHERE m.orchestrator_id = p_orchestrator;
      END IF;
    END IF;
    -- Of several calls the first may have taken the room of the others.
    v_why := CASE WHEN v_taken < v_room THEN 'NOTHING_ELIGIBLE' ELSE 'AT_CAPACITY' END;
  END IF;

  IF v_taken > 0 AND cardinality(array_remove(p_request_ids, NULL)) > 0 THEN
    INSERT INTO claim_requests (orchestrator_id, request_id, created_at, attempt_ids)
    SELECT p_orchestrator, p_request_ids[v_slots[i]], v_now, array_agg(p_attempt_ids[i] ORDER BY i)
    FROM generate_series(1, v_taken) i
    WHERE p_request_ids[v_slots[i]] IS NOT NULL
    GROUP BY v_slots[i];
  END IF;

  IF v_taken < cardinality(v_slots) OR v_known IS NOT NULL OR v_strangers IS NOT NULL THEN
    FOR i IN 1 .. cardinality(p_max) LOOP
      CONTINUE WHEN i = ANY (v_slots[1:v_taken]) OR i = ANY (v_replayed);
      call := i;
      reason := CASE WHEN i = ANY (v_strangers) THEN 'DAEMON_NOT_FOUND' ELSE v_why END;
      RETURN NEXT;
    END LOOP;
  END IF;
END $$;
