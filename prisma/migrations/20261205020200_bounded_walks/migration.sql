-- CreateTable
CREATE TABLE "held_tasks" (
    "workspace_id" UUID NOT NULL,
    "agent" TEXT NOT NULL,
    "provider" TEXT NOT NULL,
    "task_id" UUID NOT NULL,

    CONSTRAINT "held_tasks_pkey" PRIMARY KEY ("workspace_id","agent","provider","task_id")
);

-- CreateTable
CREATE TABLE "resource_deadlocks" (
    "workspace_id" UUID NOT NULL,
    "seq" BIGSERIAL NOT NULL,
    "at" TIMESTAMPTZ(3) NOT NULL,
    "cycle" JSONB NOT NULL,

    CONSTRAINT "resource_deadlocks_pkey" PRIMARY KEY ("workspace_id","seq")
);

-- CreateIndex
CREATE INDEX "task_outcomes_orchestrator_id_finished_at_task_id_idx" ON "task_outcomes"("orchestrator_id", "finished_at", "task_id") WHERE (status = 'FAILED'::task_status);

-- AddForeignKey
ALTER TABLE "held_tasks" ADD CONSTRAINT "held_tasks_workspace_id_fkey" FOREIGN KEY ("workspace_id") REFERENCES "workspaces"("id") ON DELETE CASCADE ON UPDATE CASCADE;

-- AddForeignKey
ALTER TABLE "resource_deadlocks" ADD CONSTRAINT "resource_deadlocks_workspace_id_fkey" FOREIGN KEY ("workspace_id") REFERENCES "workspaces"("id") ON DELETE CASCADE ON UPDATE CASCADE;

-- Written by hand from here on.

-- Who is held by a breaker is noted where it is let go from, so that letting go doesn't walk along all that wait for their time.
-- A note may be older than the truth (the task was claimed, retried, cancelled): it is checked, and goes, when it is next met.
INSERT INTO held_tasks (workspace_id, agent, provider, task_id)
SELECT DISTINCT d.workspace_id, b ->> 'agent', b ->> 'provider', d.task_id
FROM delayed_tasks d
CROSS JOIN LATERAL (SELECT a.metrics FROM attempts a WHERE a.task_id = d.task_id ORDER BY a.number DESC LIMIT 1) a
CROSS JOIN LATERAL jsonb_array_elements(CASE WHEN jsonb_typeof(a.metrics -> 'heldBy') = 'array' THEN a.metrics -> 'heldBy' ELSE '[]' END) b
WHERE d.available_at < 'infinity' AND b ->> 'agent' IS NOT NULL AND b ->> 'provider' IS NOT NULL;

-- As before, and notes which breakers hold the task.
CREATE OR REPLACE FUNCTION release_attempt_until(
  p_task uuid, p_attempt uuid, p_workspace uuid, p_actor text, p_other_budget int, p_until timestamptz, p_reason text, p_held jsonb, p_now timestamptz
) RETURNS TABLE (n int, code text, task_id uuid, attempt_id uuid, status task_status, attempt_status attempt_status,
                 settled_at timestamptz, available_at timestamptz, freed uuid[])
LANGUAGE plpgsql SET plan_cache_mode = force_generic_plan SET enable_seqscan = off SET enable_bitmapscan = off
SET enable_hashjoin = off SET enable_mergejoin = off AS $$
#variable_conflict use_column
DECLARE
  v_row record;
  v_until timestamptz := date_trunc('milliseconds', p_until);
BEGIN
  FOR v_row IN
    SELECT * FROM settle_attempts(ARRAY[p_task], ARRAY[p_attempt], ARRAY['released'],
      ARRAY[jsonb_strip_nulls(jsonb_build_object('error', p_reason, 'metrics', CASE WHEN p_held IS NOT NULL THEN jsonb_build_object('heldBy', p_held) END))],
      p_workspace, p_actor, p_other_budget, p_now)
  LOOP
    IF v_row.code IS NULL AND v_row.status = 'TODO' AND v_until > v_row.settled_at THEN
      PERFORM dequeue_tasks(ARRAY[p_task]);
      UPDATE tasks t SET available_at = v_until WHERE t.id = p_task;
      PERFORM enqueue_tasks(ARRAY[p_task], v_row.settled_at);
      UPDATE events e SET data = e.data || jsonb_build_object('availableAt', v_until)
       WHERE e.task_id = p_task AND e.xid = pg_current_xact_id()::text::bigint AND e.type = 'task.released';
      INSERT INTO held_tasks (workspace_id, agent, provider, task_id)
      SELECT DISTINCT t.workspace_id, b ->> 'agent', b ->> 'provider', t.id
      FROM jsonb_array_elements(p_held) b JOIN tasks t ON t.id = p_task ON CONFLICT DO NOTHING;
      v_row.available_at := v_until;
    END IF;
    n := v_row.n; code := v_row.code; task_id := v_row.task_id; attempt_id := v_row.attempt_id; status := v_row.status;
    attempt_status := v_row.attempt_status; settled_at := v_row.settled_at; available_at := v_row.available_at; freed := v_row.freed;
    RETURN NEXT;
  END LOOP;
END $$;

-- As before, along those notes: p_limit tasks of a breaker, the oldest first.
CREATE OR REPLACE FUNCTION let_held_tasks_go(p_workspace uuid, p_agent text, p_provider text, p_limit int, p_now timestamptz) RETURNS int
LANGUAGE plpgsql SET plan_cache_mode = force_generic_plan SET enable_seqscan = off SET enable_hashjoin = off SET enable_mergejoin = off AS $$
DECLARE
  c_seen CONSTANT int := 100;
  v_seen uuid[];
  v_ids uuid[];
  v_gone uuid[];
  v_amount int := 0;
BEGIN
  LOOP
    SELECT array_agg(h.task_id) INTO v_seen FROM (
      SELECT h.task_id FROM held_tasks h WHERE h.workspace_id = p_workspace AND h.agent = p_agent AND h.provider = p_provider
      ORDER BY h.task_id LIMIT greatest(p_limit - v_amount, c_seen)) h;
    EXIT WHEN v_seen IS NULL;
    -- Where they stand before their rows: the order of locks. Who was taken by a claim meanwhile is gone from there.
    SELECT array_agg(l.task_id) INTO v_ids FROM (
      -- By the key, whatever the statistics say: no index knows this sum.
      SELECT d.task_id FROM delayed_tasks d
      WHERE d.task_id = ANY (v_seen) AND d.available_at + interval '0' > p_now AND d.available_at + interval '0' < 'infinity'
        AND (SELECT a.metrics -> 'heldBy' @> jsonb_build_array(jsonb_build_object('agent', p_agent, 'provider', p_provider))
             FROM attempts a WHERE a.task_id = d.task_id ORDER BY a.number DESC LIMIT 1)
      ORDER BY d.task_id LIMIT p_limit - v_amount FOR UPDATE OF d) l;
    v_gone := CASE WHEN cardinality(v_ids) >= p_limit - v_amount THEN v_ids ELSE v_seen END;
    DELETE FROM held_tasks h WHERE h.workspace_id = p_workspace AND h.agent = p_agent AND h.provider = p_provider AND h.task_id = ANY (v_gone);
    IF v_ids IS NOT NULL THEN
      UPDATE tasks t SET available_at = NULL, updated_at = p_now WHERE t.id = ANY (v_ids) AND t.status = 'TODO';
      PERFORM dequeue_tasks(v_ids);
      PERFORM enqueue_tasks(v_ids, p_now);
      v_amount := v_amount + cardinality(v_ids);
    END IF;
    EXIT WHEN v_amount >= p_limit;
  END LOOP;
  RETURN v_amount;
END $$;
