-- CreateEnum
CREATE TYPE "breaker_status" AS ENUM ('closed', 'open', 'half_open');

-- CreateTable
CREATE TABLE "breakers" (
    "workspace_id" UUID NOT NULL,
    "agent" TEXT NOT NULL,
    "provider" TEXT NOT NULL,
    "status" "breaker_status" NOT NULL DEFAULT 'closed',
    "forced" "breaker_status",
    "reason" TEXT,
    "changed_at" TIMESTAMPTZ(3) NOT NULL,
    "open_until" TIMESTAMPTZ(3),
    "trips" INTEGER NOT NULL DEFAULT 0,
    "probe_attempt_id" UUID,

    CONSTRAINT "breakers_pkey" PRIMARY KEY ("workspace_id","agent","provider")
);

-- AddForeignKey
ALTER TABLE "breakers" ADD CONSTRAINT "breakers_workspace_id_fkey" FOREIGN KEY ("workspace_id") REFERENCES "workspaces"("id") ON DELETE CASCADE ON UPDATE CASCADE;

-- Written by hand from here on. Why it is done so: docs/concepts/breakers.md.

ALTER TABLE breakers
  ADD CONSTRAINT forced_as_it_stands CHECK (forced IS NULL OR (forced = status AND forced <> 'half_open')),
  ADD CONSTRAINT open_until_while_open CHECK (open_until IS NULL OR status = 'open'),
  -- One that opened by itself also ends by itself.
  ADD CONSTRAINT open_has_an_end CHECK (status <> 'open' OR forced = 'open' OR open_until IS NOT NULL),
  ADD CONSTRAINT probe_while_half_open CHECK (probe_attempt_id IS NULL OR status = 'half_open'),
  ADD CONSTRAINT trips_not_negative CHECK (trips >= 0);

-- Gives a task back, not to be handed out before p_until, at the cost of no budget: nobody may do it now. In one
-- transaction, for a claim that waits would take it in between. One element of details more than settle_attempts has, so that
-- the tasks that a breaker holds can be found when it lets them go.
CREATE FUNCTION release_attempt_until(
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
      v_row.available_at := v_until;
    END IF;
    n := v_row.n; code := v_row.code; task_id := v_row.task_id; attempt_id := v_row.attempt_id; status := v_row.status;
    attempt_status := v_row.attempt_status; settled_at := v_row.settled_at; available_at := v_row.available_at; freed := v_row.freed;
    RETURN NEXT;
  END LOOP;
END $$;

-- Tasks that were given back because of a breaker needn't wait any more when it lets work through: p_limit of them, the
-- soonest first, so that a large backlog goes on in pieces. Returns how many.
CREATE FUNCTION let_held_tasks_go(p_workspace uuid, p_agent text, p_provider text, p_limit int, p_now timestamptz) RETURNS int
LANGUAGE plpgsql AS $$
DECLARE
  v_ids uuid[];
BEGIN
  SELECT array_agg(h.task_id ORDER BY h.task_id) INTO v_ids FROM (
    SELECT d.task_id FROM delayed_tasks d
    CROSS JOIN LATERAL (SELECT a.metrics FROM attempts a WHERE a.task_id = d.task_id ORDER BY a.number DESC LIMIT 1) a
    WHERE d.workspace_id = p_workspace AND d.available_at > p_now AND d.available_at < 'infinity'
      AND a.metrics -> 'heldBy' @> jsonb_build_array(jsonb_build_object('agent', p_agent, 'provider', p_provider))
    ORDER BY d.available_at, d.task_id LIMIT p_limit) h;
  IF v_ids IS NULL THEN RETURN 0; END IF;
  -- Where they stand before their rows: the order of locks. Who was taken by a claim meanwhile is gone from there.
  SELECT array_agg(l.task_id) INTO v_ids
    FROM (SELECT d.task_id FROM delayed_tasks d WHERE d.task_id = ANY (v_ids) ORDER BY d.task_id FOR UPDATE) l;
  IF v_ids IS NULL THEN RETURN 0; END IF;
  UPDATE tasks t SET available_at = NULL, updated_at = p_now WHERE t.id = ANY (v_ids) AND t.status = 'TODO';
  PERFORM dequeue_tasks(v_ids);
  PERFORM enqueue_tasks(v_ids, p_now);
  RETURN cardinality(v_ids);
END $$;
