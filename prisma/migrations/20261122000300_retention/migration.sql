-- AlterTable
ALTER TABLE "workspaces" ADD COLUMN     "event_retention_days" INTEGER DEFAULT 90;

-- CreateTable
CREATE TABLE "event_trims" (
    "scope" UUID NOT NULL,
    "trimmed_xid" BIGINT NOT NULL DEFAULT 0,
    "trimmed_seq" BIGINT NOT NULL DEFAULT 0,
    "place_xid" BIGINT NOT NULL DEFAULT 0,
    "place_seq" BIGINT NOT NULL DEFAULT 0,
    "next_at" TIMESTAMPTZ(3),

    CONSTRAINT "event_trims_pkey" PRIMARY KEY ("scope")
);

-- Written by hand from here on. Why it is done so, with figures: docs/decisions/0008-event-retention.md.

-- What was kept so far was meant to be kept: only new workspaces trim unless they are told to.
UPDATE workspaces SET event_retention_days = NULL;
ALTER TABLE workspaces ADD CONSTRAINT event_retention_positive CHECK (event_retention_days BETWEEN 1 AND 36500);
ALTER TABLE event_trims SET (fillfactor = 50, autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 1000);

-- Append-only tables: freeze a row at its first vacuum, for it never changes again, and vacuum by amounts instead of by
-- shares, or a large table waits for months and then takes hours at once. What is trimmed of events dies at one end.
ALTER TABLE events SET (autovacuum_freeze_min_age = 0, autovacuum_vacuum_insert_scale_factor = 0, autovacuum_vacuum_insert_threshold = 200000,
  autovacuum_vacuum_scale_factor = 0.02, autovacuum_vacuum_threshold = 20000);
ALTER TABLE attempts SET (autovacuum_freeze_min_age = 0, autovacuum_vacuum_insert_scale_factor = 0, autovacuum_vacuum_insert_threshold = 200000);
ALTER TABLE task_outcomes SET (autovacuum_freeze_min_age = 0, autovacuum_vacuum_insert_scale_factor = 0, autovacuum_vacuum_insert_threshold = 200000);

-- Removes the next piece of the events that are older than their workspace keeps them, walking along the stream's own
-- order, which is nearly that of time. The history of a run stays whole until the run has been over for as long, and
-- then goes whole. One walk looks at everything old once, p_limit rows a call, and the next begins an hour later: what is
-- kept lies in the way of no other call. is_over: nothing more to do for now, or somebody else is just at it.
CREATE FUNCTION trim_events(p_workspace uuid, p_now timestamptz, p_limit int) RETURNS TABLE (removed int, is_over boolean)
LANGUAGE plpgsql SET plan_cache_mode = force_generic_plan
SET enable_seqscan = off SET enable_bitmapscan = off SET enable_hashjoin = off SET enable_mergejoin = off AS $$
DECLARE
  v_scope uuid := coalesce(p_workspace, '00000000-0000-0000-0000-000000000000');
  v_walk event_trims;
  v_latest timestamptz;
  v_looked int;
  v_young boolean;
BEGIN
  removed := 0;
  is_over := true;
  SELECT p_now - min(w.event_retention_days) * interval '1 day' INTO v_latest
    FROM workspaces w WHERE p_workspace IS NULL OR w.id = p_workspace;
  IF v_latest IS NULL THEN RETURN NEXT; RETURN; END IF;
  INSERT INTO event_trims (scope) VALUES (v_scope) ON CONFLICT DO NOTHING;
  SELECT * INTO v_walk FROM event_trims t WHERE t.scope = v_scope AND (t.next_at IS NULL OR t.next_at <= p_now) FOR UPDATE SKIP LOCKED;
  IF NOT FOUND THEN RETURN NEXT; RETURN; END IF;

  WITH part AS MATERIALIZED (
    SELECT e.ctid AS tid, e.xid, e.seq, e.at, e.workspace_id, e.run_id FROM events e
     WHERE (e.xid, e.seq) > (v_walk.place_xid, v_walk.place_seq)
     ORDER BY e.xid, e.seq LIMIT p_limit
  ), gone AS (
    -- An event is never updated, so its place on the page names it for as long as this snapshot lives.
    DELETE FROM events e USING part p JOIN workspaces w ON w.id = p.workspace_id
     WHERE e.ctid = p.tid AND p.at < p_now - w.event_retention_days * interval '1 day'
       AND (p_workspace IS NULL OR p.workspace_id = p_workspace)
       AND NOT EXISTS (
         SELECT FROM runs r WHERE r.id = p.run_id
            AND (r.finished_at IS NULL OR r.finished_at >= p_now - w.event_retention_days * interval '1 day'))
    RETURNING e.workspace_id, e.xid, e.seq
  ), lasts AS (
    SELECT DISTINCT ON (g.workspace_id) g.workspace_id, g.xid, g.seq FROM gone g ORDER BY g.workspace_id, g.xid DESC, g.seq DESC
  ), marked AS (
    -- Up to here a reader may have missed something: a cursor from before it is refused.
    INSERT INTO event_trims AS t (scope, trimmed_xid, trimmed_seq) SELECT l.workspace_id, l.xid, l.seq FROM lasts l
    ON CONFLICT (scope) DO UPDATE SET trimmed_xid = excluded.trimmed_xid, trimmed_seq = excluded.trimmed_seq
     WHERE (excluded.trimmed_xid, excluded.trimmed_seq) > (t.trimmed_xid, t.trimmed_seq)
  ), reached AS (
    SELECT p.xid, p.seq, p.at FROM part p ORDER BY p.xid DESC, p.seq DESC LIMIT 1
  )
  SELECT (SELECT count(*) FROM part), (SELECT count(*) FROM gone), coalesce((SELECT r.at >= v_latest FROM reached r), false),
         (SELECT r.xid FROM reached r), (SELECT r.seq FROM reached r)
    INTO v_looked, removed, v_young, v_walk.place_xid, v_walk.place_seq;

  is_over := v_young OR v_looked < p_limit;
  UPDATE event_trims t
     SET place_xid = CASE WHEN is_over THEN 0 ELSE v_walk.place_xid END, place_seq = CASE WHEN is_over THEN 0 ELSE v_walk.place_seq END,
         next_at = CASE WHEN is_over THEN p_now + interval '1 hour' ELSE t.next_at END
   WHERE t.scope = v_scope;
  RETURN NEXT;
END $$;
