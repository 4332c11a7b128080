-- As before, but a failure of a provider counts towards a run's failure threshold only where it parks its task: while the provider is
-- away its breaker holds the work back, and lets it go on by itself; a run in quarantine would wait for a person.
CREATE OR REPLACE FUNCTION settle_attempts(
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
  -- Each by its key, behind a wall: with statistics of an empty table the planner walks along the index of runs, through all
  -- leases that ended while somebody held an old snapshot.
  SELECT array_agg(DISTINCT l.run_id) INTO v_runs
    FROM unnest(p_tasks) u(id) CROSS JOIN LATERAL (SELECT k.run_id FROM leases k WHERE k.task_id = u.id OFFSET 0) l WHERE l.run_id IS NOT NULL;
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
                           THEN date_trunc('milliseconds', v_now + interval '1 second' * CASE WHEN r.details ? 'draw'
                                  -- The task's over its run's over what holds for all.
                                  THEN retry_seconds((r.details -> 'backoff') || coalesce((SELECT u.backoff FROM runs u WHERE u.id = r.run_id), '{}')
                                                       || coalesce(t.backoff, '{}'), b.failures, (r.details ->> 'draw')::float8)
                                  ELSE (r.details #>> ARRAY['retry_seconds',
                                         (least(greatest(b.failures, 1), jsonb_array_length(r.details -> 'retry_seconds')) - 1)::text])::float8 END) END,
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
               ) d CROSS JOIN LATERAL (
                 SELECT CASE r.failure_class WHEN 'provider' THEN c.provider WHEN 'infrastructure' THEN c.infrastructure ELSE c.own END AS failures
               ) b
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
              -- What a provider's breaker is there for doesn't stop the run as well, unless it has cost a task.
              AND (r.result <> 'failed' OR r.failure_class <> 'provider' OR EXISTS (SELECT FROM tasks t WHERE t.id = r.task_id AND t.status = 'FAILED'))
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
