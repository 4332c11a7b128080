-- CreateTable
CREATE TABLE "attempt_usages" (
    "attempt_id" UUID NOT NULL,
    "orchestrator_id" UUID NOT NULL,
    "run_id" UUID,
    "ended_at" TIMESTAMPTZ(3) NOT NULL,
    "input_tokens" BIGINT NOT NULL,
    "output_tokens" BIGINT NOT NULL,
    "cache_read_tokens" BIGINT NOT NULL,
    "cache_write_tokens" BIGINT NOT NULL,
    "turns" BIGINT NOT NULL,
    "cost_usd" DOUBLE PRECISION,

    CONSTRAINT "attempt_usages_pkey" PRIMARY KEY ("attempt_id")
);

-- CreateTable
CREATE TABLE "attempt_logs" (
    "attempt_id" UUID NOT NULL,
    "workspace_id" UUID NOT NULL,
    "created_at" TIMESTAMPTZ(3) NOT NULL,
    "head_bytes" INTEGER NOT NULL DEFAULT 0,
    "tail_bytes" INTEGER NOT NULL DEFAULT 0,
    "kept_bytes" INTEGER NOT NULL DEFAULT 0,
    "chunks" INTEGER NOT NULL DEFAULT 0,
    "last_seq" INTEGER NOT NULL DEFAULT 0,
    "tail_seq" INTEGER,
    "gap_bytes" BIGINT NOT NULL DEFAULT 0,
    "dropped_bytes" BIGINT NOT NULL DEFAULT 0,
    "complete" BOOLEAN NOT NULL DEFAULT false,

    CONSTRAINT "attempt_logs_pkey" PRIMARY KEY ("attempt_id")
);

-- CreateTable
CREATE TABLE "attempt_log_chunks" (
    "attempt_id" UUID NOT NULL,
    "seq" INTEGER NOT NULL,
    "lines" INTEGER NOT NULL,
    "bytes" INTEGER NOT NULL,
    "at" TIMESTAMPTZ(3) NOT NULL,
    "dropped_bytes" BIGINT NOT NULL DEFAULT 0,
    "entries" JSONB NOT NULL,

    CONSTRAINT "attempt_log_chunks_pkey" PRIMARY KEY ("attempt_id","seq")
);

-- CreateIndex
CREATE INDEX "attempt_usages_run_id_idx" ON "attempt_usages"("run_id") WHERE (run_id IS NOT NULL);

-- CreateIndex
CREATE INDEX "attempt_usages_orchestrator_id_ended_at_idx" ON "attempt_usages"("orchestrator_id", "ended_at");

-- CreateIndex
CREATE INDEX "attempt_logs_workspace_id_created_at_idx" ON "attempt_logs"("workspace_id", "created_at");

-- Written by hand from here on. Why it is done so: docs/decisions/0012-attempt-logs.md.

ALTER TABLE attempt_logs ADD CONSTRAINT log_counts_not_negative CHECK (
  head_bytes >= 0 AND tail_bytes >= 0 AND kept_bytes >= 0 AND chunks >= 0 AND last_seq >= 0 AND gap_bytes >= 0 AND dropped_bytes >= gap_bytes);
ALTER TABLE attempt_log_chunks ADD CONSTRAINT chunk_sizes CHECK (
  seq >= 1 AND lines >= 0 AND bytes BETWEEN 0 AND 1048576 AND dropped_bytes >= 0 AND jsonb_typeof(entries) = 'array');
ALTER TABLE attempt_usages ADD CONSTRAINT usage_not_negative CHECK (
  input_tokens >= 0 AND output_tokens >= 0 AND cache_read_tokens >= 0 AND cache_write_tokens >= 0 AND turns >= 0 AND cost_usd >= 0);

-- Rewritten with every chunk, and no index covers what changes then.
ALTER TABLE attempt_logs SET (fillfactor = 50, autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 1000);
-- Written once. What is trimmed dies at the end where time began, as of events; what a flood pushes out dies young.
ALTER TABLE attempt_log_chunks SET (autovacuum_vacuum_insert_scale_factor = 0, autovacuum_vacuum_insert_threshold = 200000,
  autovacuum_vacuum_scale_factor = 0.02, autovacuum_vacuum_threshold = 5000);
ALTER TABLE attempt_usages SET (autovacuum_freeze_min_age = 0, autovacuum_vacuum_insert_scale_factor = 0, autovacuum_vacuum_insert_threshold = 200000);

-- Stores the next piece of an attempt's output. Taken from the attempt that holds its task, and for ten minutes after an end
-- that it reported itself: its last words come after its outcome. From a lost one nothing is taken.
-- No lock on the lease: a piece that comes in the moment of the loss changes nothing but the attempt's own log.
-- p_limit: bytes kept, half of them head and half tail. Each chunk counts 128 bytes more than its text, so that a million
-- empty ones don't fit in, either.
-- code: null (stored or, where stored is false, known) | ATTEMPT_NOT_FOUND | LEASE_LOST.
CREATE FUNCTION append_attempt_log(
  p_attempt uuid, p_seq int, p_entries jsonb, p_bytes int, p_lines int, p_dropped bigint, p_last boolean, p_limit int,
  p_workspace uuid, p_now timestamptz
) RETURNS TABLE (code text, stored boolean, last_seq int)
LANGUAGE plpgsql SET plan_cache_mode = force_generic_plan
SET enable_seqscan = off SET enable_bitmapscan = off SET enable_hashjoin = off SET enable_mergejoin = off AS $$
#variable_conflict use_column
DECLARE
  c_chunk_cost CONSTANT int := 128;
  v_now timestamptz := engine_now(p_now);
  v_workspace uuid;
  v_status attempt_status;
  v_ended timestamptz;
  v_log attempt_logs;
  v_old record;
BEGIN
  SELECT l.workspace_id INTO v_workspace FROM leases l WHERE l.attempt_id = p_attempt AND (p_workspace IS NULL OR l.workspace_id = p_workspace);
  IF NOT FOUND THEN
    SELECT a.workspace_id, a.status, a.ended_at INTO v_workspace, v_status, v_ended
      FROM attempts a WHERE a.id = p_attempt AND (p_workspace IS NULL OR a.workspace_id = p_workspace);
    IF NOT FOUND THEN
      RETURN QUERY SELECT 'ATTEMPT_NOT_FOUND', false, 0;
      RETURN;
    END IF;
    IF v_status = 'LOST' OR v_ended < v_now - interval '10 minutes' THEN
      RETURN QUERY SELECT 'LEASE_LOST', false, 0;
      RETURN;
    END IF;
  END IF;

  INSERT INTO attempt_logs (attempt_id, workspace_id, created_at) VALUES (p_attempt, v_workspace, v_now) ON CONFLICT DO NOTHING;
  SELECT * INTO v_log FROM attempt_logs g WHERE g.attempt_id = p_attempt FOR UPDATE;
  IF p_seq <= v_log.last_seq THEN
    RETURN QUERY SELECT NULL::text, false, v_log.last_seq;
    RETURN;
  END IF;

  v_log.last_seq := p_seq;
  v_log.complete := v_log.complete OR p_last;
  -- The last word of an agent that said nothing is no chunk.
  IF p_bytes > 0 OR p_dropped > 0 THEN
    INSERT INTO attempt_log_chunks (attempt_id, seq, lines, bytes, at, dropped_bytes, entries)
    VALUES (p_attempt, p_seq, p_lines, p_bytes, v_now, p_dropped, p_entries);
    v_log.chunks := v_log.chunks + 1;
    v_log.kept_bytes := v_log.kept_bytes + p_bytes;
    v_log.dropped_bytes := v_log.dropped_bytes + p_dropped;
    IF v_log.tail_seq IS NULL AND v_log.head_bytes + p_bytes + c_chunk_cost <= p_limit / 2 THEN
      v_log.head_bytes := v_log.head_bytes + p_bytes + c_chunk_cost;
    ELSE
      v_log.tail_seq := coalesce(v_log.tail_seq, p_seq);
      v_log.tail_bytes := v_log.tail_bytes + p_bytes + c_chunk_cost;
      FOR v_old IN
        SELECT k.seq, k.bytes, k.dropped_bytes FROM attempt_log_chunks k WHERE k.attempt_id = p_attempt AND k.seq >= v_log.tail_seq ORDER BY k.seq
      LOOP
        v_log.tail_seq := v_old.seq;
        EXIT WHEN v_log.tail_bytes <= p_limit - p_limit / 2 OR v_old.seq = p_seq;
        DELETE FROM attempt_log_chunks k WHERE k.attempt_id = p_attempt AND k.seq = v_old.seq;
        v_log.tail_bytes := v_log.tail_bytes - v_old.bytes - c_chunk_cost;
        v_log.kept_bytes := v_log.kept_bytes - v_old.bytes;
        v_log.gap_bytes := v_log.gap_bytes + v_old.bytes + v_old.dropped_bytes;
        v_log.dropped_bytes := v_log.dropped_bytes + v_old.bytes;
        v_log.chunks := v_log.chunks - 1;
      END LOOP;
    END IF;
  END IF;
  UPDATE attempt_logs g
     SET head_bytes = v_log.head_bytes, tail_bytes = v_log.tail_bytes, kept_bytes = v_log.kept_bytes, chunks = v_log.chunks,
         last_seq = v_log.last_seq, tail_seq = v_log.tail_seq, gap_bytes = v_log.gap_bytes, dropped_bytes = v_log.dropped_bytes, complete = v_log.complete
   WHERE g.attempt_id = p_attempt;
  RETURN QUERY SELECT NULL::text, true, p_seq;
END $$;

-- Removes the oldest logs of the workspaces that no longer keep them: as long as they keep events, from the first line on. Whole
-- logs, as many as have p_limit chunks together, and one at least where there is one. What runs still keeps its log.
-- One probe a workspace, the very beginning of its own part of the index: what is kept lies in nobody's way.
CREATE FUNCTION trim_attempt_logs(p_workspace uuid, p_now timestamptz, p_limit int) RETURNS TABLE (removed int, is_over boolean)
LANGUAGE plpgsql SET plan_cache_mode = force_generic_plan
SET enable_seqscan = off SET enable_bitmapscan = off SET enable_hashjoin = off SET enable_mergejoin = off AS $$
DECLARE
  c_logs_max CONSTANT int := 200;
  v_ids uuid[];
  v_found int;
BEGIN
  WITH old AS MATERIALIZED (
    SELECT g.attempt_id, g.chunks, g.created_at
      FROM workspaces w
      CROSS JOIN LATERAL (
        SELECT k.attempt_id, k.chunks, k.created_at FROM attempt_logs k
         WHERE k.workspace_id = w.id AND k.created_at < p_now - w.event_retention_days * interval '1 day'
           AND NOT EXISTS (SELECT FROM leases l WHERE l.attempt_id = k.attempt_id)
         ORDER BY k.created_at, k.attempt_id LIMIT c_logs_max FOR UPDATE SKIP LOCKED
      ) g
     WHERE (p_workspace IS NULL OR w.id = p_workspace) AND w.event_retention_days IS NOT NULL
  ), summed AS (
    SELECT o.attempt_id, sum(o.chunks) OVER (ORDER BY o.created_at, o.attempt_id) - o.chunks AS before FROM old o
  )
  SELECT array_agg(s.attempt_id) FILTER (WHERE s.before < p_limit), count(*) INTO v_ids, v_found FROM summed s;
  DELETE FROM attempt_log_chunks k WHERE k.attempt_id = ANY (v_ids);
  DELETE FROM attempt_logs g WHERE g.attempt_id = ANY (v_ids);
  removed := coalesce(cardinality(v_ids), 0);
  is_over := removed = v_found AND v_found < c_logs_max;
  RETURN NEXT;
END $$;

-- A number of a report; what is none, or can't be one of ours, counts as nothing.
CREATE FUNCTION usage_number(p_usage jsonb, p_key text) RETURNS numeric
LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
  SELECT CASE WHEN jsonb_typeof(p_usage -> p_key) = 'number' THEN least(greatest((p_usage ->> p_key)::numeric, 0), 1e15) END
$$;

CREATE FUNCTION note_attempt_usage() RETURNS trigger
LANGUAGE plpgsql SET plan_cache_mode = force_generic_plan AS $$
DECLARE
  v_usage jsonb := NEW.metrics -> 'usage';
BEGIN
  INSERT INTO attempt_usages (attempt_id, orchestrator_id, run_id, ended_at, input_tokens, output_tokens, cache_read_tokens, cache_write_tokens, turns, cost_usd)
  SELECT NEW.id, NEW.orchestrator_id, (SELECT t.run_id FROM tasks t WHERE t.id = NEW.task_id), NEW.ended_at,
         coalesce(trunc(usage_number(v_usage, 'inputTokens')), 0), coalesce(trunc(usage_number(v_usage, 'outputTokens')), 0),
         coalesce(trunc(usage_number(v_usage, 'cacheReadTokens')), 0), coalesce(trunc(usage_number(v_usage, 'cacheWriteTokens')), 0),
         coalesce(trunc(usage_number(v_usage, 'turns')), 0), usage_number(v_usage, 'costUsd')
   WHERE jsonb_typeof(v_usage) = 'object';
  RETURN NULL;
END $$;

-- Attempts that tell no usage, nearly all of the short ones, don't even call the function.
CREATE TRIGGER attempt_usage AFTER INSERT ON attempts
  FOR EACH ROW WHEN (jsonb_exists(NEW.metrics, 'usage')) EXECUTE FUNCTION note_attempt_usage();
