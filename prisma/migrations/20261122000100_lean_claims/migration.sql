-- Claims and endings, many at once, at a cost that is linear in how many. Written by hand.
--
-- What the earlier text did right stays; what it joined, it now carries along. Hash joins are off in these functions (a
-- generic plan made early must not read whole tables later), so a CTE joined with a CTE costs the square of the batch.
-- Every join here is from a list to an index; what a later step needs travels in the list.
-- Lists are sorted by task id before rows are touched, which is the order of locks.
-- The functions of the same names with other parameters stay: during an upgrade processes of the previous version work on.
-- What is released after this drops them.

-- The same as before, in a language that keeps what it has planned: a claim asks once.
CREATE OR REPLACE FUNCTION end_of_local_day(p_now timestamptz, p_zone text) RETURNS timestamptz
LANGUAGE plpgsql STABLE PARALLEL SAFE AS $$
DECLARE
  v_today date := (p_now AT TIME ZONE p_zone)::date;
  v_midnight timestamptz := (v_today + 1)::timestamp AT TIME ZONE p_zone;
  v_earlier timestamptz := v_midnight - interval '1 hour';
BEGIN
  RETURN CASE WHEN v_earlier > p_now AND (v_earlier AT TIME ZONE p_zone)::date > v_today THEN v_earlier ELSE v_midnight END;
END $$;

-- Queues of this orchestrator that are worth a look. All zeros is the one of those in no run: always there, for a probe of
-- whether it holds any would begin among what was just claimed. The others are runs that have tasks which are claimable
-- but for the run itself: one probe each, one after another, since a plan that lists them costs more to start than to run.
-- p_mark: where the queues begin (usable_mark); with null at the front.
CREATE FUNCTION queued_runs(p_orchestrator uuid, p_now timestamptz, p_run uuid, p_mark queue_marks) RETURNS uuid[]
LANGUAGE plpgsql STABLE
-- No sorting: where the first of some order is asked for, it is to be found at the head of the index of that order, however few rows
-- the planner thinks there are. What is sorted all the same looks dear to servers before 18, who would compile it first: no jit.
SET plan_cache_mode = force_generic_plan SET enable_seqscan = off SET enable_bitmapscan = off SET enable_hashjoin = off SET enable_mergejoin = off
SET enable_sort = off SET jit = off
AS $$
DECLARE
  c_none CONSTANT uuid := '00000000-0000-0000-0000-000000000000';
  v_runs uuid[] := ARRAY[c_none];
  v_run uuid := c_none;
BEGIN
  IF p_run IS NOT NULL THEN RETURN ARRAY[p_run]; END IF;
  IF p_mark.xid IS NULL THEN
    LOOP
      v_run := (SELECT r.run_id FROM ready_tasks r WHERE r.orchestrator_id = p_orchestrator AND r.run_id > v_run ORDER BY r.run_id LIMIT 1);
      EXIT WHEN v_run IS NULL;
      v_runs := v_runs || v_run;
    END LOOP;
  ELSE
    v_runs := v_runs || ARRAY(
      SELECT m.run_id FROM unnest(p_mark.runs, p_mark.priorities, p_mark.due_ats, p_mark.created_ats, p_mark.task_ids) m(run_id, priority, due_at, created_at, task_id)
      WHERE m.run_id > c_none
        AND (SELECT r.task_id FROM ready_tasks r WHERE r.orchestrator_id = p_orchestrator AND r.run_id = m.run_id AND r.priority = m.priority
                AND (r.due_at, r.created_at, r.task_id) >= (m.due_at, m.created_at, m.task_id)
              ORDER BY r.due_at, r.created_at, r.task_id LIMIT 1) IS NOT NULL
      UNION
      -- Walled off, or the run looks like the better index.
      SELECT r.run_id FROM (SELECT r.run_id FROM ready_tasks r WHERE r.orchestrator_id = p_orchestrator AND r.xid >= p_mark.xid OFFSET 0) r
      WHERE r.run_id > c_none);
  END IF;
  RETURN v_runs || ARRAY(
    SELECT DISTINCT d.run_id FROM delayed_tasks d
    WHERE d.orchestrator_id = p_orchestrator AND d.available_at <= p_now AND NOT d.run_id = ANY (v_runs));
END $$;

-- Takes tasks out of where claims look.
CREATE OR REPLACE FUNCTION dequeue_tasks(p_ids uuid[]) RETURNS void
LANGUAGE plpgsql SET plan_cache_mode = force_generic_plan
SET enable_seqscan = off SET enable_bitmapscan = off SET enable_hashjoin = off SET enable_mergejoin = off SET enable_material = off AS $$
BEGIN
  DELETE FROM delayed_tasks WHERE task_id = ANY (p_ids);
  WITH gone AS (DELETE FROM ready_tasks WHERE task_id = ANY (p_ids) RETURNING *)
  -- As a claim does, for the same reason.
  DELETE FROM ready_task_tags k WHERE k.ctid = ANY (ARRAY(
    SELECT f.place FROM gone g CROSS JOIN LATERAL unnest(g.tags) AS u(tag) CROSS JOIN LATERAL (
      SELECT k.ctid AS place FROM ready_task_tags k
      WHERE k.orchestrator_id = g.orchestrator_id AND k.tag = u.tag AND k.run_id = g.run_id AND k.priority = g.priority
        AND k.due_at = g.due_at AND k.created_at = g.created_at AND k.task_id = g.task_id OFFSET 0) f));
END $$;

-- The p_limit best claimable tasks, best first. Within one priority a later due date never scores higher, so the
-- best n of all are among the first n of each priority by (due, created, id): four index probes, whatever the size,
-- for the tasks in no run and for each run that hands out work now.
--   Example, n = 1: heads CRITICAL due in a month (1000 × 1), HIGH overdue (100 × 10), MEDIUM overdue (10 × 10):
--   the first two tie at 1000, and the earlier due date wins: HIGH.
-- Of a run only as many count as it has free slots. p_runs: which queues count; null: all that hand out work.
-- Delayed tasks whose time has come count as claimable; the claim has promoted them before it asks.
-- One required tag is probed in the tag's own index; further tags and the exclusions filter along the way.
-- p_mark: where the queues begin (usable_mark), for rows that it has seen; the others are few, and looked at one by one.
CREATE FUNCTION ready_heads(
  p_orchestrator uuid, p_limit int, p_now timestamptz,
  p_require_tags text[], p_exclude_tags text[], p_priorities task_priority[], p_exclude_ids uuid[], p_run uuid, p_runs uuid[],
  p_mark queue_marks
) RETURNS TABLE (task_id uuid, priority task_priority, due_at timestamptz, created_at timestamptz, weight float8, boost float8, score float8)
LANGUAGE plpgsql STABLE ROWS 4
-- Planned once, before anybody knows how many rows there will be: leave no way but the probes. (Joined to what it gives,
-- ROWS 4 does the same; with the default of a thousand, a claim read the whole table.)
SET plan_cache_mode = force_generic_plan SET enable_seqscan = off SET enable_bitmapscan = off SET enable_hashjoin = off SET enable_mergejoin = off SET enable_material = off
SET enable_sort = off SET jit = off
AS $$
#variable_conflict use_column
DECLARE
  c_none CONSTANT uuid := '00000000-0000-0000-0000-000000000000';
  v_weights float8[];
  v_boosts float8[];
  v_day_end timestamptz;
  v_tag text;
  -- From this transaction on rows are not the mark's.
  v_since bigint := coalesce(p_mark.xid, 9223372036854775807);
  v_runs uuid[] := coalesce(p_runs, queued_runs(p_orchestrator, p_now, p_run, p_mark));
BEGIN
  -- One weight for each priority that is asked for, in the same order.
  SELECT ARRAY(SELECT w.priority_weights[array_position(enum_range(NULL::task_priority), p)] FROM unnest(p_priorities) WITH ORDINALITY AS u(p, n) ORDER BY u.n),
         w.deadline_boosts, end_of_local_day(p_now, o.time_zone)
    INTO v_weights, v_boosts, v_day_end
    FROM orchestrators o JOIN workspaces w ON w.id = o.workspace_id
   WHERE o.id = p_orchestrator;

  -- Walk along the rarest of the required tags; "rare" is told apart up to a thousand rows, beyond that any will do.
  IF cardinality(p_require_tags) > 0 THEN
    v_tag := p_require_tags[1];
    IF cardinality(p_require_tags) > 1 THEN
      SELECT t.tag INTO v_tag
      FROM unnest(p_require_tags) WITH ORDINALITY AS t(tag, n)
      CROSS JOIN LATERAL (
        SELECT count(*) AS amount FROM (
          SELECT 1 FROM ready_task_tags r WHERE r.orchestrator_id = p_orchestrator AND r.tag = t.tag LIMIT 1000
        ) few
      ) c
      ORDER BY c.amount, t.n
      LIMIT 1;
    END IF;
  END IF;

  -- Mostly nobody asks for anything but the order, and what follows would cost a lone claim several times as much to begin
  -- as to run: the same, less what is not there.
  IF v_tag IS NULL AND p_exclude_tags IS NULL AND p_exclude_ids IS NULL AND p_mark.xid IS NULL
     AND NOT EXISTS (SELECT FROM delayed_tasks d WHERE d.orchestrator_id = p_orchestrator AND d.available_at <= p_now) THEN
    RETURN QUERY
    SELECT b.task_id, b.priority, b.due_at, b.created_at, b.weight, b.boost, b.weight * b.boost
    FROM unnest(v_runs) AS q(run_id)
    CROSS JOIN LATERAL (
      SELECT k.task_id, p.priority, k.due_at, k.created_at, p.weight, k.boost
      FROM unnest(p_priorities, v_weights) AS p(priority, weight)
      CROSS JOIN LATERAL (
        SELECT r.task_id, r.due_at, r.created_at, deadline_boost(r.due_at, p_now, v_day_end, v_boosts) AS boost
        FROM ready_tasks r
        WHERE r.orchestrator_id = p_orchestrator AND r.run_id = q.run_id AND r.priority = p.priority
        ORDER BY r.due_at, r.created_at, r.task_id
        LIMIT p_limit
      ) k
      ORDER BY p.weight * k.boost DESC, k.due_at, k.created_at, k.task_id
      -- Of a run that hands nothing out nothing is probed.
      LIMIT CASE WHEN q.run_id = c_none THEN p_limit
                 ELSE least(p_limit, coalesce((SELECT greatest(run_room(r), 0) FROM runs r WHERE r.id = q.run_id AND r.status = 'RUNNING'), 0)) END
    ) b
    ORDER BY b.weight * b.boost DESC, b.due_at, b.created_at, b.task_id
    LIMIT p_limit;
    RETURN;
  END IF;

  RETURN QUERY
  WITH queues AS MATERIALIZED (
    -- What each queue may still hand out. A run that doesn't is not probed, whatever lies in it.
    SELECT q.id AS run_id, CASE WHEN q.id = c_none THEN p_limit ELSE least(p_limit, run_room(r)) END AS room
    FROM unnest(v_runs) q(id)
    LEFT JOIN runs r ON r.id = q.id
    WHERE q.id = c_none OR (r.status = 'RUNNING' AND run_room(r) > 0)
  ), since AS MATERIALIZED (
    -- By the transaction alone: with the queue's columns, the walk that the mark saves looks as cheap to the planner.
    SELECT r.task_id, r.run_id, r.priority, r.due_at, r.created_at FROM ready_tasks r
    WHERE r.orchestrator_id = p_orchestrator AND r.xid >= p_mark.xid
      AND (p_require_tags IS NULL OR r.tags @> p_require_tags)
      AND (p_exclude_tags IS NULL OR NOT r.tags && p_exclude_tags)
      AND (p_exclude_ids IS NULL OR NOT r.task_id = ANY (p_exclude_ids))
  )
  SELECT b.task_id, b.priority, b.due_at, b.created_at, b.weight, b.boost, b.weight * b.boost AS score
  FROM queues q
  CROSS JOIN LATERAL (
    SELECT h.task_id, h.priority, h.due_at, h.created_at, h.weight, deadline_boost(h.due_at, p_now, v_day_end, v_boosts) AS boost
    FROM (
      SELECT k.task_id, s.priority, k.due_at, k.created_at, s.weight
      FROM (
        SELECT p.priority, p.weight, '-infinity'::timestamptz AS due_at, '-infinity'::timestamptz AS created_at, c_none AS task_id
        FROM unnest(p_priorities, v_weights) AS p(priority, weight)
        WHERE p_mark.xid IS NULL
        UNION ALL
        SELECT m.priority, v_weights[array_position(p_priorities, m.priority)], m.due_at, m.created_at, m.task_id
        FROM unnest(p_mark.runs, p_mark.priorities, p_mark.due_ats, p_mark.created_ats, p_mark.task_ids) m(run_id, priority, due_at, created_at, task_id)
        WHERE p_mark.xid IS NOT NULL AND m.run_id = q.run_id AND m.priority = ANY (p_priorities)
      ) s
      CROSS JOIN LATERAL (
        (SELECT r.task_id, r.due_at, r.created_at
         FROM ready_tasks r
         WHERE v_tag IS NULL
           AND r.orchestrator_id = p_orchestrator AND r.run_id = q.run_id AND r.priority = s.priority
           AND (r.due_at, r.created_at, r.task_id) >= (s.due_at, s.created_at, s.task_id) AND r.xid + 0 < v_since
           AND (p_exclude_tags IS NULL OR NOT r.tags && p_exclude_tags)
           AND (p_exclude_ids IS NULL OR NOT r.task_id = ANY (p_exclude_ids))
         ORDER BY r.due_at, r.created_at, r.task_id
         LIMIT q.room)
        UNION ALL
        (SELECT k.task_id, k.due_at, k.created_at
         FROM ready_task_tags k
         -- Walled off: from the tag to its task, never from all tasks to their tags.
         CROSS JOIN LATERAL (SELECT r.priority, r.due_at, r.tags, r.xid FROM ready_tasks r WHERE r.task_id = k.task_id OFFSET 0) r
         -- A tag that has drifted from its task can't be taken by it; it is the repair's.
         WHERE v_tag IS NOT NULL AND r.priority = k.priority AND r.due_at = k.due_at
           AND k.orchestrator_id = p_orchestrator AND k.tag = v_tag AND k.run_id = q.run_id AND k.priority = s.priority
           AND (k.due_at, k.created_at, k.task_id) >= (s.due_at, s.created_at, s.task_id) AND r.xid < v_since
           AND r.tags @> p_require_tags
           AND (p_exclude_tags IS NULL OR NOT r.tags && p_exclude_tags)
           AND (p_exclude_ids IS NULL OR NOT k.task_id = ANY (p_exclude_ids))
         ORDER BY k.due_at, k.created_at, k.task_id
         LIMIT q.room)
      ) k
      UNION ALL
      SELECT n.task_id, n.priority, n.due_at, n.created_at, v_weights[array_position(p_priorities, n.priority)]
      FROM since n
      WHERE n.run_id = q.run_id AND n.priority = ANY (p_priorities)
      UNION ALL
      SELECT d.task_id, d.priority, d.due_at, d.created_at, v_weights[array_position(p_priorities, d.priority)]
      FROM delayed_tasks d
      WHERE d.orchestrator_id = p_orchestrator AND d.available_at <= p_now AND d.run_id = q.run_id AND d.priority = ANY (p_priorities)
        AND (p_require_tags IS NULL OR d.tags @> p_require_tags)
        AND (p_exclude_tags IS NULL OR NOT d.tags && p_exclude_tags)
        AND (p_exclude_ids IS NULL OR NOT d.task_id = ANY (p_exclude_ids))
    ) h
    ORDER BY h.weight * deadline_boost(h.due_at, p_now, v_day_end, v_boosts) DESC, h.due_at, h.created_at, h.task_id
    LIMIT q.room
  ) b
  ORDER BY b.weight * b.boost DESC, b.due_at, b.created_at, b.task_id
  LIMIT p_limit;
END $$;

-- Selects and claims for one orchestrator, for several calls at once: p_daemons (null: none), p_agents, p_actors, p_max
-- and p_request_ids (null: none) run parallel, one element a call; p_attempt_ids are fresh ids, as many as all calls ask
-- for together.
-- A call that gets nothing has one row with the reason. A call whose request id was answered before gets those
-- attempts again (replay), whatever became of them.
-- Of a fresh attempt the number is the task's attempt_count and the beginning its claimed_at.
-- The columns of the task are spelled out: taken out of a composite value, each would cost a walk along the row.
CREATE FUNCTION claim_tasks(
  p_workspace uuid, p_orchestrator uuid, p_lease_seconds int,
  p_daemons uuid[], p_agents text[], p_actors text[], p_max int[], p_request_ids text[], p_attempt_ids uuid[],
  p_require_tags text[], p_exclude_tags text[], p_priorities task_priority[], p_exclude_ids uuid[], p_run uuid, p_now timestamptz
) RETURNS TABLE (
  call int, reason text, replay boolean, attempt_id uuid, weight float8, boost float8,
  id uuid, workspace_id uuid, orchestrator_id uuid, channel_id uuid, parent_id uuid, run_id uuid, wave int, source text, source_id text,
  created_at timestamptz, updated_at timestamptz, due_at timestamptz, available_at timestamptz, claimed_at timestamptz, finished_at timestamptz,
  priority task_priority, status task_status, progress smallint, max_attempts int, timeout_seconds int, estimate_minutes int,
  attempt_count int, failure_count int, lost_count int, merge_failure_count int, tags text[], title text, progress_message text,
  blocked_reason text, blocked_question text, answer text, description text, acceptance_criteria text[], metadata jsonb)
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
           t.blocked_reason, t.blocked_question, t.answer, t.description, t.acceptance_criteria, t.metadata
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

      WITH taken AS (
        -- Somebody may have cancelled or changed it since: then it is not what was chosen, and the loop chooses anew.
        -- By the list of ids and not by a join with it: planned while the statistics know of one row, a join walks through the
        -- whole queue for each. The index goes along sorted ids, which is the order of locks; width_bucket finds an id in them
        -- by halving.
        DELETE FROM ready_tasks r
        WHERE r.task_id = ANY (v_ids)
          AND r.priority = v_priorities[width_bucket(r.task_id, v_ids)] AND r.due_at = v_dues[width_bucket(r.task_id, v_ids)]
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
        INSERT INTO leases (task_id, attempt_id, workspace_id, orchestrator_id, daemon_id, run_id, claimed_at, expires_at, number, lease_seconds, agent)
        SELECT s.id, p_attempt_ids[s.place], s.workspace_id, p_orchestrator, p_daemons[v_slots[s.place]], s.run_id, v_now,
               v_now + p_lease_seconds * interval '1 second', s.attempt_count, p_lease_seconds, p_agents[v_slots[s.place]]
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
             s.blocked_reason, s.blocked_question, s.answer, s.description, s.acceptance_criteria, s.metadata
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

-- An attempt that has just ended: what its report says, and what its lease said.
CREATE TYPE ended_attempt AS (
  n int, task_id uuid, attempt_id uuid, result text, details jsonb, error text, failure_class failure_class,
  workspace_id uuid, orchestrator_id uuid, daemon_id uuid, number int, agent text, claimed_at timestamptz, cancelling boolean, merging boolean,
  run_id uuid, on_prerequisite_failure prerequisite_policy
);

-- A value of a report; JSON's null is none.
CREATE FUNCTION reported(p_details jsonb, p_key text) RETURNS jsonb
LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$ SELECT nullif(p_details -> p_key, 'null'::jsonb) $$;

-- Ends attempts, many at once, each fenced by its lease: who doesn't hold it changes nothing.
-- p_tasks, p_attempts, p_results, p_details run parallel, one element an ending. Result: completed | merged | merge_failed |
-- failed | blocked | cancelled | released | lost. Without an attempt only a lease that never runs out counts.
-- Details, all optional: output, artifacts, error, question, metrics, failure_class, timed_out, retry_seconds,
-- on_prerequisite_failure (for its dependents, should it end without being done).
-- retry_seconds[k]: how long after its k-th failure the task waits; the last one holds for all later ones.
-- In a run with a merge stage `completed` means that the code is: the attempt goes on, and waits for its merge slot.
-- p_other_budget: how many failures of each other class, and lost leases, a task may have.
-- Every ending has one row back, n from 0: code null (settled), REPLAY (was settled this way before), or why not.
CREATE FUNCTION settle_attempts(
  p_tasks uuid[], p_attempts uuid[], p_results text[], p_details jsonb[], p_workspace uuid, p_actor text, p_other_budget int, p_now timestamptz
) RETURNS TABLE (n int, code text, task_id uuid, attempt_id uuid, status task_status, attempt_status attempt_status,
                 settled_at timestamptz, available_at timestamptz, freed uuid[])
LANGUAGE plpgsql SET plan_cache_mode = force_generic_plan SET enable_seqscan = off SET enable_bitmapscan = off
SET enable_hashjoin = off SET enable_mergejoin = off AS $$
#variable_conflict use_column
DECLARE
  v_rows ended_attempt[];
  v_now timestamptz;
  v_xid bigint;
  v_ids uuid[];
  v_done uuid[];
  v_todo uuid[];
  v_ended uuid[];
  v_freed uuid[];
  v_runs uuid[];
  v_staged uuid[];
  v_complete uuid[];
  v_policy prerequisite_policy;
  v_late boolean;
  v_got int;
BEGIN
  SELECT array_agg(DISTINCT l.run_id) INTO v_runs FROM leases l WHERE l.task_id = ANY (p_tasks) AND l.run_id IS NOT NULL;
  IF v_runs IS NOT NULL THEN
    PERFORM 1 FROM runs r WHERE r.id = ANY (v_runs) ORDER BY r.id FOR NO KEY UPDATE;
    SELECT array_agg(r.id) INTO v_staged FROM runs r WHERE r.id = ANY (v_runs) AND r.merge_stage;
  END IF;
  v_now := engine_now(p_now);
  v_xid := pg_current_xact_id()::text::bigint;

  IF v_staged IS NOT NULL THEN
    -- Leases are touched in two steps then: hold them all first, by task id, so that two batches can't lock each other out.
    PERFORM 1 FROM leases l WHERE l.task_id = ANY (p_tasks) ORDER BY l.task_id FOR UPDATE;
    WITH complete AS (
      UPDATE leases l SET merging = true
      FROM (SELECT * FROM unnest(p_tasks, p_attempts, p_results, p_details) AS i(task_id, attempt_id, result, details) ORDER BY i.task_id) i
      WHERE l.task_id BETWEEN i.task_id AND i.task_id AND i.result = 'completed' AND NOT l.merging AND l.run_id = ANY (v_staged)
        AND (l.attempt_id = i.attempt_id OR (i.attempt_id IS NULL AND l.expires_at IS NULL))
        AND (p_workspace IS NULL OR l.workspace_id = p_workspace)
      RETURNING l.*, i.details
    ), queued AS (
      INSERT INTO merges (task_id, run_id, attempt_id, ready_at, output, artifacts, metrics)
      SELECT c.task_id, c.run_id, c.attempt_id, v_now, reported(c.details, 'output'), reported(c.details, 'artifacts'), reported(c.details, 'metrics')
      FROM complete c
    ), moved AS (
      UPDATE tasks t SET status = 'MERGING', updated_at = v_now FROM (SELECT * FROM complete ORDER BY complete.task_id) c WHERE t.id = c.task_id
      RETURNING t.id
    ), told AS (
      INSERT INTO events (xid, workspace_id, task_id, attempt_id, orchestrator_id, daemon_id, run_id, at, type, actor, "from", "to", data)
      SELECT v_xid, c.workspace_id, c.task_id, c.attempt_id, c.orchestrator_id, c.daemon_id, c.run_id, v_now, 'task.code_completed', p_actor,
             'IN_PROGRESS', 'MERGING', jsonb_build_object('attempt', c.number, 'seconds', date_part('epoch', v_now - c.claimed_at))
      FROM (SELECT * FROM complete ORDER BY complete.task_id) c
    )
    SELECT array_agg(m.id) INTO v_complete FROM moved m;
  END IF;

  -- Nearly all endings are of tasks that are done and in no run. What an ending of one task costs is the start of its
  -- statements: one does for these what takes several below, where every kind of ending is told apart.
  IF v_runs IS NULL AND 'completed' = ALL (p_results) THEN
    RETURN QUERY
    WITH ended AS (
      DELETE FROM leases l
      USING (SELECT i.task_id, i.attempt_id, i.details, i.n::int - 1 AS n
             FROM unnest(p_tasks, p_attempts, p_details) WITH ORDINALITY AS i(task_id, attempt_id, details, n)
             -- Always so, but the planner then thinks of one row.
             WHERE i.n BETWEEN 1 AND cardinality(p_tasks) ORDER BY i.task_id) i
      -- A range that holds one id: joined by equality, and with few leases that live, the planner walks along the index of all
      -- that ever were and are not vacuumed yet, and asks of each whether it is one of these.
      WHERE l.task_id BETWEEN i.task_id AND i.task_id AND l.run_id IS NULL
        AND (l.attempt_id = i.attempt_id OR (i.attempt_id IS NULL AND l.expires_at IS NULL))
        AND (p_workspace IS NULL OR l.workspace_id = p_workspace)
      -- The time is that of holding the lease, not that of asking for it.
      RETURNING i.n, i.details, l.task_id, l.attempt_id, l.workspace_id, l.orchestrator_id, l.daemon_id, l.number, l.agent, l.claimed_at,
                engine_now(p_now) AS at
    ), written AS (
      UPDATE tasks t
         SET status = 'DONE', updated_at = e.at, finished_at = e.at, available_at = NULL, progress = 100, blocked_reason = NULL, blocked_question = NULL
        FROM ended e
       WHERE t.id = e.task_id
      RETURNING e.*, t.due_at, t.priority
    ), kept AS (
      INSERT INTO attempts (id, task_id, workspace_id, orchestrator_id, daemon_id, claimed_at, ended_at, number, status,
                            agent, error, output, artifacts, metrics)
      SELECT w.attempt_id, w.task_id, w.workspace_id, w.orchestrator_id, w.daemon_id, w.claimed_at, greatest(w.at, w.claimed_at), w.number, 'SUCCEEDED',
             w.agent, w.details ->> 'error', reported(w.details, 'output'), reported(w.details, 'artifacts'), reported(w.details, 'metrics')
      FROM written w
    ), credited AS (
      INSERT INTO task_outcomes (task_id, workspace_id, orchestrator_id, attempt_id, finished_at, claimed_at, due_at, attempts, status, priority)
      SELECT w.task_id, w.workspace_id, w.orchestrator_id, w.attempt_id, w.at, w.claimed_at, w.due_at, w.number, 'DONE', w.priority
      FROM written w
    ), told AS (
      INSERT INTO events (xid, workspace_id, task_id, attempt_id, orchestrator_id, daemon_id, at, type, actor, "from", "to", data)
      SELECT v_xid, w.workspace_id, w.task_id, w.attempt_id, w.orchestrator_id, w.daemon_id, w.at, 'task.completed', p_actor, 'IN_PROGRESS', 'DONE',
             jsonb_build_object('attempt', w.number, 'ended', 'SUCCEEDED', 'seconds', date_part('epoch', w.at - w.claimed_at))
             || CASE WHEN w.details IS NULL THEN '{}' ELSE jsonb_strip_nulls(jsonb_build_object(
                  'error', left(w.details ->> 'error', 2000), 'question', w.details ->> 'question')) END
      FROM written w
    )
    SELECT w.n, NULL::text, w.task_id, w.attempt_id, 'DONE'::task_status, 'SUCCEEDED'::attempt_status, w.at, NULL::timestamptz, NULL::uuid[]
    FROM written w;
    GET DIAGNOSTICS v_got = ROW_COUNT;
    IF v_got = cardinality(p_tasks) THEN
      v_ids := p_tasks;
    ELSE
      v_late := EXISTS (SELECT FROM leases l WHERE l.task_id = ANY (p_tasks) AND l.run_id IS NOT NULL);
      IF v_got > 0 THEN
        SELECT array_agg(e.task_id) INTO v_ids FROM events e WHERE e.xid = v_xid AND e.task_id = ANY (p_tasks) AND e.type = 'task.completed';
      END IF;
    END IF;
    v_done := v_ids;
    v_now := engine_now(p_now);
  ELSE
    WITH ended AS (
      DELETE FROM leases l
      USING (SELECT i.task_id, i.attempt_id, i.result, i.details, i.n::int - 1 AS n
             FROM unnest(p_tasks, p_attempts, p_results, p_details) WITH ORDINALITY AS i(task_id, attempt_id, result, details, n)
             WHERE i.n BETWEEN 1 AND cardinality(p_tasks) ORDER BY i.task_id) i
      WHERE l.task_id BETWEEN i.task_id AND i.task_id
        AND (v_complete IS NULL OR NOT l.task_id = ANY (v_complete))
        AND (l.attempt_id = i.attempt_id OR (i.attempt_id IS NULL AND l.expires_at IS NULL))
        AND (p_workspace IS NULL OR l.workspace_id = p_workspace)
        AND (i.result <> 'lost' OR l.expires_at <= v_now)
        AND (i.result <> 'cancelled' OR l.cancel_requested_at IS NOT NULL)
        -- Whose code is complete is DONE by its merge alone, and nobody merges without the slot.
        AND (i.result <> 'completed' OR NOT l.merging)
        AND (i.result NOT IN ('merged', 'merge_failed')
             OR (l.merging AND EXISTS (SELECT FROM merges m WHERE m.task_id = l.task_id AND m.granted_at IS NOT NULL)))
      RETURNING i.n, l.task_id, l.attempt_id, i.result, i.details,
                -- Who confirms a cancel need not know why; who asked for it said so.
                CASE WHEN i.result IN ('completed', 'merged') THEN i.details ->> 'error' ELSE coalesce(i.details ->> 'error', l.cancel_reason) END AS error,
                coalesce((i.details ->> 'failure_class')::failure_class, 'task') AS failure_class,
                l.workspace_id, l.orchestrator_id, l.daemon_id, l.number, l.agent, l.claimed_at, l.cancel_requested_at IS NOT NULL AS cancelling, l.merging,
                l.run_id, coalesce((i.details ->> 'on_prerequisite_failure')::prerequisite_policy, l.cancel_policy) AS on_prerequisite_failure
    )
    SELECT array_agg(ROW (e.*)::ended_attempt), array_agg(e.task_id), array_agg(e.task_id) FILTER (WHERE e.result IN ('completed', 'merged')),
           bool_or(e.run_id IS NOT NULL AND (v_runs IS NULL OR NOT e.run_id = ANY (v_runs)))
      INTO v_rows, v_ids, v_done, v_late FROM ended e;
  END IF;

  -- Begun since its run was looked for, which is not locked then: from the start again, or its merge stage is passed over.
  IF v_late THEN
    RAISE EXCEPTION 'a task was started while it was being settled' USING ERRCODE = 'serialization_failure';
  END IF;

  IF v_staged IS NOT NULL AND v_rows IS NOT NULL THEN
    -- What the attempt brought when its code was complete, but for what it has said since.
    WITH left_queue AS (
      DELETE FROM merges m USING unnest(v_rows) r WHERE m.task_id = r.task_id RETURNING m.*
    )
    SELECT array_agg(ROW (r.n, r.task_id, r.attempt_id, r.result,
                          coalesce(r.details, '{}') || coalesce((
                            SELECT jsonb_object_agg(k.key, k.value) FROM (VALUES ('output', q.output), ('artifacts', q.artifacts), ('metrics', q.metrics)) k(key, value)
                            WHERE k.value IS NOT NULL AND reported(r.details, k.key) IS NULL), '{}'),
                          r.error, r.failure_class, r.workspace_id, r.orchestrator_id, r.daemon_id, r.number, r.agent, r.claimed_at, r.cancelling, r.merging,
                          r.run_id, r.on_prerequisite_failure)::ended_attempt ORDER BY r.task_id)
      INTO v_rows FROM unnest(v_rows) r LEFT JOIN left_queue q ON q.task_id = r.task_id;
  END IF;

  IF v_complete IS NOT NULL THEN
    RETURN QUERY
    SELECT i.n::int - 1, NULL::text, l.task_id, l.attempt_id, 'MERGING'::task_status, 'RUNNING'::attempt_status, v_now, NULL::timestamptz, NULL::uuid[]
    FROM unnest(p_tasks) WITH ORDINALITY AS i(task_id, n) JOIN leases l ON l.task_id BETWEEN i.task_id AND i.task_id WHERE i.task_id = ANY (v_complete);
  END IF;

  IF v_rows IS NOT NULL THEN
    v_now := engine_now(p_now);
    RETURN QUERY
    WITH written AS (
      UPDATE tasks t
         SET updated_at = v_now,
             (status, finished_at, available_at, progress, failure_count, provider_failure_count, infrastructure_failure_count, lost_count,
              merge_failure_count, blocked_reason, blocked_question) = (
               SELECT d.becomes, CASE WHEN d.becomes IN ('DONE', 'FAILED', 'CANCELLED') THEN v_now END,
                      CASE WHEN d.becomes = 'TODO' AND r.result = 'failed'
                           THEN date_trunc('milliseconds', v_now + interval '1 second' * (r.details #>> ARRAY['retry_seconds',
                                  (least(greatest(CASE r.failure_class WHEN 'provider' THEN c.provider WHEN 'infrastructure' THEN c.infrastructure ELSE c.own END, 1),
                                         jsonb_array_length(r.details -> 'retry_seconds')) - 1)::text])::float8) END,
                      CASE WHEN d.becomes = 'DONE' THEN 100 ELSE t.progress END,
                      c.own, c.provider, c.infrastructure, c.lost, c.merge,
                      CASE WHEN d.becomes = 'BLOCKED' THEN coalesce(nullif(r.error, ''), 'reported blocked without a reason') END,
                      CASE WHEN d.becomes = 'BLOCKED' THEN r.details ->> 'question' END
               FROM (
                 -- What this attempt adds to which budget, and whether that spends it.
                 SELECT t.failure_count + (r.result = 'failed' AND r.failure_class IN ('task', 'agent'))::int AS own,
                        t.provider_failure_count + (r.result = 'failed' AND r.failure_class = 'provider')::int AS provider,
                        t.infrastructure_failure_count + (r.result = 'failed' AND r.failure_class = 'infrastructure')::int AS infrastructure,
                        t.lost_count + (r.result = 'lost')::int AS lost, t.merge_failure_count + (r.result = 'merge_failed')::int AS merge
               ) c CROSS JOIN LATERAL (
                 SELECT CASE WHEN r.result IN ('completed', 'merged') THEN 'DONE'
                             WHEN r.result = 'cancelled' OR r.cancelling OR r.stopped THEN 'CANCELLED'
                             WHEN r.result = 'blocked' THEN 'BLOCKED'
                             WHEN r.result = 'released' THEN 'TODO'
                             -- A conflict is tried again once, on what was merged before; then a person is asked.
                             WHEN r.result = 'merge_failed' THEN CASE WHEN c.merge >= 2 THEN 'BLOCKED' ELSE 'TODO' END
                             WHEN c.own >= t.max_attempts OR c.provider >= p_other_budget OR c.infrastructure >= p_other_budget
                               OR c.lost >= p_other_budget THEN 'FAILED'
                             ELSE 'TODO' END::task_status AS becomes
               ) d
             )
        FROM (
          SELECT e.*,
                 CASE e.result WHEN 'completed' THEN 'SUCCEEDED' WHEN 'merged' THEN 'SUCCEEDED' WHEN 'lost' THEN 'LOST' WHEN 'released' THEN 'CANCELLED'
                               WHEN 'cancelled' THEN 'CANCELLED' WHEN 'blocked' THEN 'BLOCKED'
                               ELSE CASE WHEN e.cancelling THEN 'CANCELLED' WHEN (e.details -> 'timed_out')::boolean THEN 'TIMED_OUT' ELSE 'FAILED' END
                 END::attempt_status AS ended_as,
                 -- Nobody would ever take up what comes back into a run that was stopped.
                 e.run_id IS NOT NULL AND EXISTS (SELECT FROM runs u WHERE u.id = e.run_id AND u.status = 'CANCELLED') AS stopped
          FROM unnest(v_rows) e ORDER BY e.task_id
        ) r
       WHERE t.id = r.task_id
      RETURNING r.*, t.status AS becomes, t.available_at, t.due_at, t.priority,
                CASE WHEN r.ended_as IN ('FAILED', 'TIMED_OUT') AND r.result <> 'merge_failed' THEN r.failure_class END AS failed_as
    ), kept AS (
      INSERT INTO attempts (id, task_id, workspace_id, orchestrator_id, daemon_id, claimed_at, ended_at, number, status, failure_class,
                            agent, error, output, artifacts, metrics)
      SELECT w.attempt_id, w.task_id, w.workspace_id, w.orchestrator_id, w.daemon_id, w.claimed_at, greatest(v_now, w.claimed_at), w.number,
             w.ended_as, w.failed_as, w.agent, w.error, reported(w.details, 'output'), reported(w.details, 'artifacts'), reported(w.details, 'metrics')
      FROM written w
    ), credited AS (
      INSERT INTO task_outcomes (task_id, workspace_id, orchestrator_id, attempt_id, finished_at, claimed_at, due_at, attempts, status, priority)
      SELECT w.task_id, w.workspace_id, w.orchestrator_id, w.attempt_id, v_now, w.claimed_at, w.due_at, w.number, w.becomes, w.priority
      FROM written w WHERE w.becomes IN ('DONE', 'FAILED', 'CANCELLED')
    ), halted AS (
      INSERT INTO blocked_tasks (task_id, workspace_id, orchestrator_id, unmet, reported, priority)
      SELECT w.task_id, w.workspace_id, w.orchestrator_id, 0, true, w.priority FROM written w WHERE w.becomes = 'BLOCKED'
    ), told AS (
      INSERT INTO events (xid, workspace_id, task_id, attempt_id, orchestrator_id, daemon_id, run_id, at, type, actor, "from", "to", data)
      SELECT v_xid, w.workspace_id, w.task_id, w.attempt_id, w.orchestrator_id, w.daemon_id, w.run_id, v_now,
             CASE WHEN w.becomes = 'CANCELLED' THEN 'task.cancelled'
                  ELSE CASE w.result WHEN 'completed' THEN 'task.completed' WHEN 'merged' THEN 'task.completed'
                                     WHEN 'merge_failed' THEN 'task.merge_failed' WHEN 'lost' THEN 'task.lease_lost'
                                     WHEN 'blocked' THEN 'task.blocked' WHEN 'released' THEN 'task.released' ELSE 'task.failed' END END,
             p_actor, CASE WHEN w.merging THEN 'MERGING' ELSE 'IN_PROGRESS' END, w.becomes::text,
             jsonb_build_object('attempt', w.number, 'ended', w.ended_as, 'seconds', date_part('epoch', v_now - w.claimed_at))
             || CASE WHEN w.becomes = 'DONE' AND w.error IS NULL AND w.details IS NULL THEN '{}' ELSE jsonb_strip_nulls(jsonb_build_object(
                  'error', left(w.error, 2000), 'question', w.details ->> 'question', 'availableAt', w.available_at, 'failureClass', w.failed_as)) END
      FROM (SELECT * FROM written ORDER BY written.task_id) w
    )
    SELECT w.n, NULL::text, w.task_id, w.attempt_id, w.becomes, w.ended_as, v_now, w.available_at, NULL::uuid[]
    FROM written w;

    IF v_runs IS NOT NULL THEN
      -- In the order in which the endings came; a success ends a row of failures.
      UPDATE runs u
         SET attempts_ended = u.attempts_ended + c.ended, attempts_failed = u.attempts_failed + c.failed,
             failures_in_row = CASE WHEN c.last_success IS NULL THEN u.failures_in_row ELSE 0 END + c.failed_since
        FROM (
          SELECT e.run_id, count(*) AS ended, count(*) FILTER (WHERE NOT e.good) AS failed, max(e.n) FILTER (WHERE e.good) AS last_success,
                 count(*) FILTER (WHERE NOT e.good AND e.n > coalesce(e.last_good, -1)) AS failed_since
          FROM (
            SELECT r.run_id, r.n, r.result IN ('completed', 'merged') AS good,
                   max(r.n) FILTER (WHERE r.result IN ('completed', 'merged')) OVER (PARTITION BY r.run_id) AS last_good
            FROM unnest(v_rows) r
            WHERE r.run_id IS NOT NULL
              AND (r.result IN ('completed', 'merged', 'lost', 'merge_failed') OR r.result = 'failed' AND NOT r.cancelling)
          ) e GROUP BY e.run_id
        ) c
       WHERE u.id = c.run_id;
    END IF;

    IF cardinality(v_ids) > coalesce(cardinality(v_done), 0) THEN
      SELECT array_agg(t.id) FILTER (WHERE t.status = 'TODO'), array_agg(t.id) FILTER (WHERE t.status IN ('FAILED', 'CANCELLED'))
        INTO v_todo, v_ended
        FROM tasks t WHERE t.id = ANY (v_ids);
      IF v_todo IS NOT NULL THEN PERFORM enqueue_tasks(v_todo, v_now); END IF;
    END IF;
  END IF;

  -- Most tasks have no dependents: one probe then, and no call.
  IF v_done IS NOT NULL AND EXISTS (SELECT FROM task_dependencies d WHERE d.prerequisite_id = ANY (v_done) AND NOT d.released) THEN
    v_freed := free_dependents(v_done, p_actor, v_now);
  END IF;
  IF v_ended IS NOT NULL THEN
    FOR v_policy IN SELECT DISTINCT r.on_prerequisite_failure FROM unnest(v_rows) r WHERE r.task_id = ANY (v_ended) LOOP
      v_runs := coalesce(v_runs, '{}') || fail_dependents(
        ARRAY(SELECT r.task_id FROM unnest(v_rows) r WHERE r.task_id = ANY (v_ended) AND r.on_prerequisite_failure IS NOT DISTINCT FROM v_policy),
        v_policy, p_actor, v_now);
    END LOOP;
  END IF;
  IF v_runs IS NOT NULL AND v_ids IS NOT NULL THEN PERFORM review_runs(v_runs, p_actor, v_now); END IF;
  IF cardinality(v_freed) > 0 AND cardinality(p_tasks) = 1 THEN
    n := 0;
    code := 'FREED';
    task_id := p_tasks[1];
    attempt_id := p_attempts[1];
    settled_at := v_now;
    freed := v_freed;
    RETURN NEXT;
  ELSIF cardinality(v_freed) > 0 THEN
    RETURN QUERY
    -- Each freed task is told once: by the last of those that it waited for in this batch.
    SELECT i.n::int - 1, 'FREED', i.task_id, i.attempt_id, NULL::task_status, NULL::attempt_status, v_now, NULL::timestamptz, f.freed
    FROM (
      -- From each freed task to its own edges, as a range: the planner, who may think that each prerequisite has one dependent,
      -- would rather join everything with everything.
      SELECT l.prerequisite_id, array_agg(u.id ORDER BY u.id) AS freed
      FROM unnest(v_freed) AS u(id) CROSS JOIN LATERAL (
        SELECT d.prerequisite_id FROM task_dependencies d
        WHERE d.dependent_id >= u.id AND d.dependent_id <= u.id AND d.prerequisite_id = ANY (v_done)
        ORDER BY d.dependent_id DESC, d.prerequisite_id DESC LIMIT 1
      ) l GROUP BY l.prerequisite_id
    ) f JOIN unnest(p_tasks, p_attempts) WITH ORDINALITY AS i(task_id, attempt_id, n) ON i.task_id = f.prerequisite_id;
  END IF;
  IF coalesce(cardinality(v_ids), 0) + coalesce(cardinality(v_complete), 0) = cardinality(p_tasks) THEN RETURN; END IF;

  -- The rest: settled before in the same way, or not this caller's to settle.
  RETURN QUERY
  SELECT i.n::int - 1,
         CASE WHEN t.id IS NULL THEN 'TASK_NOT_FOUND'
              WHEN a.status = ANY (CASE i.result WHEN 'completed' THEN '{SUCCEEDED}' WHEN 'merged' THEN '{SUCCEEDED}' WHEN 'merge_failed' THEN '{FAILED}' WHEN 'failed' THEN '{FAILED,TIMED_OUT,CANCELLED}'
                                                 WHEN 'blocked' THEN '{BLOCKED}' WHEN 'lost' THEN '{LOST}' ELSE '{CANCELLED}' END::attempt_status[]) THEN 'REPLAY'
              WHEN i.attempt_id IS NOT NULL AND l.attempt_id = i.attempt_id AND i.result = 'cancelled' THEN 'CANCEL_NOT_REQUESTED'
              WHEN (l.attempt_id = i.attempt_id OR (i.attempt_id IS NULL AND l.expires_at IS NULL)) AND i.result = 'completed' AND l.merging THEN 'REPLAY'
              WHEN (l.attempt_id = i.attempt_id OR (i.attempt_id IS NULL AND l.expires_at IS NULL)) AND i.result IN ('merged', 'merge_failed')
                THEN CASE WHEN l.merging THEN 'MERGE_NOT_GRANTED' ELSE 'NOT_MERGING' END
              WHEN i.attempt_id IS NOT NULL THEN 'LEASE_LOST'
              WHEN l.task_id IS NOT NULL THEN 'ATTEMPT_REQUIRED'
              ELSE 'NOT_IN_PROGRESS' END,
         i.task_id, coalesce(i.attempt_id, l.attempt_id), t.status, coalesce(a.status, CASE WHEN l.merging THEN 'RUNNING'::attempt_status END),
         coalesce(a.ended_at, t.updated_at), t.available_at, NULL::uuid[]
  FROM unnest(p_tasks, p_attempts, p_results) WITH ORDINALITY AS i(task_id, attempt_id, result, n)
  LEFT JOIN tasks t ON t.id = i.task_id AND (p_workspace IS NULL OR t.workspace_id = p_workspace)
  LEFT JOIN attempts a ON a.id = i.attempt_id AND a.task_id = i.task_id
  LEFT JOIN leases l ON l.task_id BETWEEN i.task_id AND i.task_id
  WHERE NOT i.task_id = ANY (coalesce(v_ids, '{}')) AND (v_complete IS NULL OR NOT i.task_id = ANY (v_complete));
END $$;
