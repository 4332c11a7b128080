-- What follows from an ending, written for many dependents: each row is looked up, locked and written once.
-- Sets of rows go from statement to statement as arrays of ids in rising order: one walk along the index then finds
-- them all, in the order in which they are locked, at less than half of what a join costs that probes for each by itself.

-- Most tasks are in no run: one question, and the rows are not paired for them.
CREATE OR REPLACE FUNCTION count_run_tasks() RETURNS trigger
LANGUAGE plpgsql AS $$
DECLARE
  v_changes jsonb;
BEGIN
  IF TG_OP = 'INSERT' THEN
    IF NOT EXISTS (SELECT FROM new_rows WHERE run_id IS NOT NULL) THEN RETURN NULL; END IF;
    SELECT jsonb_agg(c) INTO v_changes FROM (
      SELECT run_id, wave, status, count(*) AS n FROM new_rows WHERE run_id IS NOT NULL GROUP BY run_id, wave, status) c;
  ELSIF TG_OP = 'DELETE' THEN
    SELECT jsonb_agg(c) INTO v_changes FROM (
      SELECT run_id, wave, status, -count(*) AS n FROM old_rows WHERE run_id IS NOT NULL GROUP BY run_id, wave, status) c;
  ELSE
    IF NOT (EXISTS (SELECT FROM new_rows WHERE run_id IS NOT NULL) OR EXISTS (SELECT FROM old_rows WHERE run_id IS NOT NULL)) THEN
      RETURN NULL;
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
  -- An insert empties no wave.
  IF TG_OP <> 'INSERT' THEN
    DELETE FROM run_waves w WHERE w.total = 0
      AND w.run_id IN (SELECT c.run_id FROM jsonb_to_recordset(v_changes) AS c(run_id uuid));
  END IF;
  RETURN NULL;
END $$;

-- Puts tasks whose row says TODO where claims look for them.
CREATE OR REPLACE FUNCTION enqueue_tasks(p_ids uuid[], p_now timestamptz) RETURNS void
LANGUAGE plpgsql SET plan_cache_mode = force_generic_plan SET enable_seqscan = off SET enable_bitmapscan = off
SET enable_hashjoin = off SET enable_mergejoin = off
-- Three inserts read the rows; they shall not go to disk for it.
SET work_mem = '64MB' AS $$
BEGIN
  WITH t AS MATERIALIZED (
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
  )
  INSERT INTO ready_task_tags (orchestrator_id, tag, run_id, priority, due_at, created_at, task_id)
  SELECT t.orchestrator_id, g.tag, t.run_id, t.priority, t.due_at, t.created_at, t.id
  FROM t CROSS JOIN LATERAL (SELECT DISTINCT unnest(t.tags) AS tag) g
  WHERE t.tags <> '{}' AND t.orchestrator_id IS NOT NULL AND (t.available_at IS NULL OR t.available_at <= p_now);
END $$;

-- Tasks that wait for nothing more become TODO; their rows in blocked_tasks are locked. p_ids in rising order.
CREATE FUNCTION unblock_tasks(p_ids uuid[], p_reason text, p_actor text, p_now timestamptz) RETURNS void
LANGUAGE plpgsql SET plan_cache_mode = force_generic_plan SET enable_seqscan = off SET enable_bitmapscan = off
SET enable_hashjoin = off SET enable_mergejoin = off SET work_mem = '64MB' AS $$
DECLARE
  c_none CONSTANT uuid := '00000000-0000-0000-0000-000000000000';
  v_xid CONSTANT bigint := pg_current_xact_id()::text::bigint;
  v_data CONSTANT jsonb := jsonb_build_object('reason', p_reason);
  v_others uuid[];
  v_tagged boolean;
BEGIN
  WITH gone AS (
    DELETE FROM blocked_tasks b WHERE b.task_id = ANY (p_ids)
  ), moved AS (
    -- Along the index, and so locked and told by id.
    UPDATE tasks t SET status = 'TODO', updated_at = p_now WHERE t.id = ANY (p_ids)
    RETURNING t.id, t.workspace_id, t.orchestrator_id, t.run_id, t.due_at, t.created_at, t.available_at, t.priority, t.tags
  ), told AS (
    INSERT INTO events (xid, workspace_id, task_id, orchestrator_id, run_id, at, type, actor, "from", "to", data)
    SELECT v_xid, m.workspace_id, m.id, m.orchestrator_id, m.run_id, p_now, 'task.unblocked', p_actor, 'BLOCKED', 'TODO', v_data FROM moved m
  ), ready AS (
    INSERT INTO ready_tasks (task_id, workspace_id, orchestrator_id, run_id, due_at, created_at, priority, tags)
    SELECT m.id, m.workspace_id, m.orchestrator_id, c_none, coalesce(m.due_at, 'infinity'), m.created_at, m.priority, m.tags
    FROM moved m WHERE m.run_id IS NULL AND (m.available_at IS NULL OR m.available_at <= p_now)
  )
  SELECT array_agg(m.id) FILTER (WHERE m.run_id IS NOT NULL OR m.available_at > p_now),
         bool_or(m.tags <> '{}' AND m.run_id IS NULL)
    INTO v_others, v_tagged FROM moved m;
  -- A statement that has nothing to write costs its start all the same.
  IF v_tagged THEN
    INSERT INTO ready_task_tags (orchestrator_id, tag, run_id, priority, due_at, created_at, task_id)
    SELECT r.orchestrator_id, g.tag, r.run_id, r.priority, r.due_at, r.created_at, r.task_id
    FROM ready_tasks r CROSS JOIN LATERAL (SELECT DISTINCT unnest(r.tags) AS tag) g
    WHERE r.task_id = ANY (p_ids) AND r.tags <> '{}' AND r.orchestrator_id IS NOT NULL;
  END IF;
  -- Until when a task of a run waits its run's row says, and that is only locked since the counts were written: ask in
  -- a new statement, or a wave that has opened meanwhile would be thought closed.
  IF v_others IS NOT NULL THEN PERFORM enqueue_tasks(v_others, p_now); END IF;
END $$;

-- Takes met edges off the counts of those who wait. p_ids in rising order, and beside each how many of its edges are met;
-- returns who waits for nothing more, in rising order: unblock_tasks is to follow.
CREATE FUNCTION take_off_waiting(p_ids uuid[], p_amounts int[]) RETURNS uuid[]
LANGUAGE plpgsql SET plan_cache_mode = force_generic_plan SET enable_seqscan = off SET enable_bitmapscan = off
SET enable_hashjoin = off SET enable_mergejoin = off AS $$
DECLARE
  v_free uuid[];
  v_locked int;
BEGIN
  -- The counts are read as locked, also where somebody else had to be waited for.
  SELECT array_agg(l.task_id) FILTER (WHERE l.unmet = 1 AND NOT l.reported), count(*) INTO v_free, v_locked
    FROM (SELECT b.task_id, b.unmet, b.reported FROM blocked_tasks b WHERE b.task_id = ANY (p_ids) ORDER BY b.task_id FOR UPDATE) l;
  IF v_locked = 0 THEN RETURN NULL; END IF;
  IF 1 <> ANY (p_amounts) THEN
    SELECT array_agg(b.task_id ORDER BY b.task_id) INTO v_free
      FROM unnest(p_ids, p_amounts) AS m(id, amount) JOIN blocked_tasks b ON b.task_id = m.id
     WHERE b.unmet = m.amount AND NOT b.reported;
  END IF;
  IF coalesce(cardinality(v_free), 0) < v_locked THEN
    UPDATE blocked_tasks b SET unmet = b.unmet - m.amount FROM unnest(p_ids, p_amounts) AS m(id, amount)
     WHERE b.task_id = m.id AND (b.unmet <> m.amount OR b.reported);
  END IF;
  RETURN v_free;
END $$;

-- Dependents of tasks that have just become DONE: each edge takes one off the count, and who waits for nothing more
-- becomes TODO. Called after the done tasks' rows were written, so that an edge made meanwhile is either seen here or
-- was made with the task's row already DONE; and who takes an edge away holds that row, so it is gone before we look.
CREATE OR REPLACE FUNCTION free_dependents(p_done uuid[], p_actor text, p_now timestamptz) RETURNS uuid[]
LANGUAGE plpgsql SET plan_cache_mode = force_generic_plan SET enable_seqscan = off SET enable_bitmapscan = off
SET enable_hashjoin = off SET enable_mergejoin = off AS $$
DECLARE
  v_ids uuid[];
  v_amounts int[];
  v_freed uuid[];
BEGIN
  -- From each done task to its own edges, along the index that begins with it: with a few tasks that have very many
  -- dependents in the statistics, the planner would rather read every edge that there is, in the order of dependents. Of a
  -- range it has a guess that no statistics change, and the order is one that no other index gives.
  SELECT array_agg(m.id), array_agg(m.amount) INTO v_ids, v_amounts
    FROM (
      SELECT e.dependent_id AS id, count(*)::int AS amount
      FROM unnest(p_done) AS p(id) CROSS JOIN LATERAL (
        SELECT d.dependent_id FROM task_dependencies d
        WHERE d.prerequisite_id >= p.id AND d.prerequisite_id <= p.id AND NOT d.released ORDER BY d.prerequisite_id, d.dependent_id
      ) e GROUP BY e.dependent_id ORDER BY e.dependent_id
    ) m;
  IF v_ids IS NULL THEN RETURN '{}'; END IF;
  v_freed := take_off_waiting(v_ids, v_amounts);
  IF v_freed IS NULL THEN RETURN '{}'; END IF;
  PERFORM unblock_tasks(v_freed, 'DEPENDENCIES', p_actor, p_now);
  RETURN v_freed;
END $$;

-- Dependents of tasks that have just FAILED or been CANCELLED. What becomes of them is p_policy, or else the policy of
-- the run they are in, or else 'block': they stay BLOCKED. 'cancel' cancels them and what depends on them in turn;
-- 'release' marks the edge, which then counts as met. p_only: of the direct dependents only these. Returns the runs
-- concerned.
CREATE OR REPLACE FUNCTION fail_dependents(p_ended uuid[], p_policy prerequisite_policy, p_actor text, p_now timestamptz, p_only uuid[] DEFAULT NULL) RETURNS uuid[]
LANGUAGE plpgsql SET plan_cache_mode = force_generic_plan SET enable_seqscan = off SET enable_bitmapscan = off
SET enable_hashjoin = off SET enable_mergejoin = off AS $$
DECLARE
  v_frontier uuid[] := p_ended;
  v_waiting uuid[];
  v_cancel uuid[];
  v_release uuid[];
  v_ids uuid[];
  v_amounts int[];
  v_freed uuid[];
  v_runs uuid[] := '{}';
  v_only uuid[] := p_only;
BEGIN
  LOOP
    EXIT WHEN coalesce(cardinality(v_frontier), 0) = 0;
    -- As free_dependents does, and for the same reason.
    SELECT array_agg(DISTINCT e.dependent_id) INTO v_waiting
      FROM unnest(v_frontier) AS p(id) CROSS JOIN LATERAL (
        SELECT d.dependent_id FROM task_dependencies d
        WHERE d.prerequisite_id >= p.id AND d.prerequisite_id <= p.id AND NOT d.released ORDER BY d.prerequisite_id, d.dependent_id
      ) e
     WHERE v_only IS NULL OR e.dependent_id = ANY (v_only);
    EXIT WHEN v_waiting IS NULL;
    SELECT array_agg(l.task_id) INTO v_waiting
      FROM (SELECT b.task_id FROM blocked_tasks b WHERE b.task_id = ANY (v_waiting) ORDER BY b.task_id FOR UPDATE) l;
    EXIT WHEN v_waiting IS NULL;

    SELECT array_agg(x.id ORDER BY x.id) FILTER (WHERE x.policy = 'cancel'), array_agg(x.id ORDER BY x.id) FILTER (WHERE x.policy = 'release'),
           v_runs || coalesce(array_agg(DISTINCT x.run_id) FILTER (WHERE x.run_id IS NOT NULL), '{}')
      INTO v_cancel, v_release, v_runs
      FROM (
        SELECT t.id, t.run_id, coalesce(p_policy, r.on_prerequisite_failure, 'block') AS policy
        FROM tasks t LEFT JOIN runs r ON r.id = t.run_id WHERE t.id = ANY (v_waiting)
      ) x;

    IF v_release IS NOT NULL THEN
      WITH let_go AS (
        UPDATE task_dependencies d SET released = true FROM unnest(v_frontier) AS p(id)
         WHERE d.prerequisite_id = p.id AND d.dependent_id = ANY (v_release) AND NOT d.released
        RETURNING d.dependent_id
      )
      SELECT array_agg(m.id), array_agg(m.amount) INTO v_ids, v_amounts
        FROM (SELECT l.dependent_id AS id, count(*)::int AS amount FROM let_go l GROUP BY l.dependent_id ORDER BY l.dependent_id) m;
      IF v_ids IS NOT NULL THEN
        v_freed := take_off_waiting(v_ids, v_amounts);
        IF v_freed IS NOT NULL THEN PERFORM unblock_tasks(v_freed, 'RELEASED', p_actor, p_now); END IF;
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
