-- The hot statements of the engine, as functions: one round trip each, and every statement inside sees a snapshot
-- taken after the locks before it. Their callers are in packages/work-engine/src/store, one operation a file.
--
-- Order of locks, kept by all of them: the orchestrator's row; the narrow row that says where the task stands
-- (lease, ready, delayed, blocked; by task id where several); the task's row (by id). Dependents come after their
-- prerequisites. What still meets head-on is told by the database and tried again by the caller.
--
-- They plan once a connection and keep to index probes: what statistics say of tables that fill and empty within
-- seconds is stale by nature. Bitmap scans are out, because only a plain index scan marks the dead entries that
-- claimed tasks and ended leases leave behind, so that the next probe steps over them cheaply.

-- The engine's clock: the database's, in the milliseconds that are stored; or the time that a test sets.
CREATE FUNCTION engine_now(p_now timestamptz) RETURNS timestamptz
LANGUAGE sql VOLATILE AS $$ SELECT coalesce(p_now, date_trunc('milliseconds', clock_timestamp())) $$;

-- Scoring ---------------------------------------------------------------------------------------------------------

-- The first instant after p_now that has a later calendar date in p_zone. Where clocks go back across midnight, that
-- midnight exists twice and PostgreSQL takes the later one; the day ends at the earlier, unless that is over already
-- (Newfoundland once went back from 00:01 to 23:01 of the day before).
CREATE FUNCTION end_of_local_day(p_now timestamptz, p_zone text) RETURNS timestamptz
LANGUAGE sql STABLE PARALLEL SAFE AS $$
  SELECT CASE WHEN m.midnight - interval '1 hour' > p_now
                   AND ((m.midnight - interval '1 hour') AT TIME ZONE p_zone)::date > (p_now AT TIME ZONE p_zone)::date
              THEN m.midnight - interval '1 hour' ELSE m.midnight END
  FROM (SELECT ((p_now AT TIME ZONE p_zone)::date + 1)::timestamp AT TIME ZONE p_zone AS midnight) m
$$;

CREATE FUNCTION deadline_boost(p_due timestamptz, p_now timestamptz, p_day_end timestamptz, p_boosts float8[]) RETURNS float8
LANGUAGE sql STABLE PARALLEL SAFE AS $$
  SELECT CASE WHEN p_due < p_now THEN p_boosts[1]
              WHEN p_due < p_day_end THEN p_boosts[2]
              WHEN p_due <= p_now + interval '72 hours' THEN p_boosts[3]
              ELSE p_boosts[4] END
$$;

-- Selection -------------------------------------------------------------------------------------------------------

-- The p_limit best claimable tasks, best first. Within one priority a later due date never scores higher, so the
-- best n of all are among the first n of each priority by (due, created, id): four index probes, whatever the size.
--   Example, n = 1: heads CRITICAL due in a month (1000 × 1), HIGH overdue (100 × 10), MEDIUM overdue (10 × 10):
--   the first two tie at 1000, and the earlier due date wins: HIGH.
-- Delayed tasks whose time has come count as claimable; the claim has promoted them before it asks.
-- One required tag is probed in the tag's own index; further tags and the exclusions filter along the way.
CREATE FUNCTION ready_heads(
  p_orchestrator uuid, p_limit int, p_now timestamptz,
  p_require_tags text[], p_exclude_tags text[], p_priorities task_priority[], p_exclude_ids uuid[]
) RETURNS TABLE (task_id uuid, priority task_priority, due_at timestamptz, created_at timestamptz, weight float8, boost float8, score float8)
LANGUAGE plpgsql STABLE ROWS 4
-- Planned once, before anybody knows how many rows there will be: leave no way but the probes. (Joined to what it gives,
-- ROWS 4 does the same; with the default of a thousand, a claim read the whole table.)
SET plan_cache_mode = force_generic_plan SET enable_seqscan = off SET enable_bitmapscan = off SET enable_hashjoin = off SET enable_mergejoin = off
AS $$
#variable_conflict use_column
DECLARE
  v_weights float8[];
  v_boosts float8[];
  v_day_end timestamptz;
  v_tag text;
BEGIN
  SELECT w.priority_weights, w.deadline_boosts, end_of_local_day(p_now, o.time_zone)
    INTO v_weights, v_boosts, v_day_end
    FROM orchestrators o JOIN workspaces w ON w.id = o.workspace_id
   WHERE o.id = p_orchestrator;

  IF coalesce(cardinality(p_require_tags), 0) = 0 THEN
    RETURN QUERY
    SELECT s.task_id, s.priority, s.due_at, s.created_at, s.weight, s.boost, s.weight * s.boost AS score
    FROM (
      SELECT h.task_id, p.priority, h.due_at, h.created_at,
             v_weights[array_position(enum_range(NULL::task_priority), p.priority)] AS weight,
             deadline_boost(h.due_at, p_now, v_day_end, v_boosts) AS boost
      FROM unnest(p_priorities) AS p(priority)
      CROSS JOIN LATERAL (
        SELECT r.task_id, r.due_at, r.created_at
        FROM ready_tasks r
        WHERE r.orchestrator_id = p_orchestrator AND r.priority = p.priority
          AND (p_exclude_tags IS NULL OR NOT r.tags && p_exclude_tags)
          AND (p_exclude_ids IS NULL OR NOT r.task_id = ANY (p_exclude_ids))
        ORDER BY r.due_at, r.created_at, r.task_id
        LIMIT p_limit
      ) h
      UNION ALL
      SELECT d.task_id, d.priority, d.due_at, d.created_at,
             v_weights[array_position(enum_range(NULL::task_priority), d.priority)],
             deadline_boost(d.due_at, p_now, v_day_end, v_boosts)
      FROM delayed_tasks d
      WHERE d.orchestrator_id = p_orchestrator AND d.available_at <= p_now AND d.priority = ANY (p_priorities)
        AND (p_exclude_tags IS NULL OR NOT d.tags && p_exclude_tags)
        AND (p_exclude_ids IS NULL OR NOT d.task_id = ANY (p_exclude_ids))
    ) s
    ORDER BY score DESC, s.due_at, s.created_at, s.task_id
    LIMIT p_limit;
    RETURN;
  END IF;

  -- Walk along the rarest of the required tags; "rare" is told apart up to a thousand rows, beyond that any will do.
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

  RETURN QUERY
  SELECT s.task_id, s.priority, s.due_at, s.created_at, s.weight, s.boost, s.weight * s.boost AS score
  FROM (
    SELECT h.task_id, p.priority, h.due_at, h.created_at,
           v_weights[array_position(enum_range(NULL::task_priority), p.priority)] AS weight,
           deadline_boost(h.due_at, p_now, v_day_end, v_boosts) AS boost
    FROM unnest(p_priorities) AS p(priority)
    CROSS JOIN LATERAL (
      SELECT k.task_id, k.due_at, k.created_at
      FROM ready_task_tags k
      JOIN ready_tasks r ON r.task_id = k.task_id
      WHERE k.orchestrator_id = p_orchestrator AND k.tag = v_tag AND k.priority = p.priority
        AND r.tags @> p_require_tags
        AND (p_exclude_tags IS NULL OR NOT r.tags && p_exclude_tags)
        AND (p_exclude_ids IS NULL OR NOT k.task_id = ANY (p_exclude_ids))
      ORDER BY k.due_at, k.created_at, k.task_id
      LIMIT p_limit
    ) h
    UNION ALL
    SELECT d.task_id, d.priority, d.due_at, d.created_at,
           v_weights[array_position(enum_range(NULL::task_priority), d.priority)],
           deadline_boost(d.due_at, p_now, v_day_end, v_boosts)
    FROM delayed_tasks d
    WHERE d.orchestrator_id = p_orchestrator AND d.available_at <= p_now AND d.priority = ANY (p_priorities)
      AND d.tags @> p_require_tags
      AND (p_exclude_tags IS NULL OR NOT d.tags && p_exclude_tags)
      AND (p_exclude_ids IS NULL OR NOT d.task_id = ANY (p_exclude_ids))
  ) s
  ORDER BY score DESC, s.due_at, s.created_at, s.task_id
  LIMIT p_limit;
END $$;

-- Where a task stands ---------------------------------------------------------------------------------------------

-- Puts tasks whose row says TODO where claims look for them.
CREATE FUNCTION enqueue_tasks(p_ids uuid[], p_now timestamptz) RETURNS void
LANGUAGE plpgsql SET plan_cache_mode = force_generic_plan SET enable_seqscan = off SET enable_bitmapscan = off
SET enable_hashjoin = off SET enable_mergejoin = off AS $$
BEGIN
  WITH t AS (
    SELECT id, workspace_id, orchestrator_id, coalesce(due_at, 'infinity') AS due_at, created_at, available_at, priority, tags
    FROM tasks WHERE id = ANY (p_ids) AND status = 'TODO'
  ), later AS (
    INSERT INTO delayed_tasks (task_id, workspace_id, orchestrator_id, available_at, due_at, created_at, priority, tags)
    SELECT id, workspace_id, orchestrator_id, available_at, due_at, created_at, priority, tags FROM t WHERE available_at > p_now
  ), ready AS (
    INSERT INTO ready_tasks (task_id, workspace_id, orchestrator_id, due_at, created_at, priority, tags)
    SELECT id, workspace_id, orchestrator_id, due_at, created_at, priority, tags FROM t
    WHERE available_at IS NULL OR available_at <= p_now
    RETURNING *
  )
  INSERT INTO ready_task_tags (orchestrator_id, tag, priority, due_at, created_at, task_id)
  SELECT r.orchestrator_id, g.tag, r.priority, r.due_at, r.created_at, r.task_id
  FROM ready r CROSS JOIN LATERAL (SELECT DISTINCT unnest(r.tags) AS tag) g
  WHERE r.orchestrator_id IS NOT NULL;
END $$;

-- Takes tasks out of where claims look.
CREATE FUNCTION dequeue_tasks(p_ids uuid[]) RETURNS void
LANGUAGE plpgsql SET plan_cache_mode = force_generic_plan
SET enable_seqscan = off SET enable_bitmapscan = off SET enable_hashjoin = off SET enable_mergejoin = off SET enable_material = off AS $$
BEGIN
  DELETE FROM delayed_tasks WHERE task_id = ANY (p_ids);
  WITH gone AS (DELETE FROM ready_tasks WHERE task_id = ANY (p_ids) RETURNING *), keys AS MATERIALIZED (
    SELECT g.orchestrator_id, unnest(g.tags) AS tag, g.priority, g.due_at, g.created_at, g.task_id FROM gone g
  )
  DELETE FROM ready_task_tags k USING keys g
  WHERE k.orchestrator_id = g.orchestrator_id AND k.tag = g.tag AND k.priority = g.priority
    AND k.due_at = g.due_at AND k.created_at = g.created_at AND k.task_id = g.task_id;
END $$;

-- Delayed tasks whose time has come become claimable. Called with the orchestrator's row locked.
CREATE FUNCTION promote_due_tasks(p_orchestrator uuid, p_now timestamptz) RETURNS int
LANGUAGE plpgsql SET plan_cache_mode = force_generic_plan SET enable_seqscan = off SET enable_bitmapscan = off
SET enable_hashjoin = off SET enable_mergejoin = off AS $$
DECLARE
  v_ids uuid[];
BEGIN
  -- Only what this statement itself took out: a row that somebody else just put back (by changing the task) must not
  -- be entered twice.
  WITH due AS (
    SELECT task_id FROM delayed_tasks
     WHERE available_at <= p_now AND (orchestrator_id = p_orchestrator OR (p_orchestrator IS NULL AND orchestrator_id IS NULL))
     ORDER BY task_id FOR UPDATE
  ), gone AS (
    DELETE FROM delayed_tasks d USING due WHERE d.task_id = due.task_id RETURNING d.task_id
  )
  SELECT array_agg(task_id) INTO v_ids FROM gone;
  IF v_ids IS NULL THEN RETURN 0; END IF;
  PERFORM enqueue_tasks(v_ids, p_now);
  RETURN cardinality(v_ids);
END $$;

-- Locks a task, first where it stands, then its row. No row: there is no such task in this workspace.
CREATE FUNCTION lock_task(p_id uuid, p_workspace uuid) RETURNS SETOF tasks
LANGUAGE plpgsql AS $$
DECLARE
  v_task tasks;
  v_stands text := 'final';
BEGIN
  PERFORM 1 FROM leases WHERE task_id = p_id FOR UPDATE;
  IF FOUND THEN v_stands := 'running'; ELSE
    PERFORM 1 FROM blocked_tasks WHERE task_id = p_id FOR UPDATE;
    IF FOUND THEN v_stands := 'blocked'; ELSE
      PERFORM 1 FROM ready_tasks WHERE task_id = p_id FOR UPDATE;
      IF FOUND THEN v_stands := 'todo'; ELSE
        PERFORM 1 FROM delayed_tasks WHERE task_id = p_id FOR UPDATE;
        IF FOUND THEN v_stands := 'todo'; END IF;
      END IF;
    END IF;
  END IF;
  SELECT * INTO v_task FROM tasks WHERE id = p_id AND (p_workspace IS NULL OR workspace_id = p_workspace) FOR NO KEY UPDATE;
  IF NOT FOUND THEN RETURN; END IF;
  -- It moved between the two locks; from the start again, in the right order.
  IF v_stands <> (CASE v_task.status WHEN 'TODO' THEN 'todo' WHEN 'BLOCKED' THEN 'blocked'
                       WHEN 'IN_PROGRESS' THEN 'running' WHEN 'MERGING' THEN 'running' ELSE 'final' END) THEN
    RAISE EXCEPTION 'task % moved while it was being locked', p_id USING ERRCODE = 'serialization_failure';
  END IF;
  RETURN NEXT v_task;
END $$;

-- Claiming --------------------------------------------------------------------------------------------------------

-- Selects and claims for one orchestrator, for several calls at once: p_max, p_request_ids (null: none) run parallel,
-- one element a call; p_attempt_ids are fresh ids, as many as all calls ask for together.
-- A call that gets nothing has one row with the reason. A call whose request id was answered before gets those
-- attempts again (replay), whatever became of them.
CREATE FUNCTION claim_tasks(
  p_workspace uuid, p_orchestrator uuid, p_daemon uuid, p_agent text, p_actor text, p_lease_seconds int,
  p_max int[], p_request_ids text[], p_attempt_ids uuid[],
  p_require_tags text[], p_exclude_tags text[], p_priorities task_priority[], p_exclude_ids uuid[], p_now timestamptz
) RETURNS TABLE (call int, reason text, replay boolean, attempt_id uuid, number int, claimed_at timestamptz, expires_at timestamptz,
                 weight float8, boost float8, task tasks)
LANGUAGE plpgsql SET plan_cache_mode = force_generic_plan
SET enable_seqscan = off SET enable_bitmapscan = off SET enable_hashjoin = off SET enable_mergejoin = off SET enable_material = off AS $$
#variable_conflict use_column
DECLARE
  v_orchestrator orchestrators;
  v_now timestamptz;
  v_room int;
  v_slots int[] := '{}';
  v_taken int := 0;
  v_got int;
  v_answered boolean[] := array_fill(false, ARRAY[cardinality(p_max)]);
  v_why text;
BEGIN
  -- Claims of one orchestrator happen one after another; those of others don't wait.
  SELECT * INTO v_orchestrator FROM orchestrators
   WHERE id = p_orchestrator AND (p_workspace IS NULL OR workspace_id = p_workspace) FOR NO KEY UPDATE;
  IF NOT FOUND THEN
    RETURN QUERY SELECT c, 'ORCHESTRATOR_NOT_FOUND', false, NULL::uuid, NULL::int, NULL::timestamptz, NULL::timestamptz, NULL::float8, NULL::float8, NULL::tasks
                 FROM generate_subscripts(p_max, 1) c;
    RETURN;
  END IF;
  IF p_daemon IS NOT NULL AND NOT EXISTS (
    SELECT FROM daemons d WHERE d.id = p_daemon AND d.workspace_id = v_orchestrator.workspace_id) THEN
    RETURN QUERY SELECT c, 'DAEMON_NOT_FOUND', false, NULL::uuid, NULL::int, NULL::timestamptz, NULL::timestamptz, NULL::float8, NULL::float8, NULL::tasks
                 FROM generate_subscripts(p_max, 1) c;
    RETURN;
  END IF;
  v_now := engine_now(p_now);

  FOR i IN 1 .. cardinality(p_max) LOOP
    IF p_request_ids[i] IS NOT NULL THEN
      RETURN QUERY
      SELECT i, NULL::text, true, a.attempt_id, a.number, a.claimed_at, a.expires_at, NULL::float8, NULL::float8, t
      FROM claim_requests q
      CROSS JOIN LATERAL unnest(q.attempt_ids) WITH ORDINALITY AS w(id, n)
      JOIN LATERAL (
        SELECT l.attempt_id, l.task_id, l.number, l.claimed_at, l.expires_at FROM leases l WHERE l.attempt_id = w.id
        UNION ALL
        SELECT e.id, e.task_id, e.number, e.claimed_at, NULL FROM attempts e WHERE e.id = w.id
      ) a ON true
      JOIN tasks t ON t.id = a.task_id
      WHERE q.orchestrator_id = p_orchestrator AND q.request_id = p_request_ids[i]
      ORDER BY w.n;
      IF FOUND THEN v_answered[i] := true; CONTINUE; END IF;
    END IF;
    v_slots := v_slots || array_fill(i, ARRAY[p_max[i]]);
  END LOOP;

  IF v_orchestrator.status NOT IN ('ONLINE', 'BUSY') THEN
    v_why := 'ORCHESTRATOR_NOT_AVAILABLE';
  ELSE
    v_room := v_orchestrator.max_concurrent_tasks - (SELECT count(*) FROM leases l WHERE l.orchestrator_id = p_orchestrator);
    LOOP
      EXIT WHEN v_taken >= v_room OR v_taken >= cardinality(v_slots);
      -- Each time round: the heads count what is due, and only what stands in ready_tasks can be taken.
      PERFORM promote_due_tasks(p_orchestrator, v_now);
      RETURN QUERY
      WITH heads AS MATERIALIZED (
        SELECT h.*, row_number() OVER (ORDER BY h.score DESC, h.due_at, h.created_at, h.task_id) AS place
        FROM ready_heads(p_orchestrator, least(v_room, cardinality(v_slots)) - v_taken, v_now,
                         p_require_tags, p_exclude_tags, p_priorities, p_exclude_ids) h
      ), taken AS (
        -- Somebody may have cancelled or changed it since: then it is not what was chosen, and the loop chooses anew.
        DELETE FROM ready_tasks r USING heads h
        WHERE r.task_id = h.task_id AND r.priority = h.priority AND r.due_at = h.due_at
        RETURNING r.task_id, r.tags, r.priority, r.due_at, r.created_at, h.place, h.weight, h.boost
      ), gone AS (
        SELECT k.task_id, k.tags, k.priority, k.due_at, k.created_at, k.weight, k.boost,
               v_taken + row_number() OVER (ORDER BY k.place)::int AS place
        FROM taken k
      ), keys AS MATERIALIZED (
        -- Whole keys, so that each is one probe of the tags' index, whatever is thought to be in it.
        SELECT p_orchestrator AS orchestrator_id, unnest(g.tags) AS tag, g.priority, g.due_at, g.created_at, g.task_id FROM gone g
      ), untagged AS (
        DELETE FROM ready_task_tags k USING keys g
        WHERE k.orchestrator_id = g.orchestrator_id AND k.tag = g.tag AND k.priority = g.priority
          AND k.due_at = g.due_at AND k.created_at = g.created_at AND k.task_id = g.task_id
      ), locked AS (
        SELECT t.id FROM tasks t WHERE t.id IN (SELECT g.task_id FROM gone g) ORDER BY t.id FOR NO KEY UPDATE
      ), started AS (
        UPDATE tasks t
           SET status = 'IN_PROGRESS', attempt_count = t.attempt_count + 1, claimed_at = v_now, updated_at = v_now,
               progress = 0, progress_message = NULL, available_at = NULL
          FROM locked l
         WHERE t.id = l.id
        RETURNING t.*
      ), leased AS (
        INSERT INTO leases (task_id, attempt_id, workspace_id, orchestrator_id, daemon_id, claimed_at, expires_at, number, lease_seconds, agent)
        SELECT s.id, p_attempt_ids[g.place], s.workspace_id, p_orchestrator, p_daemon, v_now,
               v_now + p_lease_seconds * interval '1 second', s.attempt_count, p_lease_seconds, p_agent
        FROM started s JOIN gone g ON g.task_id = s.id
        RETURNING task_id, attempt_id, expires_at
      ), told AS (
        INSERT INTO events (workspace_id, task_id, attempt_id, orchestrator_id, daemon_id, at, type, actor, "from", "to", data)
        SELECT s.workspace_id, s.id, p_attempt_ids[g.place], p_orchestrator, p_daemon, v_now, 'task.claimed', p_actor, 'TODO', 'IN_PROGRESS',
               jsonb_build_object('attempt', s.attempt_count, 'weight', g.weight, 'boost', g.boost, 'score', g.weight * g.boost)
        FROM started s JOIN gone g ON g.task_id = s.id
        ORDER BY g.place
      )
      SELECT v_slots[g.place], NULL::text, false, l.attempt_id, s.attempt_count, v_now, l.expires_at, g.weight, g.boost, s::tasks
      FROM gone g JOIN started s ON s.id = g.task_id JOIN leased l ON l.task_id = g.task_id
      ORDER BY g.place;
      GET DIAGNOSTICS v_got = ROW_COUNT;
      v_taken := v_taken + v_got;
      -- Nothing taken is only the end where nothing is there: the heads may have been cancelled or changed meanwhile,
      -- and behind them wait others.
      EXIT WHEN v_got = 0 AND NOT EXISTS (
        SELECT FROM ready_heads(p_orchestrator, 1, v_now, p_require_tags, p_exclude_tags, p_priorities, p_exclude_ids));
    END LOOP;
    -- Of several calls the first may have taken the room of the others.
    v_why := CASE WHEN v_taken < v_room THEN 'NOTHING_ELIGIBLE' ELSE 'AT_CAPACITY' END;
  END IF;

  FOR i IN 1 .. v_taken LOOP v_answered[v_slots[i]] := true; END LOOP;

  INSERT INTO claim_requests (orchestrator_id, request_id, created_at, attempt_ids)
  SELECT p_orchestrator, p_request_ids[v_slots[i]], v_now, array_agg(p_attempt_ids[i] ORDER BY i)
  FROM generate_series(1, v_taken) i
  WHERE p_request_ids[v_slots[i]] IS NOT NULL
  GROUP BY v_slots[i];

  RETURN QUERY
  SELECT c, v_why, false, NULL::uuid, NULL::int, NULL::timestamptz, NULL::timestamptz, NULL::float8, NULL::float8, NULL::tasks
  FROM generate_subscripts(p_max, 1) c WHERE NOT v_answered[c];
END $$;

-- Settling --------------------------------------------------------------------------------------------------------

-- Dependents of tasks that have just become DONE: each edge takes one off the count, and who waits for nothing more
-- becomes TODO. Called after the done tasks' rows were written, so that an edge made meanwhile is either seen here or
-- was made with the task's row already DONE.
CREATE FUNCTION free_dependents(p_done uuid[], p_actor text, p_now timestamptz) RETURNS uuid[]
LANGUAGE plpgsql SET plan_cache_mode = force_generic_plan SET enable_seqscan = off SET enable_bitmapscan = off
SET enable_hashjoin = off SET enable_mergejoin = off AS $$
DECLARE
  v_freed uuid[];
BEGIN
  PERFORM 1 FROM blocked_tasks b
    WHERE b.task_id IN (SELECT d.dependent_id FROM task_dependencies d WHERE d.prerequisite_id = ANY (p_done))
    ORDER BY b.task_id FOR UPDATE;
  IF NOT FOUND THEN RETURN '{}'; END IF;

  -- A new statement, so that it counts on the rows as locked.
  WITH met AS (
    SELECT d.dependent_id, count(*)::int AS amount FROM task_dependencies d WHERE d.prerequisite_id = ANY (p_done) GROUP BY d.dependent_id
  ), still AS (
    UPDATE blocked_tasks b SET unmet = b.unmet - m.amount FROM met m
     WHERE b.task_id = m.dependent_id AND (b.unmet <> m.amount OR b.reported)
  ), freed AS (
    DELETE FROM blocked_tasks b USING met m WHERE b.task_id = m.dependent_id AND b.unmet = m.amount AND NOT b.reported
    RETURNING b.task_id
  )
  SELECT array_agg(f.task_id ORDER BY f.task_id) INTO v_freed FROM freed f;
  IF v_freed IS NULL THEN RETURN '{}'; END IF;

  WITH locked AS (
    SELECT t.id FROM tasks t WHERE t.id = ANY (v_freed) ORDER BY t.id FOR NO KEY UPDATE
  ), moved AS (
    UPDATE tasks t SET status = 'TODO', updated_at = p_now FROM locked l WHERE t.id = l.id
    RETURNING t.id, t.workspace_id, t.orchestrator_id
  )
  INSERT INTO events (workspace_id, task_id, orchestrator_id, at, type, actor, "from", "to", data)
  SELECT m.workspace_id, m.id, m.orchestrator_id, p_now, 'task.unblocked', p_actor, 'BLOCKED', 'TODO', '{"reason": "DEPENDENCIES"}'
  FROM moved m ORDER BY m.id;
  PERFORM enqueue_tasks(v_freed, p_now);
  RETURN v_freed;
END $$;

CREATE TYPE settlement AS (
  n int, task_id uuid, attempt_id uuid, result text, output jsonb, artifacts jsonb, error text, question text,
  metrics jsonb, failure_class failure_class, timed_out boolean, retry_seconds float8[],
  workspace_id uuid, orchestrator_id uuid, daemon_id uuid, number int, agent text, claimed_at timestamptz, cancelling boolean
);

-- Ends attempts, many at once, each fenced by its lease: who doesn't hold it changes nothing.
-- p_items: [{ n, task_id, attempt_id?, result: completed | failed | blocked | cancelled | released | lost, output?, artifacts?,
-- error?, question?, metrics?, failure_class?, timed_out?, retry_seconds? }]. Without attempt_id only a lease that never runs out counts.
-- retry_seconds[k] of an item: how long after its k-th failure the task waits; the last one holds for all later ones.
-- p_other_budget: how many failures of each other class, and lost leases, a task may have.
-- Every item has one row back: code null (settled), REPLAY (was settled this way before), or why not.
CREATE FUNCTION settle_attempts(
  p_items jsonb, p_workspace uuid, p_actor text, p_other_budget int, p_now timestamptz
) RETURNS TABLE (n int, code text, task_id uuid, attempt_id uuid, status task_status, attempt_status attempt_status,
                 settled_at timestamptz, available_at timestamptz, freed uuid[])
LANGUAGE plpgsql SET plan_cache_mode = force_generic_plan SET enable_seqscan = off SET enable_bitmapscan = off
SET enable_hashjoin = off SET enable_mergejoin = off AS $$
#variable_conflict use_column
DECLARE
  v_rows settlement[];
  v_now timestamptz;
  v_done uuid[];
  v_todo uuid[];
  v_freed uuid[] := '{}';
BEGIN
  -- By task id, so that two batches that meet can't lock each other out.
  PERFORM 1 FROM leases l
    WHERE l.task_id IN (SELECT i.task_id FROM jsonb_to_recordset(p_items) AS i(task_id uuid))
    ORDER BY l.task_id FOR UPDATE;
  v_now := engine_now(p_now);

  WITH ended AS (
    DELETE FROM leases l
    USING jsonb_to_recordset(p_items) AS i(n int, task_id uuid, attempt_id uuid, result text, output jsonb, artifacts jsonb, error text,
                                           question text, metrics jsonb, failure_class failure_class, timed_out boolean, retry_seconds float8[])
    WHERE l.task_id = i.task_id
      AND (l.attempt_id = i.attempt_id OR (i.attempt_id IS NULL AND l.expires_at IS NULL))
      AND (p_workspace IS NULL OR l.workspace_id = p_workspace)
      AND (i.result <> 'lost' OR l.expires_at <= v_now)
      AND (i.result <> 'cancelled' OR l.cancel_requested_at IS NOT NULL)
    RETURNING i.n, l.task_id, l.attempt_id, i.result, i.output, i.artifacts,
              -- Who confirms a cancel need not know why; who asked for it said so.
              CASE WHEN i.result = 'completed' THEN i.error ELSE coalesce(i.error, l.cancel_reason) END AS error,
              i.question, i.metrics,
              coalesce(i.failure_class, 'task') AS failure_class, coalesce(i.timed_out, false) AS timed_out, i.retry_seconds,
              l.workspace_id, l.orchestrator_id, l.daemon_id, l.number, l.agent, l.claimed_at,
              l.cancel_requested_at IS NOT NULL AS cancelling
  )
  SELECT array_agg(ROW (e.*)::settlement ORDER BY e.task_id) INTO v_rows FROM ended e;

  IF v_rows IS NOT NULL THEN
    RETURN QUERY
    WITH s AS MATERIALIZED (
      SELECT r.*,
             CASE r.result WHEN 'completed' THEN 'SUCCEEDED' WHEN 'lost' THEN 'LOST' WHEN 'released' THEN 'CANCELLED'
                           WHEN 'cancelled' THEN 'CANCELLED' WHEN 'blocked' THEN 'BLOCKED'
                           ELSE CASE WHEN r.cancelling THEN 'CANCELLED' WHEN r.timed_out THEN 'TIMED_OUT' ELSE 'FAILED' END
             END::attempt_status AS ended_as
      FROM unnest(v_rows) r
    ), locked AS (
      SELECT t.id FROM tasks t WHERE t.id IN (SELECT s.task_id FROM s) ORDER BY t.id FOR NO KEY UPDATE
    ), counted AS (
      -- What this attempt adds to which budget, and whether that spends it.
      SELECT s.*, t.status AS was, t.due_at, t.priority, t.max_attempts,
             t.failure_count + (s.result = 'failed' AND s.failure_class IN ('task', 'agent'))::int AS failures,
             t.provider_failure_count + (s.result = 'failed' AND s.failure_class = 'provider')::int AS provider_failures,
             t.infrastructure_failure_count + (s.result = 'failed' AND s.failure_class = 'infrastructure')::int AS infrastructure_failures,
             t.lost_count + (s.result = 'lost')::int AS losses
      FROM s JOIN locked l ON l.id = s.task_id JOIN tasks t ON t.id = s.task_id
    ), decided AS (
      SELECT c.*,
             CASE WHEN c.result = 'completed' THEN 'DONE'
                  WHEN c.result = 'cancelled' OR c.cancelling THEN 'CANCELLED'
                  WHEN c.result = 'blocked' THEN 'BLOCKED'
                  WHEN c.result = 'released' THEN 'TODO'
                  WHEN c.failures >= c.max_attempts OR c.provider_failures >= p_other_budget
                    OR c.infrastructure_failures >= p_other_budget OR c.losses >= p_other_budget THEN 'FAILED'
                  ELSE 'TODO' END::task_status AS becomes,
             CASE WHEN c.result = 'failed' AND cardinality(c.retry_seconds) > 0
                  THEN v_now + c.retry_seconds[least(greatest(CASE c.failure_class WHEN 'provider' THEN c.provider_failures
                         WHEN 'infrastructure' THEN c.infrastructure_failures ELSE c.failures END, 1), cardinality(c.retry_seconds))] * interval '1 second'
             END AS not_before
      FROM counted c
    ), written AS (
      UPDATE tasks t
         SET status = d.becomes, updated_at = v_now,
             finished_at = CASE WHEN d.becomes IN ('DONE', 'FAILED', 'CANCELLED') THEN v_now END,
             available_at = CASE WHEN d.becomes = 'TODO' THEN date_trunc('milliseconds', d.not_before) END,
             progress = CASE WHEN d.becomes = 'DONE' THEN 100 ELSE t.progress END,
             failure_count = d.failures, provider_failure_count = d.provider_failures,
             infrastructure_failure_count = d.infrastructure_failures, lost_count = d.losses,
             blocked_reason = CASE WHEN d.becomes = 'BLOCKED' THEN coalesce(nullif(d.error, ''), 'reported blocked without a reason') END,
             blocked_question = CASE WHEN d.becomes = 'BLOCKED' THEN d.question END
        FROM decided d
       WHERE t.id = d.task_id
      RETURNING t.id, t.available_at
    ), kept AS (
      INSERT INTO attempts (id, task_id, workspace_id, orchestrator_id, daemon_id, claimed_at, ended_at, number, status, failure_class,
                            agent, error, output, artifacts, metrics)
      SELECT d.attempt_id, d.task_id, d.workspace_id, d.orchestrator_id, d.daemon_id, d.claimed_at, greatest(v_now, d.claimed_at), d.number,
             d.ended_as, CASE WHEN d.ended_as IN ('FAILED', 'TIMED_OUT') THEN d.failure_class END,
             d.agent, d.error, d.output, d.artifacts, d.metrics
      FROM decided d
    ), credited AS (
      INSERT INTO task_outcomes (task_id, workspace_id, orchestrator_id, attempt_id, finished_at, claimed_at, due_at, attempts, status, priority)
      SELECT d.task_id, d.workspace_id, d.orchestrator_id, d.attempt_id, v_now, d.claimed_at, d.due_at, d.number, d.becomes, d.priority
      FROM decided d WHERE d.becomes IN ('DONE', 'FAILED', 'CANCELLED')
    ), halted AS (
      INSERT INTO blocked_tasks (task_id, workspace_id, orchestrator_id, unmet, reported, priority)
      SELECT d.task_id, d.workspace_id, d.orchestrator_id, 0, true, d.priority FROM decided d WHERE d.becomes = 'BLOCKED'
    ), told AS (
      INSERT INTO events (workspace_id, task_id, attempt_id, orchestrator_id, daemon_id, at, type, actor, "from", "to", data)
      SELECT d.workspace_id, d.task_id, d.attempt_id, d.orchestrator_id, d.daemon_id, v_now,
             CASE WHEN d.becomes = 'CANCELLED' THEN 'task.cancelled'
                  ELSE CASE d.result WHEN 'completed' THEN 'task.completed' WHEN 'lost' THEN 'task.lease_lost'
                                     WHEN 'blocked' THEN 'task.blocked' WHEN 'released' THEN 'task.released' ELSE 'task.failed' END END,
             p_actor, d.was::text, d.becomes::text,
             jsonb_strip_nulls(jsonb_build_object(
               'attempt', d.number, 'ended', d.ended_as, 'seconds', extract(epoch FROM v_now - d.claimed_at)::float8,
               'error', left(d.error, 2000), 'question', d.question,
               'availableAt', CASE WHEN d.becomes = 'TODO' THEN date_trunc('milliseconds', d.not_before) END,
               'failureClass', CASE WHEN d.ended_as IN ('FAILED', 'TIMED_OUT') THEN d.failure_class END))
      FROM decided d ORDER BY d.task_id
    )
    SELECT d.n, NULL::text, d.task_id, d.attempt_id, d.becomes, d.ended_as, v_now, w.available_at, NULL::uuid[]
    FROM decided d JOIN written w ON w.id = d.task_id;

    SELECT array_agg(t.id) FILTER (WHERE t.status = 'DONE'), array_agg(t.id) FILTER (WHERE t.status = 'TODO')
      INTO v_done, v_todo
      FROM tasks t JOIN unnest(v_rows) r ON r.task_id = t.id;
    IF v_todo IS NOT NULL THEN PERFORM enqueue_tasks(v_todo, v_now); END IF;
    IF v_done IS NOT NULL THEN v_freed := free_dependents(v_done, p_actor, v_now); END IF;
    IF cardinality(v_freed) > 0 THEN
      RETURN QUERY
      -- Each freed task is told once: by the last of those that it waited for in this batch.
      SELECT r.n, 'FREED', r.task_id, r.attempt_id, NULL::task_status, NULL::attempt_status, v_now, NULL::timestamptz, array_agg(f.dependent_id ORDER BY f.dependent_id)
      FROM (
        SELECT DISTINCT ON (d.dependent_id) d.dependent_id, d.prerequisite_id FROM task_dependencies d
        WHERE d.prerequisite_id = ANY (v_done) AND d.dependent_id = ANY (v_freed)
        ORDER BY d.dependent_id, d.prerequisite_id DESC
      ) f JOIN unnest(v_rows) r ON r.task_id = f.prerequisite_id
      GROUP BY r.n, r.task_id, r.attempt_id;
    END IF;
    IF cardinality(v_rows) = jsonb_array_length(p_items) THEN RETURN; END IF;
  END IF;

  -- The rest: settled before in the same way, or not this caller's to settle.
  RETURN QUERY
  SELECT i.n,
         CASE WHEN t.id IS NULL THEN 'TASK_NOT_FOUND'
              WHEN a.status = ANY (CASE i.result WHEN 'completed' THEN '{SUCCEEDED}' WHEN 'failed' THEN '{FAILED,TIMED_OUT,CANCELLED}'
                                                 WHEN 'blocked' THEN '{BLOCKED}' WHEN 'lost' THEN '{LOST}' ELSE '{CANCELLED}' END::attempt_status[]) THEN 'REPLAY'
              WHEN i.attempt_id IS NOT NULL AND l.attempt_id = i.attempt_id AND i.result = 'cancelled' THEN 'CANCEL_NOT_REQUESTED'
              WHEN i.attempt_id IS NOT NULL THEN 'LEASE_LOST'
              WHEN l.task_id IS NOT NULL THEN 'ATTEMPT_REQUIRED'
              ELSE 'NOT_IN_PROGRESS' END,
         i.task_id, i.attempt_id, t.status, a.status, a.ended_at, t.available_at, NULL::uuid[]
  FROM jsonb_to_recordset(p_items) AS i(n int, task_id uuid, attempt_id uuid, result text)
  LEFT JOIN tasks t ON t.id = i.task_id AND (p_workspace IS NULL OR t.workspace_id = p_workspace)
  LEFT JOIN attempts a ON a.id = i.attempt_id AND a.task_id = i.task_id
  LEFT JOIN leases l ON l.task_id = i.task_id
  WHERE i.n NOT IN (SELECT r.n FROM unnest(coalesce(v_rows, '{}')) r);
END $$;
