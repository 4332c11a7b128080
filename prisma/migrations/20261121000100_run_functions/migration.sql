-- Runs: their invariants, their counts, and the engine's functions with runs in them. Written by hand.
--
-- Order of locks: the orchestrator's row; the runs' rows (by id); the narrow row that says where the task stands (lease,
-- ready, delayed, blocked; by task id where several); the task's row (by id). Dependents come after their prerequisites.
-- One exception: dependents in another run are met with that run's row taken last, by its counts. What then meets
-- head-on is told by the database and tried again by the caller.

-- Invariants ------------------------------------------------------------------------------------------------------

ALTER TABLE runs
  ADD CONSTRAINT run_limits CHECK (
    max_concurrent_tasks BETWEEN 1 AND 1000 AND max_concurrent_merges BETWEEN 1 AND 1000
    AND max_agents_per_wave BETWEEN 1 AND 1000 AND wave_delay_seconds BETWEEN 0 AND 86400 AND timeout_seconds > 0),
  ADD CONSTRAINT run_thresholds CHECK (
    threshold_consecutive >= 1 AND threshold_rate > 0 AND threshold_rate <= 1 AND threshold_min_attempts >= 1),
  ADD CONSTRAINT run_counts_not_negative CHECK (
    blocked >= 0 AND todo >= 0 AND in_progress >= 0 AND merging >= 0 AND done >= 0 AND failed >= 0 AND cancelled >= 0
    AND failures_in_row >= 0 AND attempts_ended >= 0 AND attempts_failed >= 0),
  ADD CONSTRAINT run_final_means_finished CHECK ((finished_at IS NOT NULL) = (status IN ('SUCCEEDED', 'FAILED', 'CANCELLED'))),
  ADD CONSTRAINT run_active_means_started CHECK (status = 'PENDING' OR started_at IS NOT NULL),
  ADD CONSTRAINT run_text_sizes CHECK (
    char_length(name) BETWEEN 1 AND 300 AND octet_length(description) <= 102400 AND octet_length(reason) <= 8192);

ALTER TABLE run_waves
  ADD CONSTRAINT wave_counts CHECK (wave >= 0 AND live >= 0 AND blocked >= 0 AND total >= live + blocked);

ALTER TABLE tasks
  ADD CONSTRAINT wave_needs_run CHECK ((run_id IS NULL) = (wave IS NULL)),
  ADD CONSTRAINT merging_needs_run CHECK (status <> 'MERGING' OR run_id IS NOT NULL),
  ADD CONSTRAINT merge_failures_not_negative CHECK (merge_failure_count >= 0);

ALTER TABLE leases
  ADD CONSTRAINT merging_lease_needs_run CHECK (NOT merging OR run_id IS NOT NULL);

-- The counts of a run change with every claim and ending of its tasks; no index covers them.
ALTER TABLE runs SET (fillfactor = 50, autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 1000);
ALTER TABLE run_waves SET (fillfactor = 50, autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 1000);
ALTER TABLE merges SET (fillfactor = 75, autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 1000);

-- The counts of a run ---------------------------------------------------------------------------------------------

-- Whatever changes tasks, by whatever statement, their runs' counts follow in the same transaction: nobody has to
-- remember them, so they can't drift. Statement triggers, because one statement often moves many tasks of one run.
CREATE FUNCTION count_run_tasks() RETURNS trigger
LANGUAGE plpgsql AS $$
DECLARE
  v_changes jsonb;
BEGIN
  IF TG_OP = 'INSERT' THEN
    SELECT jsonb_agg(c) INTO v_changes FROM (
      SELECT run_id, wave, status, count(*) AS n FROM new_rows WHERE run_id IS NOT NULL GROUP BY run_id, wave, status) c;
  ELSIF TG_OP = 'DELETE' THEN
    SELECT jsonb_agg(c) INTO v_changes FROM (
      SELECT run_id, wave, status, -count(*) AS n FROM old_rows WHERE run_id IS NOT NULL GROUP BY run_id, wave, status) c;
  ELSE
    -- Most tasks are in no run: don't pair the rows for them.
    PERFORM 1 FROM new_rows WHERE run_id IS NOT NULL LIMIT 1;
    IF NOT FOUND THEN
      PERFORM 1 FROM old_rows WHERE run_id IS NOT NULL LIMIT 1;
      IF NOT FOUND THEN RETURN NULL; END IF;
    END IF;
    SELECT jsonb_agg(c) INTO v_changes FROM (
      SELECT run_id, wave, status, sum(n) AS n FROM (
        SELECT run_id, wave, status, -1 AS n FROM old_rows WHERE run_id IS NOT NULL
        UNION ALL
        SELECT run_id, wave, status, 1 FROM new_rows WHERE run_id IS NOT NULL
      ) e GROUP BY run_id, wave, status HAVING sum(n) <> 0) c;
  END IF;
  IF v_changes IS NULL THEN RETURN NULL; END IF;

  PERFORM 1 FROM runs r WHERE r.id IN (SELECT c.run_id FROM jsonb_to_recordset(v_changes) AS c(run_id uuid))
    ORDER BY r.id FOR NO KEY UPDATE;
  UPDATE runs r
     SET blocked = r.blocked + c.blocked, todo = r.todo + c.todo, in_progress = r.in_progress + c.in_progress,
         merging = r.merging + c.merging, done = r.done + c.done, failed = r.failed + c.failed, cancelled = r.cancelled + c.cancelled
    FROM (
      SELECT run_id,
             coalesce(sum(n) FILTER (WHERE status = 'BLOCKED'), 0) AS blocked, coalesce(sum(n) FILTER (WHERE status = 'TODO'), 0) AS todo,
             coalesce(sum(n) FILTER (WHERE status = 'IN_PROGRESS'), 0) AS in_progress, coalesce(sum(n) FILTER (WHERE status = 'MERGING'), 0) AS merging,
             coalesce(sum(n) FILTER (WHERE status = 'DONE'), 0) AS done, coalesce(sum(n) FILTER (WHERE status = 'FAILED'), 0) AS failed,
             coalesce(sum(n) FILTER (WHERE status = 'CANCELLED'), 0) AS cancelled
      FROM jsonb_to_recordset(v_changes) AS e(run_id uuid, status task_status, n int) GROUP BY run_id
    ) c
   WHERE r.id = c.run_id;

  -- Two steps, for an upsert checks the row it proposes before it finds the one that is there.
  WITH c AS (
    SELECT run_id, wave, sum(n)::int AS total,
           coalesce(sum(n) FILTER (WHERE status IN ('TODO', 'IN_PROGRESS', 'MERGING')), 0)::int AS live,
           coalesce(sum(n) FILTER (WHERE status = 'BLOCKED'), 0)::int AS blocked
    FROM jsonb_to_recordset(v_changes) AS e(run_id uuid, wave int, status task_status, n int) GROUP BY run_id, wave
  ), known AS (
    UPDATE run_waves w SET total = w.total + c.total, live = w.live + c.live, blocked = w.blocked + c.blocked
      FROM c WHERE w.run_id = c.run_id AND w.wave = c.wave
    RETURNING w.run_id, w.wave
  )
  INSERT INTO run_waves (run_id, wave, total, live, blocked)
  SELECT c.run_id, c.wave, c.total, c.live, c.blocked FROM c
  WHERE NOT EXISTS (SELECT FROM known k WHERE k.run_id = c.run_id AND k.wave = c.wave);
  DELETE FROM run_waves w WHERE w.total = 0
    AND w.run_id IN (SELECT c.run_id FROM jsonb_to_recordset(v_changes) AS c(run_id uuid));
  RETURN NULL;
END $$;

CREATE TRIGGER count_run_tasks_inserted AFTER INSERT ON tasks
  REFERENCING NEW TABLE AS new_rows FOR EACH STATEMENT EXECUTE FUNCTION count_run_tasks();
CREATE TRIGGER count_run_tasks_updated AFTER UPDATE ON tasks
  REFERENCING OLD TABLE AS old_rows NEW TABLE AS new_rows FOR EACH STATEMENT EXECUTE FUNCTION count_run_tasks();
CREATE TRIGGER count_run_tasks_deleted AFTER DELETE ON tasks
  REFERENCING OLD TABLE AS old_rows FOR EACH STATEMENT EXECUTE FUNCTION count_run_tasks();

-- How many more tasks a run may have in progress.
CREATE FUNCTION run_room(r runs) RETURNS int
LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
  SELECT CASE WHEN r.waves = 'strict' THEN least(r.max_concurrent_tasks, r.max_agents_per_wave) ELSE r.max_concurrent_tasks END - r.in_progress
$$;

-- Until when a TODO task of a run waits: for its own time, and with strict waves for its wave.
CREATE FUNCTION held_until(p_available timestamptz, p_wave int, r runs) RETURNS timestamptz
LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
  SELECT CASE WHEN (r).waves IS DISTINCT FROM 'strict' THEN p_available
              WHEN p_wave > (r).current_wave THEN 'infinity'
              WHEN p_wave = (r).current_wave THEN greatest(p_available, (r).wave_opens_at)
              ELSE p_available END
$$;

CREATE FUNCTION tell_run(p_run uuid, p_type text, p_actor text, p_from text, p_to text, p_data jsonb, p_now timestamptz) RETURNS void
LANGUAGE sql AS $$
  INSERT INTO events (workspace_id, run_id, at, type, actor, "from", "to", data)
  SELECT r.workspace_id, r.id, p_now, p_type, p_actor, p_from, p_to, p_data FROM runs r WHERE r.id = p_run
$$;

-- Selection -------------------------------------------------------------------------------------------------------

-- Runs that have tasks for this orchestrator which are claimable but for the run itself: one probe each. All zeros is
-- the queue of those in no run.
CREATE FUNCTION queued_runs(p_orchestrator uuid, p_now timestamptz, p_run uuid) RETURNS SETOF uuid
LANGUAGE plpgsql STABLE ROWS 2
SET plan_cache_mode = force_generic_plan SET enable_seqscan = off SET enable_bitmapscan = off SET enable_hashjoin = off SET enable_mergejoin = off
AS $$
BEGIN
  IF p_run IS NOT NULL THEN RETURN NEXT p_run; RETURN; END IF;
  RETURN QUERY
  WITH RECURSIVE queues(run_id) AS (
    (SELECT r.run_id FROM ready_tasks r WHERE r.orchestrator_id = p_orchestrator ORDER BY r.run_id LIMIT 1)
    UNION ALL
    SELECT (SELECT r.run_id FROM ready_tasks r WHERE r.orchestrator_id = p_orchestrator AND r.run_id > q.run_id ORDER BY r.run_id LIMIT 1)
    FROM queues q WHERE q.run_id IS NOT NULL
  )
  SELECT q.run_id FROM queues q WHERE q.run_id IS NOT NULL
  UNION
  SELECT d.run_id FROM delayed_tasks d WHERE d.orchestrator_id = p_orchestrator AND d.available_at <= p_now;
END $$;

DROP FUNCTION ready_heads(uuid, int, timestamptz, text[], text[], task_priority[], uuid[]);

-- The p_limit best claimable tasks, best first. Within one priority a later due date never scores higher, so the
-- best n of all are among the first n of each priority by (due, created, id): four index probes, whatever the size,
-- for the tasks in no run and for each run that hands out work now.
--   Example, n = 1: heads CRITICAL due in a month (1000 × 1), HIGH overdue (100 × 10), MEDIUM overdue (10 × 10):
--   the first two tie at 1000, and the earlier due date wins: HIGH.
-- Of a run only as many count as it has free slots. p_runs: which queues count; null: all that hand out work.
-- Delayed tasks whose time has come count as claimable; the claim has promoted them before it asks.
-- One required tag is probed in the tag's own index; further tags and the exclusions filter along the way.
CREATE FUNCTION ready_heads(
  p_orchestrator uuid, p_limit int, p_now timestamptz,
  p_require_tags text[], p_exclude_tags text[], p_priorities task_priority[], p_exclude_ids uuid[], p_run uuid, p_runs uuid[] DEFAULT NULL
) RETURNS TABLE (task_id uuid, priority task_priority, due_at timestamptz, created_at timestamptz, weight float8, boost float8, score float8)
LANGUAGE plpgsql STABLE ROWS 4
-- Planned once, before anybody knows how many rows there will be: leave no way but the probes. (Joined to what it gives,
-- ROWS 4 does the same; with the default of a thousand, a claim read the whole table.)
SET plan_cache_mode = force_generic_plan SET enable_seqscan = off SET enable_bitmapscan = off SET enable_hashjoin = off SET enable_mergejoin = off SET enable_material = off
AS $$
#variable_conflict use_column
DECLARE
  c_none CONSTANT uuid := '00000000-0000-0000-0000-000000000000';
  v_weights float8[];
  v_boosts float8[];
  v_day_end timestamptz;
  v_tag text;
BEGIN
  SELECT w.priority_weights, w.deadline_boosts, end_of_local_day(p_now, o.time_zone)
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

  RETURN QUERY
  WITH queues AS MATERIALIZED (
    -- What each queue may still hand out. A run that doesn't is not probed, whatever lies in it.
    SELECT q.id AS run_id, CASE WHEN q.id = c_none THEN p_limit ELSE least(p_limit, run_room(r)) END AS room
    FROM (SELECT unnest(p_runs) AS id UNION ALL SELECT * FROM queued_runs(p_orchestrator, p_now, p_run) WHERE p_runs IS NULL) q
    LEFT JOIN runs r ON r.id = q.id
    WHERE q.id = c_none OR (r.status = 'RUNNING' AND run_room(r) > 0)
  ), heads AS (
    SELECT q.run_id, q.room, h.task_id, p.priority, h.due_at, h.created_at
    FROM queues q
    CROSS JOIN unnest(p_priorities) AS p(priority)
    CROSS JOIN LATERAL (
      (SELECT r.task_id, r.due_at, r.created_at
       FROM ready_tasks r
       WHERE v_tag IS NULL
         AND r.orchestrator_id = p_orchestrator AND r.run_id = q.run_id AND r.priority = p.priority
         AND (p_exclude_tags IS NULL OR NOT r.tags && p_exclude_tags)
         AND (p_exclude_ids IS NULL OR NOT r.task_id = ANY (p_exclude_ids))
       ORDER BY r.due_at, r.created_at, r.task_id
       LIMIT q.room)
      UNION ALL
      (SELECT k.task_id, k.due_at, k.created_at
       FROM ready_task_tags k
       JOIN ready_tasks r ON r.task_id = k.task_id
       WHERE v_tag IS NOT NULL
         AND k.orchestrator_id = p_orchestrator AND k.tag = v_tag AND k.run_id = q.run_id AND k.priority = p.priority
         AND r.tags @> p_require_tags
         AND (p_exclude_tags IS NULL OR NOT r.tags && p_exclude_tags)
         AND (p_exclude_ids IS NULL OR NOT k.task_id = ANY (p_exclude_ids))
       ORDER BY k.due_at, k.created_at, k.task_id
       LIMIT q.room)
    ) h
    UNION ALL
    SELECT q.run_id, q.room, d.task_id, d.priority, d.due_at, d.created_at
    FROM delayed_tasks d JOIN queues q ON q.run_id = d.run_id
    WHERE d.orchestrator_id = p_orchestrator AND d.available_at <= p_now AND d.priority = ANY (p_priorities)
      AND (p_require_tags IS NULL OR d.tags @> p_require_tags)
      AND (p_exclude_tags IS NULL OR NOT d.tags && p_exclude_tags)
      AND (p_exclude_ids IS NULL OR NOT d.task_id = ANY (p_exclude_ids))
  ), scored AS (
    SELECT h.*,
           v_weights[array_position(enum_range(NULL::task_priority), h.priority)] AS weight,
           deadline_boost(h.due_at, p_now, v_day_end, v_boosts) AS boost
    FROM heads h
  ), placed AS (
    SELECT s.*, s.weight * s.boost AS score,
           row_number() OVER (PARTITION BY s.run_id ORDER BY s.weight * s.boost DESC, s.due_at, s.created_at, s.task_id) AS place
    FROM scored s
  )
  SELECT s.task_id, s.priority, s.due_at, s.created_at, s.weight, s.boost, s.score
  FROM placed s
  WHERE s.place <= s.room
  ORDER BY s.score DESC, s.due_at, s.created_at, s.task_id
  LIMIT p_limit;
END $$;

-- Where a task stands ---------------------------------------------------------------------------------------------

-- Puts tasks whose row says TODO where claims look for them.
CREATE OR REPLACE FUNCTION enqueue_tasks(p_ids uuid[], p_now timestamptz) RETURNS void
LANGUAGE plpgsql SET plan_cache_mode = force_generic_plan SET enable_seqscan = off SET enable_bitmapscan = off
SET enable_hashjoin = off SET enable_mergejoin = off AS $$
BEGIN
  WITH t AS (
    SELECT t.id, t.workspace_id, t.orchestrator_id, coalesce(t.run_id, '00000000-0000-0000-0000-000000000000') AS run_id,
           coalesce(t.due_at, 'infinity') AS due_at, t.created_at, held_until(t.available_at, t.wave, r) AS available_at, t.priority, t.tags
    FROM tasks t LEFT JOIN runs r ON r.id = t.run_id WHERE t.id = ANY (p_ids) AND t.status = 'TODO'
  ), later AS (
    INSERT INTO delayed_tasks (task_id, workspace_id, orchestrator_id, run_id, available_at, due_at, created_at, priority, tags)
    SELECT id, workspace_id, orchestrator_id, run_id, available_at, due_at, created_at, priority, tags FROM t WHERE available_at > p_now
  ), ready AS (
    INSERT INTO ready_tasks (task_id, workspace_id, orchestrator_id, run_id, due_at, created_at, priority, tags)
    SELECT id, workspace_id, orchestrator_id, run_id, due_at, created_at, priority, tags FROM t
    WHERE available_at IS NULL OR available_at <= p_now
    RETURNING *
  )
  INSERT INTO ready_task_tags (orchestrator_id, tag, run_id, priority, due_at, created_at, task_id)
  SELECT r.orchestrator_id, g.tag, r.run_id, r.priority, r.due_at, r.created_at, r.task_id
  FROM ready r CROSS JOIN LATERAL (SELECT DISTINCT unnest(r.tags) AS tag) g
  WHERE r.orchestrator_id IS NOT NULL;
END $$;

-- Takes tasks out of where claims look.
CREATE OR REPLACE FUNCTION dequeue_tasks(p_ids uuid[]) RETURNS void
LANGUAGE plpgsql SET plan_cache_mode = force_generic_plan
SET enable_seqscan = off SET enable_bitmapscan = off SET enable_hashjoin = off SET enable_mergejoin = off SET enable_material = off AS $$
BEGIN
  DELETE FROM delayed_tasks WHERE task_id = ANY (p_ids);
  WITH gone AS (DELETE FROM ready_tasks WHERE task_id = ANY (p_ids) RETURNING *), keys AS MATERIALIZED (
    SELECT g.orchestrator_id, unnest(g.tags) AS tag, g.run_id, g.priority, g.due_at, g.created_at, g.task_id FROM gone g
  )
  DELETE FROM ready_task_tags k USING keys g
  WHERE k.orchestrator_id = g.orchestrator_id AND k.tag = g.tag AND k.run_id = g.run_id AND k.priority = g.priority
    AND k.due_at = g.due_at AND k.created_at = g.created_at AND k.task_id = g.task_id;
END $$;

-- Locks a task: first its run, then where it stands, then its row. No row: there is no such task in this workspace.
CREATE OR REPLACE FUNCTION lock_task(p_id uuid, p_workspace uuid) RETURNS SETOF tasks
LANGUAGE plpgsql AS $$
DECLARE
  v_task tasks;
  v_stands text := 'final';
BEGIN
  -- Whatever moves the task moves its run's counts.
  PERFORM 1 FROM runs r WHERE r.id = (SELECT t.run_id FROM tasks t WHERE t.id = p_id) FOR NO KEY UPDATE;
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

DROP FUNCTION claim_tasks(uuid, uuid, uuid, text, text, int, int[], text[], uuid[], text[], text[], task_priority[], uuid[], timestamptz);

-- Selects and claims for one orchestrator, for several calls at once: p_max, p_request_ids (null: none) run parallel,
-- one element a call; p_attempt_ids are fresh ids, as many as all calls ask for together.
-- A call that gets nothing has one row with the reason. A call whose request id was answered before gets those
-- attempts again (replay), whatever became of them.
CREATE FUNCTION claim_tasks(
  p_workspace uuid, p_orchestrator uuid, p_daemon uuid, p_agent text, p_actor text, p_lease_seconds int,
  p_max int[], p_request_ids text[], p_attempt_ids uuid[],
  p_require_tags text[], p_exclude_tags text[], p_priorities task_priority[], p_exclude_ids uuid[], p_run uuid, p_now timestamptz
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
  v_runs uuid[];
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
      -- Answered before with tasks that were deleted since: there is nothing to repeat, and nothing more is taken.
      CONTINUE WHEN EXISTS (SELECT FROM claim_requests q WHERE q.orchestrator_id = p_orchestrator AND q.request_id = p_request_ids[i]);
    END IF;
    v_slots := v_slots || array_fill(i, ARRAY[p_max[i]]);
  END LOOP;

  IF v_orchestrator.status NOT IN ('ONLINE', 'BUSY') THEN
    v_why := 'ORCHESTRATOR_NOT_AVAILABLE';
  ELSE
    v_room := v_orchestrator.max_concurrent_tasks - (SELECT count(*) FROM leases l WHERE l.orchestrator_id = p_orchestrator AND NOT l.merging);
    -- Only what is locked is chosen from: claims of other orchestrators share a run's slots.
    SELECT array_agg(q) INTO v_runs FROM queued_runs(p_orchestrator, v_now, p_run) q;
    PERFORM 1 FROM runs r WHERE r.id = ANY (v_runs) AND r.status = 'RUNNING' ORDER BY r.id FOR NO KEY UPDATE;
    LOOP
      EXIT WHEN v_taken >= v_room OR v_taken >= cardinality(v_slots);
      -- Each time round: the heads count what is due, and only what stands in ready_tasks can be taken.
      PERFORM promote_due_tasks(p_orchestrator, v_now);
      RETURN QUERY
      WITH heads AS MATERIALIZED (
        SELECT h.*, row_number() OVER (ORDER BY h.score DESC, h.due_at, h.created_at, h.task_id) AS place
        FROM ready_heads(p_orchestrator, least(v_room, cardinality(v_slots)) - v_taken, v_now,
                         p_require_tags, p_exclude_tags, p_priorities, p_exclude_ids, p_run, coalesce(v_runs, '{}')) h
      ), taken AS (
        -- Somebody may have cancelled or changed it since: then it is not what was chosen, and the loop chooses anew.
        DELETE FROM ready_tasks r USING heads h
        WHERE r.task_id = h.task_id AND r.priority = h.priority AND r.due_at = h.due_at
        RETURNING r.task_id, r.tags, r.run_id, r.priority, r.due_at, r.created_at, h.place, h.weight, h.boost
      ), gone AS (
        SELECT k.task_id, k.tags, k.run_id, k.priority, k.due_at, k.created_at, k.weight, k.boost,
               v_taken + row_number() OVER (ORDER BY k.place)::int AS place
        FROM taken k
      ), keys AS MATERIALIZED (
        -- Whole keys, so that each is one probe of the tags' index, whatever is thought to be in it.
        SELECT p_orchestrator AS orchestrator_id, unnest(g.tags) AS tag, g.run_id, g.priority, g.due_at, g.created_at, g.task_id FROM gone g
      ), untagged AS (
        DELETE FROM ready_task_tags k USING keys g
        WHERE k.orchestrator_id = g.orchestrator_id AND k.tag = g.tag AND k.run_id = g.run_id AND k.priority = g.priority
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
        INSERT INTO leases (task_id, attempt_id, workspace_id, orchestrator_id, daemon_id, run_id, claimed_at, expires_at, number, lease_seconds, agent)
        SELECT s.id, p_attempt_ids[g.place], s.workspace_id, p_orchestrator, p_daemon, s.run_id, v_now,
               v_now + p_lease_seconds * interval '1 second', s.attempt_count, p_lease_seconds, p_agent
        FROM started s JOIN gone g ON g.task_id = s.id
        RETURNING task_id, attempt_id, expires_at
      ), told AS (
        INSERT INTO events (workspace_id, task_id, attempt_id, orchestrator_id, daemon_id, run_id, at, type, actor, "from", "to", data)
        SELECT s.workspace_id, s.id, p_attempt_ids[g.place], p_orchestrator, p_daemon, s.run_id, v_now, 'task.claimed', p_actor, 'TODO', 'IN_PROGRESS',
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
        SELECT FROM ready_heads(p_orchestrator, 1, v_now, p_require_tags, p_exclude_tags, p_priorities, p_exclude_ids, p_run, coalesce(v_runs, '{}')));
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

-- What follows from an ending ---------------------------------------------------------------------------------------

-- Dependents of tasks that have just become DONE: each edge takes one off the count, and who waits for nothing more
-- becomes TODO. Called after the done tasks' rows were written, so that an edge made meanwhile is either seen here or
-- was made with the task's row already DONE.
CREATE OR REPLACE FUNCTION free_dependents(p_done uuid[], p_actor text, p_now timestamptz) RETURNS uuid[]
LANGUAGE plpgsql SET plan_cache_mode = force_generic_plan SET enable_seqscan = off SET enable_bitmapscan = off
SET enable_hashjoin = off SET enable_mergejoin = off AS $$
DECLARE
  v_freed uuid[];
BEGIN
  PERFORM 1 FROM blocked_tasks b
    WHERE b.task_id IN (SELECT d.dependent_id FROM task_dependencies d WHERE d.prerequisite_id = ANY (p_done) AND NOT d.released)
    ORDER BY b.task_id FOR UPDATE;
  IF NOT FOUND THEN RETURN '{}'; END IF;

  -- A new statement, so that it counts on the rows as locked.
  WITH met AS (
    SELECT d.dependent_id, count(*)::int AS amount FROM task_dependencies d WHERE d.prerequisite_id = ANY (p_done) AND NOT d.released GROUP BY d.dependent_id
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
    RETURNING t.id, t.workspace_id, t.orchestrator_id, t.run_id
  )
  INSERT INTO events (workspace_id, task_id, orchestrator_id, run_id, at, type, actor, "from", "to", data)
  SELECT m.workspace_id, m.id, m.orchestrator_id, m.run_id, p_now, 'task.unblocked', p_actor, 'BLOCKED', 'TODO', '{"reason": "DEPENDENCIES"}'
  FROM moved m ORDER BY m.id;
  PERFORM enqueue_tasks(v_freed, p_now);
  RETURN v_freed;
END $$;

-- Dependents of tasks that have just FAILED or been CANCELLED. What becomes of them is p_policy, or else the policy of
-- the run they are in, or else 'block': they stay BLOCKED. 'cancel' cancels them and what depends on them in turn;
-- 'release' marks the edge, which then counts as met. p_only: of the direct dependents only these. Returns the runs
-- concerned.
CREATE FUNCTION fail_dependents(p_ended uuid[], p_policy prerequisite_policy, p_actor text, p_now timestamptz, p_only uuid[] DEFAULT NULL) RETURNS uuid[]
LANGUAGE plpgsql SET plan_cache_mode = force_generic_plan SET enable_seqscan = off SET enable_bitmapscan = off
SET enable_hashjoin = off SET enable_mergejoin = off AS $$
DECLARE
  v_frontier uuid[] := p_ended;
  v_cancel uuid[];
  v_release uuid[];
  v_freed uuid[];
  v_runs uuid[] := '{}';
  v_only uuid[] := p_only;
BEGIN
  LOOP
    EXIT WHEN coalesce(cardinality(v_frontier), 0) = 0;
    PERFORM 1 FROM blocked_tasks b
      WHERE b.task_id IN (SELECT d.dependent_id FROM task_dependencies d WHERE d.prerequisite_id = ANY (v_frontier) AND NOT d.released AND (v_only IS NULL OR d.dependent_id = ANY (v_only)))
      ORDER BY b.task_id FOR UPDATE;
    EXIT WHEN NOT FOUND;

    SELECT array_agg(DISTINCT x.id) FILTER (WHERE x.policy = 'cancel'), array_agg(DISTINCT x.id) FILTER (WHERE x.policy = 'release'),
           v_runs || coalesce(array_agg(DISTINCT x.run_id) FILTER (WHERE x.run_id IS NOT NULL), '{}')
      INTO v_cancel, v_release, v_runs
      FROM (
        SELECT t.id, t.run_id, coalesce(p_policy, r.on_prerequisite_failure, 'block') AS policy
        FROM task_dependencies d JOIN blocked_tasks b ON b.task_id = d.dependent_id JOIN tasks t ON t.id = d.dependent_id
        LEFT JOIN runs r ON r.id = t.run_id
        WHERE d.prerequisite_id = ANY (v_frontier) AND NOT d.released AND (v_only IS NULL OR d.dependent_id = ANY (v_only))
      ) x;

    IF v_release IS NOT NULL THEN
      WITH let_go AS (
        UPDATE task_dependencies d SET released = true
         WHERE d.prerequisite_id = ANY (v_frontier) AND d.dependent_id = ANY (v_release) AND NOT d.released
        RETURNING d.dependent_id
      ), met AS (
        SELECT l.dependent_id, count(*)::int AS amount FROM let_go l GROUP BY l.dependent_id
      ), still AS (
        UPDATE blocked_tasks b SET unmet = b.unmet - m.amount FROM met m
         WHERE b.task_id = m.dependent_id AND (b.unmet <> m.amount OR b.reported)
      ), gone AS (
        DELETE FROM blocked_tasks b USING met m WHERE b.task_id = m.dependent_id AND b.unmet = m.amount AND NOT b.reported
        RETURNING b.task_id
      )
      SELECT array_agg(g.task_id ORDER BY g.task_id) INTO v_freed FROM gone g;
      IF v_freed IS NOT NULL THEN
        WITH locked AS (
          SELECT t.id FROM tasks t WHERE t.id = ANY (v_freed) ORDER BY t.id FOR NO KEY UPDATE
        ), moved AS (
          UPDATE tasks t SET status = 'TODO', updated_at = p_now FROM locked l WHERE t.id = l.id
          RETURNING t.id, t.workspace_id, t.orchestrator_id, t.run_id
        )
        INSERT INTO events (workspace_id, task_id, orchestrator_id, run_id, at, type, actor, "from", "to", data)
        SELECT m.workspace_id, m.id, m.orchestrator_id, m.run_id, p_now, 'task.unblocked', p_actor, 'BLOCKED', 'TODO', '{"reason": "RELEASED"}'
        FROM moved m ORDER BY m.id;
        PERFORM enqueue_tasks(v_freed, p_now);
      END IF;
    END IF;

    v_frontier := v_cancel;
    v_only := NULL;
    IF v_cancel IS NOT NULL THEN
      PERFORM cancel_waiting(v_cancel, 'A task that it depends on did not get done', p_actor, p_now);
    END IF;
  END LOOP;
  RETURN (SELECT coalesce(array_agg(DISTINCT r), '{}') FROM unnest(v_runs) r);
END $$;

-- Cancels tasks that are BLOCKED or TODO and whose places are locked, with their events; not what depends on them.
CREATE FUNCTION cancel_waiting(p_ids uuid[], p_reason text, p_actor text, p_now timestamptz) RETURNS void
LANGUAGE plpgsql SET plan_cache_mode = force_generic_plan SET enable_seqscan = off SET enable_bitmapscan = off
SET enable_hashjoin = off SET enable_mergejoin = off AS $$
BEGIN
  DELETE FROM blocked_tasks b WHERE b.task_id = ANY (p_ids);
  PERFORM dequeue_tasks(p_ids);
  WITH locked AS (
    SELECT t.id, t.status FROM tasks t WHERE t.id = ANY (p_ids) ORDER BY t.id FOR NO KEY UPDATE
  ), moved AS (
    UPDATE tasks t SET status = 'CANCELLED', updated_at = p_now, finished_at = p_now, available_at = NULL, blocked_reason = NULL, blocked_question = NULL
      FROM locked l WHERE t.id = l.id
    RETURNING t.id, l.status AS was, t.workspace_id, t.orchestrator_id, t.run_id, t.claimed_at, t.due_at, t.attempt_count, t.priority
  ), credited AS (
    INSERT INTO task_outcomes (task_id, workspace_id, orchestrator_id, attempt_id, finished_at, claimed_at, due_at, attempts, status, priority)
    SELECT m.id, m.workspace_id, m.orchestrator_id, (SELECT a.id FROM attempts a WHERE a.task_id = m.id ORDER BY a.number DESC, a.id DESC LIMIT 1),
           p_now, m.claimed_at, m.due_at, m.attempt_count, 'CANCELLED', m.priority
    FROM moved m
  )
  INSERT INTO events (workspace_id, task_id, orchestrator_id, run_id, at, type, actor, "from", "to", data)
  SELECT m.workspace_id, m.id, m.orchestrator_id, m.run_id, p_now, 'task.cancelled', p_actor, m.was::text, 'CANCELLED', jsonb_build_object('reason', p_reason)
  FROM moved m ORDER BY m.id;
END $$;

-- Runs ------------------------------------------------------------------------------------------------------------

-- Whether a BLOCKED task of the run can still come to its turn without a retry: nothing that it waits for, directly or
-- not, has failed, been cancelled, or lies in a run that ended without it. p_wave: only tasks up to that wave, and only
-- by what is in those waves: by way of another run a task may wait for a later wave of its own. Null: all.
CREATE FUNCTION run_can_go_on(p_run uuid, p_wave int) RETURNS boolean
-- A level of the graph is a few rows, whatever the planner thinks of a recursion: go along the edges.
LANGUAGE sql STABLE SET enable_seqscan = off SET enable_bitmapscan = off SET enable_hashjoin = off SET enable_mergejoin = off SET enable_material = off AS $$
  WITH RECURSIVE asked AS MATERIALIZED (
    SELECT t.id FROM tasks t WHERE t.run_id = p_run AND (p_wave IS NULL OR t.wave <= p_wave) AND t.status = 'BLOCKED'
  ), cone(id) AS (
    SELECT a.id FROM asked a
    UNION
    SELECT p.id FROM cone c JOIN task_dependencies d ON d.dependent_id = c.id AND NOT d.released
    JOIN tasks p ON p.id = d.prerequisite_id AND p.status <> 'DONE'
  ), doomed(id) AS (
    SELECT c.id FROM cone c JOIN tasks t ON t.id = c.id LEFT JOIN runs r ON r.id = t.run_id
    WHERE t.status IN ('FAILED', 'CANCELLED')
       -- What is running or merging there may still get done.
       OR (t.run_id <> p_run AND r.status IN ('FAILED', 'CANCELLED') AND t.status NOT IN ('IN_PROGRESS', 'MERGING'))
       OR (t.run_id = p_run AND t.wave > p_wave)
    UNION
    SELECT d.dependent_id FROM doomed x JOIN task_dependencies d ON d.prerequisite_id = x.id AND NOT d.released
    JOIN tasks t ON t.id = d.dependent_id AND t.status <> 'DONE'
  )
  -- Most often somebody only has to answer; then the graph need not be walked.
  SELECT EXISTS (SELECT FROM asked a JOIN blocked_tasks b ON b.task_id = a.id AND b.unmet = 0)
      OR EXISTS (SELECT FROM asked a WHERE a.id NOT IN (SELECT x.id FROM doomed x))
$$;

-- Puts the TODO tasks of a run that are not running where they belong now: its waves have moved.
CREATE FUNCTION requeue_run(p_run uuid, p_now timestamptz) RETURNS void
LANGUAGE plpgsql AS $$
DECLARE
  v_ids uuid[];
BEGIN
  SELECT array_agg(t.id) INTO v_ids
    FROM tasks t JOIN runs r ON r.id = t.run_id
    LEFT JOIN delayed_tasks d ON d.task_id = t.id
    WHERE t.run_id = p_run AND t.status = 'TODO'
      AND CASE WHEN d.task_id IS NULL THEN held_until(t.available_at, t.wave, r) > p_now
               ELSE d.available_at IS DISTINCT FROM held_until(t.available_at, t.wave, r) END;
  IF v_ids IS NOT NULL THEN
    PERFORM dequeue_tasks(v_ids);
    PERFORM enqueue_tasks(v_ids, p_now);
  END IF;
END $$;

-- Asks every live attempt of a run to end, but for what is being merged. Tasks that are merged now will be DONE.
CREATE FUNCTION cancel_run_attempts(p_run uuid, p_reason text, p_actor text, p_now timestamptz) RETURNS void
LANGUAGE sql AS $$
  WITH locked AS (
    SELECT l.task_id FROM leases l WHERE l.run_id = p_run ORDER BY l.task_id FOR UPDATE
  ), asked AS (
    UPDATE leases l SET cancel_requested_at = p_now, cancel_reason = p_reason
      FROM locked k
     WHERE l.task_id = k.task_id AND l.cancel_requested_at IS NULL
       AND NOT EXISTS (SELECT FROM merges m WHERE m.task_id = l.task_id AND m.granted_at IS NOT NULL)
    RETURNING l.*
  )
  INSERT INTO events (workspace_id, task_id, attempt_id, orchestrator_id, daemon_id, run_id, at, type, actor, data)
  SELECT a.workspace_id, a.task_id, a.attempt_id, a.orchestrator_id, a.daemon_id, a.run_id, p_now, 'task.cancel_requested', p_actor,
         jsonb_build_object('reason', p_reason)
  FROM asked a ORDER BY a.task_id
$$;

-- Ends a run by decision: its waiting tasks are CANCELLED at once, its live attempts asked to end. The run's row is
-- locked and CANCELLED already.
CREATE FUNCTION stop_run_tasks(p_run uuid, p_reason text, p_actor text, p_now timestamptz) RETURNS void
LANGUAGE plpgsql AS $$
DECLARE
  v_ids uuid[];
BEGIN
  PERFORM cancel_run_attempts(p_run, p_reason, p_actor, p_now);
  SELECT array_agg(t.id) INTO v_ids FROM tasks t WHERE t.run_id = p_run AND t.status IN ('BLOCKED', 'TODO');
  PERFORM 1 FROM blocked_tasks b WHERE b.task_id = ANY (v_ids) ORDER BY b.task_id FOR UPDATE;
  PERFORM 1 FROM ready_tasks b WHERE b.task_id = ANY (v_ids) ORDER BY b.task_id FOR UPDATE;
  PERFORM 1 FROM delayed_tasks b WHERE b.task_id = ANY (v_ids) ORDER BY b.task_id FOR UPDATE;
  -- Again, now that they are held: somebody may have moved them meanwhile.
  SELECT array_agg(t.id) INTO v_ids FROM tasks t WHERE t.run_id = p_run AND t.status IN ('BLOCKED', 'TODO');
  IF v_ids IS NULL THEN RETURN; END IF;
  PERFORM cancel_waiting(v_ids, p_reason, p_actor, p_now);
  PERFORM review_runs(fail_dependents(v_ids, NULL, p_actor, p_now), p_actor, p_now);
END $$;

-- What the counts of runs make due: the end (SUCCEEDED, FAILED), the next wave, the threshold of failures. Asked in the
-- transaction of whatever changed them, and by the sweep, so that nothing of it can be lost. Returns the runs changed.
--   Succeeded: everything is DONE, but for what was cancelled. Failed: something FAILED, or what is left can't be reached.
CREATE FUNCTION review_runs(p_runs uuid[], p_actor text, p_now timestamptz) RETURNS uuid[]
LANGUAGE plpgsql AS $$
DECLARE
  r runs;
  v_changed uuid[] := '{}';
  v_to run_status;
  v_why text;
  v_next int;
  v_over boolean;
BEGIN
  FOR r IN SELECT * FROM runs u WHERE u.id = ANY (p_runs) AND u.status IN ('RUNNING', 'PAUSED') ORDER BY u.id FOR NO KEY UPDATE LOOP
    v_to := NULL;
    v_why := NULL;
    CONTINUE WHEN r.blocked + r.todo + r.in_progress + r.merging + r.done + r.failed + r.cancelled = 0;

    v_over := r.todo + r.in_progress + r.merging = 0;
    IF v_over AND r.blocked = 0 THEN
      v_to := CASE WHEN r.failed > 0 THEN 'FAILED' WHEN r.done > 0 THEN 'SUCCEEDED' ELSE 'CANCELLED' END;
      v_why := CASE v_to WHEN 'FAILED' THEN r.failed || ' task(s) failed' WHEN 'CANCELLED' THEN 'Every task was cancelled' END;
    ELSIF v_over AND NOT run_can_go_on(r.id, NULL) THEN
      v_to := 'FAILED';
      v_why := r.blocked || ' task(s) wait for others that failed, were cancelled, or belong to a run that ended without them';
    -- Also while what is left waits for a person.
    ELSIF r.status = 'RUNNING' AND r.timeout_seconds IS NOT NULL AND r.started_at + r.timeout_seconds * interval '1 second' <= p_now THEN
      v_to := 'FAILED';
      v_why := 'It ran out of its ' || r.timeout_seconds || ' seconds';
      PERFORM cancel_run_attempts(r.id, 'The run ran out of its time', p_actor, p_now);
    ELSIF r.status = 'RUNNING' AND r.failure_policy <> 'continue'
      AND (r.failures_in_row >= r.threshold_consecutive
           OR (r.attempts_ended >= r.threshold_min_attempts AND r.attempts_failed >= r.threshold_rate * r.attempts_ended)) THEN
      v_why := CASE WHEN r.failures_in_row >= r.threshold_consecutive THEN r.failures_in_row || ' attempts failed in a row'
                    ELSE r.attempts_failed || ' of ' || r.attempts_ended || ' attempts failed' END;
      IF r.failure_policy = 'stop' THEN
        v_to := 'FAILED';
        PERFORM cancel_run_attempts(r.id, v_why, p_actor, p_now);
      ELSE
        v_to := 'QUARANTINED';
      END IF;
    END IF;

    IF v_to IS NOT NULL THEN
      UPDATE runs u SET status = v_to, reason = v_why, updated_at = p_now,
                        finished_at = CASE WHEN v_to <> 'QUARANTINED' THEN p_now END
       WHERE u.id = r.id;
      PERFORM tell_run(r.id, 'run.' || lower(v_to::text), p_actor, r.status::text, v_to::text,
                       jsonb_strip_nulls(jsonb_build_object('reason', v_why)), p_now);
      v_changed := v_changed || r.id;
      CONTINUE;
    END IF;

    -- A wave is over when each of its tasks is final, or can't be reached any more.
    CONTINUE WHEN r.waves <> 'strict';
    v_next := r.current_wave;
    LOOP
      SELECT coalesce(sum(w.live), 0) = 0 AND (coalesce(sum(w.blocked), 0) = 0 OR NOT run_can_go_on(r.id, v_next))
        INTO v_over FROM run_waves w WHERE w.run_id = r.id AND w.wave <= v_next;
      EXIT WHEN NOT v_over;
      -- The next one with anything in it.
      EXIT WHEN NOT EXISTS (SELECT FROM run_waves w WHERE w.run_id = r.id AND w.wave > v_next);
      SELECT min(w.wave) INTO v_next FROM run_waves w WHERE w.run_id = r.id AND w.wave > v_next;
    END LOOP;
    IF v_next > r.current_wave THEN
      UPDATE runs u SET current_wave = v_next, wave_opens_at = p_now + r.wave_delay_seconds * interval '1 second', updated_at = p_now WHERE u.id = r.id;
      PERFORM tell_run(r.id, 'run.wave_opened', p_actor, NULL, NULL,
                       jsonb_build_object('wave', v_next, 'opensAt', p_now + r.wave_delay_seconds * interval '1 second'), p_now);
      PERFORM requeue_run(r.id, p_now);
      v_changed := v_changed || r.id;
    END IF;
  END LOOP;
  RETURN v_changed;
END $$;

-- The merge slot of a run, asked for by an attempt whose code is complete: granted in order of (ready_at, task_id), at
-- most as many at once as the run allows. Who stands in front and hasn't asked yet keeps a free slot.
CREATE FUNCTION request_merge(p_attempt uuid, p_workspace uuid, p_actor text, p_now timestamptz)
RETURNS TABLE (code text, task_id uuid, granted_at timestamptz, place int, cancel_requested boolean)
LANGUAGE plpgsql AS $$
#variable_conflict use_column
DECLARE
  v_lease leases;
  v_merge merges;
  v_run runs;
  v_now timestamptz;
  v_free int;
  v_place int;
BEGIN
  SELECT r.* INTO v_run FROM runs r
   WHERE r.id = (SELECT l.run_id FROM leases l WHERE l.attempt_id = p_attempt AND (p_workspace IS NULL OR l.workspace_id = p_workspace))
   FOR NO KEY UPDATE;
  SELECT l.* INTO v_lease FROM leases l WHERE l.attempt_id = p_attempt AND (p_workspace IS NULL OR l.workspace_id = p_workspace) FOR UPDATE;
  IF NOT FOUND THEN
    RETURN QUERY SELECT CASE WHEN a.id IS NULL THEN 'ATTEMPT_NOT_FOUND' ELSE 'LEASE_LOST' END, a.task_id, NULL::timestamptz, NULL::int, false
      FROM (SELECT 1) one LEFT JOIN attempts a ON a.id = p_attempt AND (p_workspace IS NULL OR a.workspace_id = p_workspace);
    RETURN;
  END IF;
  IF NOT v_lease.merging THEN
    RETURN QUERY SELECT 'NOT_MERGING', v_lease.task_id, NULL::timestamptz, NULL::int, v_lease.cancel_requested_at IS NOT NULL;
    RETURN;
  END IF;
  SELECT m.* INTO v_merge FROM merges m WHERE m.task_id = v_lease.task_id FOR UPDATE;
  IF v_merge.granted_at IS NOT NULL OR v_lease.cancel_requested_at IS NOT NULL THEN
    RETURN QUERY SELECT NULL::text, v_lease.task_id, v_merge.granted_at, 0, v_lease.cancel_requested_at IS NOT NULL;
    RETURN;
  END IF;
  v_now := engine_now(p_now);
  SELECT v_run.max_concurrent_merges - count(*) INTO v_free FROM merges m WHERE m.run_id = v_run.id AND m.granted_at IS NOT NULL;
  SELECT count(*) + 1 INTO v_place FROM merges m JOIN leases l ON l.task_id = m.task_id
   WHERE m.run_id = v_run.id AND m.granted_at IS NULL AND l.cancel_requested_at IS NULL
     AND (m.ready_at, m.task_id) < (v_merge.ready_at, v_merge.task_id);
  IF v_place > v_free THEN
    RETURN QUERY SELECT NULL::text, v_lease.task_id, NULL::timestamptz, v_place - v_free, false;
    RETURN;
  END IF;
  UPDATE merges m SET granted_at = v_now WHERE m.task_id = v_lease.task_id;
  INSERT INTO events (workspace_id, task_id, attempt_id, orchestrator_id, daemon_id, run_id, at, type, actor, data)
  VALUES (v_lease.workspace_id, v_lease.task_id, v_lease.attempt_id, v_lease.orchestrator_id, v_lease.daemon_id, v_run.id, v_now,
          'task.merge_granted', p_actor, jsonb_build_object('readyAt', v_merge.ready_at));
  RETURN QUERY SELECT NULL::text, v_lease.task_id, v_now, 0, false;
END $$;

-- Settling --------------------------------------------------------------------------------------------------------

DROP FUNCTION settle_attempts(jsonb, uuid, text, int, timestamptz);
DROP TYPE settlement;
CREATE TYPE settlement AS (
  n int, task_id uuid, attempt_id uuid, result text, output jsonb, artifacts jsonb, error text, question text,
  metrics jsonb, failure_class failure_class, timed_out boolean, retry_seconds float8[],
  workspace_id uuid, orchestrator_id uuid, daemon_id uuid, number int, agent text, claimed_at timestamptz, cancelling boolean,
  run_id uuid, on_prerequisite_failure prerequisite_policy
);

-- Ends attempts, many at once, each fenced by its lease: who doesn't hold it changes nothing.
-- p_items: [{ n, task_id, attempt_id?, result: completed | merged | merge_failed | failed | blocked | cancelled | released | lost,
-- on_prerequisite_failure? (for its dependents, should it end without being done), output?, artifacts?,
-- error?, question?, metrics?, failure_class?, timed_out?, retry_seconds? }]. Without attempt_id only a lease that never runs out counts.
-- retry_seconds[k] of an item: how long after its k-th failure the task waits; the last one holds for all later ones.
-- In a run with a merge stage `completed` means that the code is: the attempt goes on, and waits for its merge slot.
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
  v_ids uuid[];
  v_runs uuid[];
  v_staged uuid[];
  v_complete uuid[];
  v_ended uuid[];
  v_policy prerequisite_policy;
  v_late boolean;
BEGIN
  SELECT array_agg(i.task_id) INTO v_ids FROM jsonb_to_recordset(p_items) AS i(task_id uuid);
  SELECT array_agg(DISTINCT l.run_id) INTO v_runs FROM leases l WHERE l.task_id = ANY (v_ids) AND l.run_id IS NOT NULL;
  IF v_runs IS NOT NULL THEN
    PERFORM 1 FROM runs r WHERE r.id = ANY (v_runs) ORDER BY r.id FOR NO KEY UPDATE;
    SELECT array_agg(r.id) INTO v_staged FROM runs r WHERE r.id = ANY (v_runs) AND r.merge_stage;
  END IF;
  -- By task id, so that two batches that meet can't lock each other out.
  SELECT bool_or(k.run_id IS NOT NULL AND NOT k.run_id = ANY (coalesce(v_runs, '{}'))) INTO v_late
    FROM (SELECT l.run_id FROM leases l WHERE l.task_id = ANY (v_ids) ORDER BY l.task_id FOR UPDATE) k;
  -- Begun since its run was looked for, which is not locked then: from the start again, or its merge stage is passed over.
  IF v_late THEN RAISE EXCEPTION 'a task was started while it was being settled' USING ERRCODE = 'serialization_failure'; END IF;
  v_now := engine_now(p_now);

  IF v_staged IS NOT NULL THEN
    WITH complete AS (
      UPDATE leases l SET merging = true
      FROM jsonb_to_recordset(p_items) AS i(task_id uuid, attempt_id uuid, result text, output jsonb, artifacts jsonb, metrics jsonb)
      WHERE l.task_id = i.task_id AND i.result = 'completed' AND NOT l.merging AND l.run_id = ANY (v_staged)
        AND (l.attempt_id = i.attempt_id OR (i.attempt_id IS NULL AND l.expires_at IS NULL))
        AND (p_workspace IS NULL OR l.workspace_id = p_workspace)
      RETURNING l.*, i.output, i.artifacts, i.metrics
    ), queued AS (
      INSERT INTO merges (task_id, run_id, attempt_id, ready_at, output, artifacts, metrics)
      SELECT c.task_id, c.run_id, c.attempt_id, v_now, c.output, c.artifacts, c.metrics FROM complete c
    ), locked AS (
      SELECT t.id FROM tasks t WHERE t.id IN (SELECT c.task_id FROM complete c) ORDER BY t.id FOR NO KEY UPDATE
    ), moved AS (
      UPDATE tasks t SET status = 'MERGING', updated_at = v_now FROM locked k WHERE t.id = k.id RETURNING t.id
    ), told AS (
      INSERT INTO events (workspace_id, task_id, attempt_id, orchestrator_id, daemon_id, run_id, at, type, actor, "from", "to", data)
      SELECT c.workspace_id, c.task_id, c.attempt_id, c.orchestrator_id, c.daemon_id, c.run_id, v_now, 'task.code_completed', p_actor,
             'IN_PROGRESS', 'MERGING', jsonb_build_object('attempt', c.number, 'seconds', extract(epoch FROM v_now - c.claimed_at)::float8)
      FROM complete c ORDER BY c.task_id
    )
    SELECT array_agg(m.id) INTO v_complete FROM moved m;
  END IF;

  WITH ended AS (
    DELETE FROM leases l
    USING jsonb_to_recordset(p_items) AS i(n int, task_id uuid, attempt_id uuid, result text, output jsonb, artifacts jsonb, error text,
                                           question text, metrics jsonb, failure_class failure_class, timed_out boolean, retry_seconds float8[],
                                           on_prerequisite_failure prerequisite_policy)
    WHERE l.task_id = i.task_id
      AND (v_complete IS NULL OR NOT l.task_id = ANY (v_complete))
      AND (l.attempt_id = i.attempt_id OR (i.attempt_id IS NULL AND l.expires_at IS NULL))
      AND (p_workspace IS NULL OR l.workspace_id = p_workspace)
      AND (i.result <> 'lost' OR l.expires_at <= v_now)
      AND (i.result <> 'cancelled' OR l.cancel_requested_at IS NOT NULL)
      -- Whose code is complete is DONE by its merge alone, and nobody merges without the slot.
      AND (i.result <> 'completed' OR NOT l.merging)
      AND (i.result NOT IN ('merged', 'merge_failed')
           OR (l.merging AND EXISTS (SELECT FROM merges m WHERE m.task_id = l.task_id AND m.granted_at IS NOT NULL)))
    RETURNING i.n, l.task_id, l.attempt_id, i.result, i.output, i.artifacts,
              -- Who confirms a cancel need not know why; who asked for it said so.
              CASE WHEN i.result IN ('completed', 'merged') THEN i.error ELSE coalesce(i.error, l.cancel_reason) END AS error,
              i.question, i.metrics,
              coalesce(i.failure_class, 'task') AS failure_class, coalesce(i.timed_out, false) AS timed_out, i.retry_seconds,
              l.workspace_id, l.orchestrator_id, l.daemon_id, l.number, l.agent, l.claimed_at,
              l.cancel_requested_at IS NOT NULL AS cancelling, l.run_id, coalesce(i.on_prerequisite_failure, l.cancel_policy)
  )
  SELECT array_agg(ROW (e.*)::settlement ORDER BY e.task_id) INTO v_rows FROM ended e;

  IF v_staged IS NOT NULL AND v_rows IS NOT NULL THEN
    -- What the attempt brought when its code was complete.
    WITH left_queue AS (
      DELETE FROM merges m USING unnest(v_rows) r WHERE m.task_id = r.task_id RETURNING m.*
    )
    SELECT array_agg(ROW (r.n, r.task_id, r.attempt_id, r.result, coalesce(r.output, q.output), coalesce(r.artifacts, q.artifacts), r.error,
                          r.question, coalesce(r.metrics, q.metrics), r.failure_class, r.timed_out, r.retry_seconds, r.workspace_id,
                          r.orchestrator_id, r.daemon_id, r.number, r.agent, r.claimed_at, r.cancelling, r.run_id,
                          r.on_prerequisite_failure)::settlement ORDER BY r.task_id)
      INTO v_rows FROM unnest(v_rows) r LEFT JOIN left_queue q ON q.task_id = r.task_id;
  END IF;

  IF v_complete IS NOT NULL THEN
    RETURN QUERY
    SELECT i.n, NULL::text, l.task_id, l.attempt_id, 'MERGING'::task_status, 'RUNNING'::attempt_status, v_now, NULL::timestamptz, NULL::uuid[]
    FROM jsonb_to_recordset(p_items) AS i(n int, task_id uuid) JOIN leases l ON l.task_id = i.task_id WHERE l.task_id = ANY (v_complete);
  END IF;

  IF v_rows IS NOT NULL THEN
    RETURN QUERY
    WITH s AS MATERIALIZED (
      SELECT r.*,
             CASE r.result WHEN 'completed' THEN 'SUCCEEDED' WHEN 'merged' THEN 'SUCCEEDED' WHEN 'lost' THEN 'LOST' WHEN 'released' THEN 'CANCELLED'
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
             t.lost_count + (s.result = 'lost')::int AS losses,
             t.merge_failure_count + (s.result = 'merge_failed')::int AS merge_failures,
             -- Nobody would ever take up what comes back into a run that was stopped.
             s.run_id IS NOT NULL AND EXISTS (SELECT FROM runs u WHERE u.id = s.run_id AND u.status = 'CANCELLED') AS stopped
      FROM s JOIN locked l ON l.id = s.task_id JOIN tasks t ON t.id = s.task_id
    ), decided AS (
      SELECT c.*,
             CASE WHEN c.result IN ('completed', 'merged') THEN 'DONE'
                  WHEN c.result = 'cancelled' OR c.cancelling OR c.stopped THEN 'CANCELLED'
                  WHEN c.result = 'blocked' THEN 'BLOCKED'
                  WHEN c.result = 'released' THEN 'TODO'
                  -- A conflict is tried again once, on what was merged before; then a person is asked.
                  WHEN c.result = 'merge_failed' THEN CASE WHEN c.merge_failures >= 2 THEN 'BLOCKED' ELSE 'TODO' END
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
             merge_failure_count = d.merge_failures,
             blocked_reason = CASE WHEN d.becomes = 'BLOCKED' THEN coalesce(nullif(d.error, ''), 'reported blocked without a reason') END,
             blocked_question = CASE WHEN d.becomes = 'BLOCKED' THEN d.question END
        FROM decided d
       WHERE t.id = d.task_id
      RETURNING t.id, t.available_at
    ), kept AS (
      INSERT INTO attempts (id, task_id, workspace_id, orchestrator_id, daemon_id, claimed_at, ended_at, number, status, failure_class,
                            agent, error, output, artifacts, metrics)
      SELECT d.attempt_id, d.task_id, d.workspace_id, d.orchestrator_id, d.daemon_id, d.claimed_at, greatest(v_now, d.claimed_at), d.number,
             d.ended_as, CASE WHEN d.ended_as IN ('FAILED', 'TIMED_OUT') AND d.result <> 'merge_failed' THEN d.failure_class END,
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
      INSERT INTO events (workspace_id, task_id, attempt_id, orchestrator_id, daemon_id, run_id, at, type, actor, "from", "to", data)
      SELECT d.workspace_id, d.task_id, d.attempt_id, d.orchestrator_id, d.daemon_id, d.run_id, v_now,
             CASE WHEN d.becomes = 'CANCELLED' THEN 'task.cancelled'
                  ELSE CASE d.result WHEN 'completed' THEN 'task.completed' WHEN 'merged' THEN 'task.completed'
                                     WHEN 'merge_failed' THEN 'task.merge_failed' WHEN 'lost' THEN 'task.lease_lost'
                                     WHEN 'blocked' THEN 'task.blocked' WHEN 'released' THEN 'task.released' ELSE 'task.failed' END END,
             p_actor, d.was::text, d.becomes::text,
             jsonb_strip_nulls(jsonb_build_object(
               'attempt', d.number, 'ended', d.ended_as, 'seconds', extract(epoch FROM v_now - d.claimed_at)::float8,
               'error', left(d.error, 2000), 'question', d.question,
               'availableAt', CASE WHEN d.becomes = 'TODO' THEN date_trunc('milliseconds', d.not_before) END,
               'failureClass', CASE WHEN d.ended_as IN ('FAILED', 'TIMED_OUT') AND d.result <> 'merge_failed' THEN d.failure_class END))
      FROM decided d ORDER BY d.task_id
    )
    SELECT d.n, NULL::text, d.task_id, d.attempt_id, d.becomes, d.ended_as, v_now, w.available_at, NULL::uuid[]
    FROM decided d JOIN written w ON w.id = d.task_id;

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

    SELECT array_agg(t.id) FILTER (WHERE t.status = 'DONE'), array_agg(t.id) FILTER (WHERE t.status = 'TODO'),
           array_agg(t.id) FILTER (WHERE t.status IN ('FAILED', 'CANCELLED'))
      INTO v_done, v_todo, v_ended
      FROM tasks t JOIN unnest(v_rows) r ON r.task_id = t.id;
    IF v_todo IS NOT NULL THEN PERFORM enqueue_tasks(v_todo, v_now); END IF;
    IF v_done IS NOT NULL THEN v_freed := free_dependents(v_done, p_actor, v_now); END IF;
    IF v_ended IS NOT NULL THEN
      FOR v_policy IN SELECT DISTINCT r.on_prerequisite_failure FROM unnest(v_rows) r WHERE r.task_id = ANY (v_ended) LOOP
        v_runs := coalesce(v_runs, '{}') || fail_dependents(
          ARRAY(SELECT r.task_id FROM unnest(v_rows) r WHERE r.task_id = ANY (v_ended) AND r.on_prerequisite_failure IS NOT DISTINCT FROM v_policy),
          v_policy, p_actor, v_now);
      END LOOP;
    END IF;
    IF v_runs IS NOT NULL THEN PERFORM review_runs(v_runs, p_actor, v_now); END IF;
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
  IF coalesce(cardinality(v_rows), 0) + coalesce(cardinality(v_complete), 0) = jsonb_array_length(p_items) THEN RETURN; END IF;

  -- The rest: settled before in the same way, or not this caller's to settle.
  RETURN QUERY
  SELECT i.n,
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
  FROM jsonb_to_recordset(p_items) AS i(n int, task_id uuid, attempt_id uuid, result text)
  LEFT JOIN tasks t ON t.id = i.task_id AND (p_workspace IS NULL OR t.workspace_id = p_workspace)
  LEFT JOIN attempts a ON a.id = i.attempt_id AND a.task_id = i.task_id
  LEFT JOIN leases l ON l.task_id = i.task_id
  WHERE i.n NOT IN (SELECT r.n FROM unnest(coalesce(v_rows, '{}')) r) AND (v_complete IS NULL OR NOT i.task_id = ANY (v_complete));
END $$;

-- Afresh ----------------------------------------------------------------------------------------------------------

-- Tasks that were let go when a prerequisite failed wait for it again, for it is tried again; but for those that have
-- begun meanwhile.
CREATE FUNCTION hold_released(p_dependents uuid[], p_prerequisites uuid[], p_actor text, p_now timestamptz) RETURNS void
LANGUAGE plpgsql AS $$
DECLARE
  v_ids uuid[];
BEGIN
  PERFORM 1 FROM blocked_tasks b WHERE b.task_id = ANY (p_dependents) ORDER BY b.task_id FOR UPDATE;
  PERFORM 1 FROM ready_tasks b WHERE b.task_id = ANY (p_dependents) ORDER BY b.task_id FOR UPDATE;
  PERFORM 1 FROM delayed_tasks b WHERE b.task_id = ANY (p_dependents) ORDER BY b.task_id FOR UPDATE;
  PERFORM 1 FROM tasks t WHERE t.id = ANY (p_dependents) ORDER BY t.id FOR NO KEY UPDATE;
  -- As they stand now that they are held.
  SELECT array_agg(t.id) INTO v_ids FROM tasks t WHERE t.id = ANY (p_dependents) AND t.status IN ('TODO', 'BLOCKED') AND t.attempt_count = 0;
  IF v_ids IS NULL THEN RETURN; END IF;
  PERFORM dequeue_tasks(v_ids);
  WITH held AS (
    UPDATE task_dependencies d SET released = false
     WHERE d.dependent_id = ANY (v_ids) AND d.prerequisite_id = ANY (p_prerequisites) AND d.released
    RETURNING d.dependent_id
  ), waits AS (
    SELECT h.dependent_id AS id, count(*)::int AS amount FROM held h GROUP BY h.dependent_id
  ), still AS (
    UPDATE blocked_tasks b SET unmet = b.unmet + w.amount FROM waits w WHERE b.task_id = w.id
  ), moved AS (
    UPDATE tasks t SET status = 'BLOCKED', updated_at = p_now FROM waits w WHERE t.id = w.id AND t.status = 'TODO'
    RETURNING t.id, t.workspace_id, t.orchestrator_id, t.run_id, t.priority, w.amount
  ), arrived AS (
    INSERT INTO blocked_tasks (task_id, workspace_id, orchestrator_id, unmet, priority)
    SELECT m.id, m.workspace_id, m.orchestrator_id, m.amount, m.priority FROM moved m
  )
  INSERT INTO events (workspace_id, task_id, orchestrator_id, run_id, at, type, actor, "from", "to", data)
  SELECT m.workspace_id, m.id, m.orchestrator_id, m.run_id, p_now, 'task.blocked', p_actor, 'TODO', 'BLOCKED', '{"reason": "DEPENDENCIES"}'
  FROM moved m ORDER BY m.id;
END $$;

-- Makes tasks of a locked run afresh, at once: back to TODO or BLOCKED as their edges say, budgets and reports gone. Who
-- was let go when one of them failed, and has not begun, waits for it again. p_which: 'unfinished', all that are not DONE and not running; 'failed', those that FAILED
-- or were CANCELLED. Returns how many.
CREATE FUNCTION reset_run_tasks(p_run uuid, p_which text, p_actor text, p_now timestamptz) RETURNS int
LANGUAGE plpgsql AS $$
DECLARE
  v_ids uuid[];
  v_todo uuid[];
  v_held uuid[];
BEGIN
  SELECT array_agg(t.id ORDER BY t.id) INTO v_ids FROM tasks t
   WHERE t.run_id = p_run AND (t.status IN ('FAILED', 'CANCELLED') OR p_which = 'unfinished' AND t.status IN ('TODO', 'BLOCKED'));
  IF v_ids IS NULL THEN RETURN 0; END IF;
  PERFORM 1 FROM blocked_tasks b WHERE b.task_id = ANY (v_ids) ORDER BY b.task_id FOR UPDATE;
  PERFORM 1 FROM ready_tasks b WHERE b.task_id = ANY (v_ids) ORDER BY b.task_id FOR UPDATE;
  PERFORM 1 FROM delayed_tasks b WHERE b.task_id = ANY (v_ids) ORDER BY b.task_id FOR UPDATE;
  -- Prerequisites elsewhere stand still until they are counted; those here do, for the run is locked.
  PERFORM 1 FROM tasks p WHERE p.id IN (SELECT d.prerequisite_id FROM task_dependencies d WHERE d.dependent_id = ANY (v_ids))
    AND p.run_id IS DISTINCT FROM p_run ORDER BY p.id FOR SHARE;
  PERFORM 1 FROM tasks t WHERE t.id = ANY (v_ids) ORDER BY t.id FOR NO KEY UPDATE;

  SELECT array_agg(DISTINCT t.id) INTO v_held
    FROM task_dependencies d JOIN tasks t ON t.id = d.dependent_id
    WHERE d.prerequisite_id = ANY (v_ids) AND d.released AND NOT t.id = ANY (v_ids) AND t.status IN ('TODO', 'BLOCKED') AND t.attempt_count = 0;
  IF v_held IS NOT NULL THEN PERFORM hold_released(v_held, v_ids, p_actor, p_now); END IF;
  UPDATE task_dependencies d SET released = false WHERE d.dependent_id = ANY (v_ids) AND d.prerequisite_id = ANY (v_ids) AND d.released;
  DELETE FROM blocked_tasks b WHERE b.task_id = ANY (v_ids);
  PERFORM dequeue_tasks(v_ids);
  DELETE FROM task_outcomes o WHERE o.task_id = ANY (v_ids);
  WITH waiting AS (
    SELECT t.id, count(p.id)::int AS unmet
    FROM tasks t LEFT JOIN task_dependencies d ON d.dependent_id = t.id AND NOT d.released
    LEFT JOIN tasks p ON p.id = d.prerequisite_id AND p.status <> 'DONE'
    WHERE t.id = ANY (v_ids) GROUP BY t.id
  ), was AS (
    SELECT t.id, t.status FROM tasks t WHERE t.id = ANY (v_ids)
  ), moved AS (
    UPDATE tasks t
       SET status = CASE WHEN w.unmet > 0 THEN 'BLOCKED' ELSE 'TODO' END::task_status, updated_at = p_now, finished_at = NULL,
           available_at = NULL, progress = 0, progress_message = NULL, blocked_reason = NULL, blocked_question = NULL,
           failure_count = 0, provider_failure_count = 0, infrastructure_failure_count = 0, lost_count = 0, merge_failure_count = 0
      FROM waiting w WHERE t.id = w.id
    RETURNING t.id, t.status, t.workspace_id, t.orchestrator_id, t.run_id, t.priority, w.unmet
  ), held AS (
    INSERT INTO blocked_tasks (task_id, workspace_id, orchestrator_id, unmet, priority)
    SELECT m.id, m.workspace_id, m.orchestrator_id, m.unmet, m.priority FROM moved m WHERE m.unmet > 0
  ), told AS (
    INSERT INTO events (workspace_id, task_id, orchestrator_id, run_id, at, type, actor, "from", "to", data)
    SELECT m.workspace_id, m.id, m.orchestrator_id, m.run_id, p_now, 'task.retried', p_actor, w.status::text, m.status::text, NULL
    FROM moved m JOIN was w ON w.id = m.id WHERE w.status <> m.status OR w.status IN ('FAILED', 'CANCELLED') ORDER BY m.id
  )
  SELECT array_agg(m.id) FILTER (WHERE m.unmet = 0) INTO v_todo FROM moved m;
  IF v_todo IS NOT NULL THEN PERFORM enqueue_tasks(v_todo, p_now); END IF;
  RETURN cardinality(v_ids);
END $$;

-- Removes a locked run without live attempts, and its tasks; events and ended attempts stay as history.
CREATE FUNCTION delete_run(p_run uuid) RETURNS void
LANGUAGE plpgsql AS $$
DECLARE
  v_ids uuid[] := ARRAY(SELECT t.id FROM tasks t WHERE t.run_id = p_run ORDER BY t.id);
BEGIN
  DELETE FROM blocked_tasks b WHERE b.task_id = ANY (v_ids);
  PERFORM dequeue_tasks(v_ids);
  DELETE FROM task_outcomes o WHERE o.task_id = ANY (v_ids);
  DELETE FROM task_dependencies d WHERE d.dependent_id = ANY (v_ids) OR d.prerequisite_id = ANY (v_ids);
  -- A parent elsewhere is no reason to keep a task, nor a child elsewhere.
  UPDATE tasks t SET parent_id = NULL WHERE t.parent_id = ANY (v_ids);
  DELETE FROM tasks t WHERE t.id = ANY (v_ids);
  DELETE FROM runs r WHERE r.id = p_run;
END $$;
