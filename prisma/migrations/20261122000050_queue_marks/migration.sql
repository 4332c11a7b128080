-- Where the live rows of an orchestrator's queues begin. Written by hand.
--
-- Rows that were claimed and ended can't be removed while somebody holds an older snapshot (a dump, a forgotten session),
-- nor can their index entries be marked as dead: each claim would step over all of them, and slow down with every task
-- done. A mark says where to begin instead: of the rows that its snapshot saw, those in front of the marked keys were gone.
-- Rows that it did not see carry the id of a transaction that is not smaller than the oldest one running then; they are
-- looked for by that id. So a mark may be as old as it likes and be wrong about nothing.

ALTER TABLE "ready_tasks" ADD COLUMN "xid" BIGINT NOT NULL DEFAULT ((pg_current_xact_id())::text)::bigint;
ALTER TABLE "leases" ADD COLUMN "xid" BIGINT NOT NULL DEFAULT ((pg_current_xact_id())::text)::bigint;
CREATE INDEX "ready_tasks_orchestrator_id_xid_idx" ON "ready_tasks"("orchestrator_id", "xid");
DROP INDEX "leases_orchestrator_id_idx";
CREATE INDEX "leases_orchestrator_id_xid_idx" ON "leases"("orchestrator_id", "xid");

-- A row that comes to stand elsewhere in a queue is one that no mark has seen.
CREATE FUNCTION enter_anew() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  NEW.xid := pg_current_xact_id()::text::bigint;
  RETURN NEW;
END $$;
CREATE TRIGGER ready_tasks_enter_anew BEFORE UPDATE ON ready_tasks FOR EACH ROW EXECUTE FUNCTION enter_anew();
CREATE TRIGGER leases_enter_anew BEFORE UPDATE OF orchestrator_id ON leases FOR EACH ROW EXECUTE FUNCTION enter_anew();

-- Unlogged: what is lost in a crash is only looked for again.
CREATE UNLOGGED TABLE "queue_marks" (
    "orchestrator_id" UUID NOT NULL,
    "writer" BIGINT NOT NULL,
    "xid" BIGINT NOT NULL,
    "lease_xid" BIGINT NOT NULL,
    "lease_ids" UUID[],
    "runs" UUID[],
    "priorities" "task_priority"[],
    "due_ats" TIMESTAMPTZ(3)[],
    "created_ats" TIMESTAMPTZ(3)[],
    "task_ids" UUID[],
    -- Not kept up: usable_mark says here how many rows the mark has not seen.
    "entered" INTEGER NOT NULL DEFAULT 0,

    CONSTRAINT "queue_marks_pkey" PRIMARY KEY ("orchestrator_id")
);
ALTER TABLE "queue_marks" ADD CONSTRAINT "queue_marks_orchestrator_id_fkey" FOREIGN KEY ("orchestrator_id") REFERENCES "orchestrators"("id") ON DELETE CASCADE ON UPDATE CASCADE;

-- The mark to begin at, and how much has entered since. Its xid is null where that is so much that it is quicker without; all is
-- null where there is none.
CREATE FUNCTION usable_mark(p_orchestrator uuid) RETURNS queue_marks
LANGUAGE plpgsql STABLE
SET plan_cache_mode = force_generic_plan SET enable_seqscan = off SET enable_bitmapscan = off AS $$
DECLARE
  c_many CONSTANT int := 5000;
  v_mark queue_marks;
BEGIN
  -- A mark that was copied from another cluster speaks of that one's transactions: there it has not the writer it names.
  SELECT m.* INTO v_mark FROM queue_marks m
   WHERE m.orchestrator_id = p_orchestrator AND m.xmin = (m.writer % 4294967296)::text::xid;
  IF FOUND THEN
    v_mark.entered := (SELECT count(*) FROM (
      SELECT FROM ready_tasks r WHERE r.orchestrator_id = p_orchestrator AND r.xid >= v_mark.xid LIMIT c_many + 1) few);
    IF v_mark.entered > c_many THEN v_mark.xid := NULL; END IF;
  END IF;
  RETURN v_mark;
END $$;

-- How many tasks of an orchestrator run; those that wait for their merge hold no slot.
CREATE FUNCTION slots_in_use(p_orchestrator uuid, p_mark queue_marks) RETURNS int
LANGUAGE plpgsql STABLE
SET plan_cache_mode = force_generic_plan SET enable_seqscan = off SET enable_bitmapscan = off AS $$
BEGIN
  IF p_mark.xid IS NULL THEN
    RETURN (SELECT count(*) FROM leases l WHERE l.orchestrator_id = p_orchestrator AND NOT l.merging);
  END IF;
  RETURN (SELECT count(*) FROM leases l WHERE l.orchestrator_id = p_orchestrator AND l.xid >= p_mark.lease_xid AND NOT l.merging)
       -- By their ids alone (`+ 0` keeps xid out of an index condition): to a planner who thinks of few leases, the walk that the
       -- mark saves looks as cheap.
       + (SELECT count(*) FROM leases l WHERE l.task_id = ANY (p_mark.lease_ids) AND l.xid + 0 < p_mark.lease_xid AND NOT l.merging);
END $$;

-- Marks where the orchestrator's queues begin. The caller holds the orchestrator's lock. p_mark: the one to begin at. Everything is read in one statement: the snapshot that says
-- which rows it has not seen must be the one that finds the first of those it has.
CREATE FUNCTION mark_queues(p_orchestrator uuid, p_mark queue_marks, p_now timestamptz) RETURNS void
LANGUAGE plpgsql
SET plan_cache_mode = force_generic_plan SET enable_seqscan = off SET enable_bitmapscan = off SET enable_hashjoin = off SET enable_mergejoin = off
SET enable_sort = off SET jit = off AS $$
#variable_conflict use_column
DECLARE
  c_none CONSTANT uuid := '00000000-0000-0000-0000-000000000000';
  -- With more queues than that each claim would spend more on looking them up in the mark.
  c_queues CONSTANT int := 64;
  -- Tasks that run long are named one by one, so that those that came and went beside them need not be counted.
  c_named CONSTANT int := 32;
BEGIN
  INSERT INTO queue_marks AS old (orchestrator_id, writer, xid, lease_xid, lease_ids, runs, priorities, due_ats, created_ats, task_ids)
  WITH seen AS MATERIALIZED (
    SELECT pg_snapshot_xmin(pg_current_snapshot())::text::bigint AS xid
  ), queues AS MATERIALIZED (
    SELECT q.run_id FROM unnest(queued_runs(p_orchestrator, p_now, NULL, p_mark)) q(run_id)
  ), starts AS (
    SELECT q.run_id, p.priority, '-infinity'::timestamptz AS due_at, '-infinity'::timestamptz AS created_at, c_none AS task_id
    FROM queues q CROSS JOIN unnest(enum_range(NULL::task_priority)) AS p(priority) WHERE p_mark.xid IS NULL
    UNION ALL
    SELECT m.* FROM unnest(p_mark.runs, p_mark.priorities, p_mark.due_ats, p_mark.created_ats, p_mark.task_ids) m WHERE p_mark.xid IS NOT NULL
  ), firsts AS (
    SELECT DISTINCT ON (k.run_id, k.priority) k.run_id, k.priority, k.due_at, k.created_at, k.task_id
    FROM (
      SELECT s.run_id, s.priority, f.due_at, f.created_at, f.task_id
      FROM starts s
      CROSS JOIN LATERAL (
        SELECT r.due_at, r.created_at, r.task_id FROM ready_tasks r
        WHERE r.orchestrator_id = p_orchestrator AND r.run_id = s.run_id AND r.priority = s.priority
          AND (r.due_at, r.created_at, r.task_id) >= (s.due_at, s.created_at, s.task_id)
        ORDER BY r.due_at, r.created_at, r.task_id LIMIT 1
      ) f
      UNION ALL
      SELECT r.run_id, r.priority, r.due_at, r.created_at, r.task_id FROM ready_tasks r
      WHERE r.orchestrator_id = p_orchestrator AND r.xid >= p_mark.xid
    ) k ORDER BY k.run_id, k.priority, k.due_at, k.created_at, k.task_id
  ), live AS MATERIALIZED (
    SELECT l.task_id, l.xid FROM leases l
    WHERE l.orchestrator_id = p_orchestrator AND l.xid >= CASE WHEN p_mark.xid IS NULL THEN 0 ELSE p_mark.lease_xid END
    UNION ALL
    SELECT l.task_id, l.xid FROM leases l
    WHERE p_mark.xid IS NOT NULL AND l.task_id = ANY (p_mark.lease_ids) AND l.xid + 0 < p_mark.lease_xid
  ), since AS (
    SELECT least(s.xid, (SELECT l.xid FROM live l ORDER BY l.xid OFFSET c_named LIMIT 1)) AS xid FROM seen s
  )
  SELECT p_orchestrator, pg_current_xact_id()::text::bigint, s.xid, c.xid, ARRAY(SELECT l.task_id FROM live l WHERE l.xid < c.xid),
         f.runs, f.priorities, f.due_ats, f.created_ats, f.task_ids
  FROM seen s, since c,
       (SELECT array_agg(f.run_id ORDER BY f.run_id, f.priority) AS runs, array_agg(f.priority ORDER BY f.run_id, f.priority) AS priorities,
               array_agg(f.due_at ORDER BY f.run_id, f.priority) AS due_ats, array_agg(f.created_at ORDER BY f.run_id, f.priority) AS created_ats,
               array_agg(f.task_id ORDER BY f.run_id, f.priority) AS task_ids FROM firsts f) f
  WHERE (SELECT count(*) FROM queues) <= c_queues
  ON CONFLICT (orchestrator_id) DO UPDATE
     SET writer = excluded.writer, xid = excluded.xid, lease_xid = excluded.lease_xid, lease_ids = excluded.lease_ids, runs = excluded.runs,
         priorities = excluded.priorities, due_ats = excluded.due_ats, created_ats = excluded.created_ats, task_ids = excluded.task_ids;
  -- An outdated one would have the next claim come here again.
  IF NOT FOUND THEN DELETE FROM queue_marks m WHERE m.orchestrator_id = p_orchestrator; END IF;
END $$;
