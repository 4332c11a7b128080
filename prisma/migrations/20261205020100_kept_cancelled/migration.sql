-- AlterTable
ALTER TABLE "tasks" ADD COLUMN     "cancel_asked" BOOLEAN;

-- Written by hand from here on.

-- What a retry of a run leaves CANCELLED: tasks that somebody asked to cancel, and what was cancelled because it waited for one
-- of them and could not be done now either. p_named: one that is asked for by name, and so is none of them.
CREATE FUNCTION kept_cancelled(p_run uuid, p_named uuid) RETURNS uuid[]
LANGUAGE sql STABLE AS $$
  WITH RECURSIVE kept AS (
    SELECT t.id FROM tasks t WHERE t.run_id = p_run AND t.status = 'CANCELLED' AND t.cancel_asked AND t.id IS DISTINCT FROM p_named
    UNION
    SELECT t.id FROM kept k JOIN task_dependencies d ON d.prerequisite_id = k.id AND NOT d.released JOIN tasks t ON t.id = d.dependent_id
    WHERE t.run_id = p_run AND t.status = 'CANCELLED' AND t.id IS DISTINCT FROM p_named
  )
  SELECT coalesce(array_agg(k.id), '{}') FROM kept k
$$;

-- As before, but for those.
CREATE OR REPLACE FUNCTION reset_run_tasks(p_run uuid, p_which text, p_actor text, p_now timestamptz) RETURNS int
LANGUAGE plpgsql AS $$
DECLARE
  v_ids uuid[];
  v_kept uuid[] := '{}';
  v_todo uuid[];
  v_held uuid[];
BEGIN
  IF p_which = 'failed' THEN v_kept := kept_cancelled(p_run, NULL); END IF;
  SELECT array_agg(t.id ORDER BY t.id) INTO v_ids FROM tasks t
   WHERE t.run_id = p_run AND (t.status IN ('FAILED', 'CANCELLED') OR p_which = 'unfinished' AND t.status IN ('TODO', 'BLOCKED'))
     AND NOT t.id = ANY (v_kept);
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
           failure_count = 0, provider_failure_count = 0, infrastructure_failure_count = 0, lost_count = 0, merge_failure_count = 0, cancel_asked = NULL
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

-- The same: of what depends on the task, those stay CANCELLED.
CREATE OR REPLACE FUNCTION reset_part_of_run(p_run uuid, p_task uuid, p_actor text, p_now timestamptz) RETURNS TABLE (code text, id uuid, amount int)
LANGUAGE plpgsql AS $$
#variable_conflict use_column
DECLARE
  v_ids uuid[];
  v_kept uuid[];
  v_done uuid[];
  v_outside uuid[];
  v_held uuid[];
  v_todo uuid[];
BEGIN
  v_kept := kept_cancelled(p_run, p_task);
  -- No cycles: the graph has none.
  WITH RECURSIVE part AS (
    SELECT p_task AS id
    UNION
    SELECT d.dependent_id FROM part JOIN task_dependencies d ON d.prerequisite_id = part.id JOIN tasks t ON t.id = d.dependent_id
    WHERE t.run_id = p_run AND NOT t.id = ANY (v_kept)
  )
  SELECT array_agg(part.id ORDER BY part.id) INTO v_ids FROM part;
  SELECT array_agg(DISTINCT d.dependent_id ORDER BY d.dependent_id) INTO v_outside
    FROM task_dependencies d WHERE d.prerequisite_id = ANY (v_ids) AND NOT d.dependent_id = ANY (v_ids);
  -- The order of locks: where they stand, then their rows, each by id. With the run locked nobody claims among them; who
  -- settles one of them waits for the run.
  PERFORM 1 FROM blocked_tasks b WHERE b.task_id = ANY (v_ids || v_outside) ORDER BY b.task_id FOR UPDATE;
  PERFORM 1 FROM ready_tasks b WHERE b.task_id = ANY (v_ids || v_outside) ORDER BY b.task_id FOR UPDATE;
  PERFORM 1 FROM delayed_tasks b WHERE b.task_id = ANY (v_ids || v_outside) ORDER BY b.task_id FOR UPDATE;
  -- Prerequisites elsewhere stand still until they are counted.
  PERFORM 1 FROM tasks p WHERE p.id IN (SELECT d.prerequisite_id FROM task_dependencies d WHERE d.dependent_id = ANY (v_ids))
    AND p.run_id IS DISTINCT FROM p_run ORDER BY p.id FOR SHARE;
  PERFORM 1 FROM tasks t WHERE t.id = ANY (v_ids || v_outside) ORDER BY t.id FOR NO KEY UPDATE;

  SELECT 'TASK_HAS_ATTEMPT', t.id, 0 INTO code, id, amount
    FROM tasks t WHERE t.id = ANY (v_ids) AND t.status IN ('IN_PROGRESS', 'MERGING') ORDER BY t.id LIMIT 1;
  IF FOUND THEN RETURN NEXT; RETURN; END IF;
  v_done := ARRAY(SELECT t.id FROM tasks t WHERE t.id = ANY (v_ids) AND t.status = 'DONE' ORDER BY t.id);
  SELECT 'DEPENDENT_STARTED', t.id, 0 INTO code, id, amount
    FROM tasks t JOIN task_dependencies d ON d.dependent_id = t.id
    WHERE t.id = ANY (v_outside) AND d.prerequisite_id = ANY (v_done) AND NOT d.released
      AND (t.status IN ('IN_PROGRESS', 'MERGING', 'DONE') OR t.status IN ('TODO', 'BLOCKED') AND t.attempt_count > 0)
    ORDER BY t.id LIMIT 1;
  IF FOUND THEN RETURN NEXT; RETURN; END IF;

  -- An edge that was met is held again by what holds one that was let go.
  UPDATE task_dependencies d SET released = true
   WHERE d.prerequisite_id = ANY (v_done) AND d.dependent_id = ANY (v_outside) AND NOT d.released
     AND EXISTS (SELECT FROM tasks t WHERE t.id = d.dependent_id AND t.status IN ('TODO', 'BLOCKED'));
  SELECT array_agg(DISTINCT t.id) INTO v_held
    FROM task_dependencies d JOIN tasks t ON t.id = d.dependent_id
    WHERE d.prerequisite_id = ANY (v_ids) AND d.released AND t.id = ANY (v_outside) AND t.status IN ('TODO', 'BLOCKED') AND t.attempt_count = 0;
  IF v_held IS NOT NULL THEN PERFORM hold_released(v_held, v_ids, p_actor, p_now); END IF;
  UPDATE task_dependencies d SET released = false WHERE d.dependent_id = ANY (v_ids) AND d.prerequisite_id = ANY (v_ids) AND d.released;
  DELETE FROM blocked_tasks b WHERE b.task_id = ANY (v_ids);
  PERFORM dequeue_tasks(v_ids);
  DELETE FROM task_outcomes o WHERE o.task_id = ANY (v_ids);
  WITH waiting AS (
    SELECT t.id, count(p.id)::int AS unmet
    FROM tasks t LEFT JOIN task_dependencies d ON d.dependent_id = t.id AND NOT d.released
    -- What is done again is not done, though its row says so yet.
    LEFT JOIN tasks p ON p.id = d.prerequisite_id AND (p.status <> 'DONE' OR p.id = ANY (v_ids))
    WHERE t.id = ANY (v_ids) GROUP BY t.id
  ), was AS (
    -- Also of one that was to be done anyhow, what it had spent and waited for is gone.
    SELECT t.id, t.status, t.available_at IS NOT NULL OR t.failure_count + t.provider_failure_count + t.infrastructure_failure_count
           + t.lost_count + t.merge_failure_count > 0 AS renewed FROM tasks t WHERE t.id = ANY (v_ids)
  ), moved AS (
    UPDATE tasks t
       SET status = CASE WHEN w.unmet > 0 THEN 'BLOCKED' ELSE 'TODO' END::task_status, updated_at = p_now, finished_at = NULL,
           available_at = NULL, progress = 0, progress_message = NULL, blocked_reason = NULL, blocked_question = NULL,
           failure_count = 0, provider_failure_count = 0, infrastructure_failure_count = 0, lost_count = 0, merge_failure_count = 0, cancel_asked = NULL
      FROM waiting w WHERE t.id = w.id
    RETURNING t.id, t.status, t.workspace_id, t.orchestrator_id, t.run_id, t.priority, w.unmet
  ), held AS (
    INSERT INTO blocked_tasks (task_id, workspace_id, orchestrator_id, unmet, priority)
    SELECT m.id, m.workspace_id, m.orchestrator_id, m.unmet, m.priority FROM moved m WHERE m.unmet > 0
  ), told AS (
    INSERT INTO events (workspace_id, task_id, orchestrator_id, run_id, at, type, actor, "from", "to", data)
    SELECT m.workspace_id, m.id, m.orchestrator_id, m.run_id, p_now, CASE WHEN w.status = 'DONE' THEN 'task.reopened' ELSE 'task.retried' END,
           p_actor, w.status::text, m.status::text, NULL
    FROM moved m JOIN was w ON w.id = m.id WHERE w.renewed OR w.status <> m.status OR w.status IN ('FAILED', 'CANCELLED', 'DONE') ORDER BY m.id
  )
  SELECT array_agg(m.id) FILTER (WHERE m.unmet = 0) INTO v_todo FROM moved m;
  IF v_todo IS NOT NULL THEN PERFORM enqueue_tasks(v_todo, p_now); END IF;
  code := NULL; id := p_task; amount := cardinality(v_ids);
  RETURN NEXT;
END $$;
