-- CreateTable
CREATE TABLE "outcome_days" (
    "orchestrator_id" UUID NOT NULL,
    "day" DATE NOT NULL,
    "time_zone" TEXT NOT NULL,
    "first_at" TIMESTAMPTZ(3),
    "last_at" TIMESTAMPTZ(3),
    "buckets" SMALLINT[],
    "counts" INTEGER[],

    CONSTRAINT "outcome_days_pkey" PRIMARY KEY ("orchestrator_id","day")
);

-- CreateTable
CREATE TABLE "outcome_sums" (
    "orchestrator_id" UUID NOT NULL,
    "day" DATE NOT NULL,
    "priority" "task_priority" NOT NULL,
    "status" "task_status" NOT NULL,
    "amount" INTEGER NOT NULL,
    "timed" INTEGER NOT NULL,
    "seconds" DOUBLE PRECISION NOT NULL,
    "with_due_date" INTEGER NOT NULL,
    "on_time" INTEGER NOT NULL,
    "retries" INTEGER NOT NULL,

    CONSTRAINT "outcome_sums_pkey" PRIMARY KEY ("orchestrator_id","day","priority","status")
);

-- Written by hand: sums of the days that are over.
--
-- Statistics read the sums of whole days, and the outcomes themselves of the days that have none. A day has sums only
-- while a row of outcome_days says so. They can't drift, for three rules:
--   1. Only a day is summed up that is over for more than half a minute, by the database's clock, and of which every
--      transaction that was writing outcomes then has ended (pg_locks tells who they were).
--   2. Whoever writes an outcome that is older than half a minute, or takes one away, or changes one, takes the sums of
--      its day away in the same transaction, under a lock that summing up holds too.
--   3. What is newer than that lies in no day that rule 1 lets be summed up.
-- Endings write nothing here: the trigger's condition is all that they pay.

-- Two hundredths wide: a duration read back from its bucket is at most one hundredth off.
CREATE FUNCTION duration_bucket(p_seconds float8) RETURNS smallint
LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
  SELECT floor(ln(greatest(p_seconds, 0.001)) / ln(1.02))::smallint
$$;

CREATE FUNCTION bucket_seconds(p_bucket int) RETURNS float8
LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$ SELECT exp((p_bucket + 0.5) * ln(1.02::float8)) $$;

CREATE FUNCTION forget_outcome_day() RETURNS trigger
LANGUAGE plpgsql AS $$
DECLARE
  r task_outcomes;
BEGIN
  FOREACH r IN ARRAY CASE TG_OP WHEN 'INSERT' THEN ARRAY[NEW] ELSE ARRAY[OLD, NEW] END LOOP
    CONTINUE WHEN r.orchestrator_id IS NULL;
    PERFORM pg_advisory_xact_lock_shared(20261122, hashtext(r.orchestrator_id::text));
    -- Whatever the zone of the sums: the day is that of the date line at most one off.
    DELETE FROM outcome_days d
     WHERE d.orchestrator_id = r.orchestrator_id
       AND d.day BETWEEN (r.finished_at AT TIME ZONE 'UTC')::date - 1 AND (r.finished_at AT TIME ZONE 'UTC')::date + 1
       AND d.day = (r.finished_at AT TIME ZONE d.time_zone)::date;
  END LOOP;
  RETURN NULL;
END $$;

CREATE TRIGGER forget_outcome_day_inserted AFTER INSERT ON task_outcomes
  FOR EACH ROW WHEN (NEW.finished_at < clock_timestamp() - interval '30 seconds') EXECUTE FUNCTION forget_outcome_day();
CREATE TRIGGER forget_outcome_day_changed AFTER UPDATE ON task_outcomes
  FOR EACH ROW EXECUTE FUNCTION forget_outcome_day();

-- Of a run that is deleted or made afresh there may be many: all at once, and with their days those beside them.
CREATE FUNCTION forget_outcome_days() RETURNS trigger
LANGUAGE plpgsql AS $$
BEGIN
  PERFORM pg_advisory_xact_lock_shared(20261122, hashtext(r.orchestrator_id::text))
    FROM (SELECT DISTINCT orchestrator_id FROM old_rows WHERE orchestrator_id IS NOT NULL) r;
  DELETE FROM outcome_days d
   USING (SELECT DISTINCT orchestrator_id, (finished_at AT TIME ZONE 'UTC')::date AS day FROM old_rows) r
   WHERE d.orchestrator_id = r.orchestrator_id AND d.day BETWEEN r.day - 1 AND r.day + 1;
  RETURN NULL;
END $$;

CREATE TRIGGER forget_outcome_days_deleted AFTER DELETE ON task_outcomes
  REFERENCING OLD TABLE AS old_rows FOR EACH STATEMENT EXECUTE FUNCTION forget_outcome_days();

-- Sums up the days of an orchestrator that are over and have no sums, the oldest first, a hundred at most: the statement
-- of a long history must end within its time. Returns how many; none where a transaction that
-- writes outcomes doesn't end within a second: then another time.
CREATE FUNCTION sum_up_outcomes(p_orchestrator uuid) RETURNS int
LANGUAGE plpgsql SET plan_cache_mode = force_generic_plan SET enable_seqscan = off SET enable_bitmapscan = off AS $$
DECLARE
  v_until timestamptz := clock_timestamp() - interval '30 seconds';
  v_zone text;
  v_writers text[];
  v_days date[];
BEGIN
  SELECT o.time_zone INTO v_zone FROM orchestrators o WHERE o.id = p_orchestrator;
  SELECT array_agg(l.virtualtransaction) INTO v_writers FROM pg_locks l
   WHERE l.locktype = 'relation' AND l.relation = 'task_outcomes'::regclass AND l.mode = 'RowExclusiveLock' AND l.granted
     AND l.database = (SELECT d.oid FROM pg_database d WHERE d.datname = current_database()) AND l.pid IS DISTINCT FROM pg_backend_pid();
  FOR i IN 1 .. 50 LOOP
    EXIT WHEN v_writers IS NULL;
    PERFORM pg_sleep(0.02);
    SELECT array_agg(l.virtualtransaction) INTO v_writers FROM pg_locks l
     WHERE l.granted AND l.virtualtransaction = ANY (v_writers);
  END LOOP;
  IF v_writers IS NOT NULL THEN RETURN 0; END IF;
  PERFORM pg_advisory_xact_lock(20261122, hashtext(p_orchestrator::text));

  -- Each a statement of its own, so that it sees what was there when the lock was given.
  DELETE FROM outcome_days d WHERE d.orchestrator_id = p_orchestrator AND d.time_zone <> v_zone;
  DELETE FROM outcome_sums s WHERE s.orchestrator_id = p_orchestrator
     AND NOT EXISTS (SELECT FROM outcome_days d WHERE d.orchestrator_id = s.orchestrator_id AND d.day = s.day);
  SELECT array_agg(m.day) INTO v_days
  FROM (SELECT m.day FROM (
    SELECT f.first + n AS day
    FROM (SELECT (x.finished_at AT TIME ZONE v_zone)::date AS first FROM task_outcomes x
          WHERE x.orchestrator_id = p_orchestrator ORDER BY x.finished_at LIMIT 1) f
    -- A clock that goes back across midnight takes a date back; by three hours later it does so nowhere.
    CROSS JOIN LATERAL generate_series(0, ((v_until - interval '3 hours') AT TIME ZONE v_zone)::date - 1 - f.first) n
  ) m
  WHERE NOT EXISTS (SELECT FROM outcome_days d WHERE d.orchestrator_id = p_orchestrator AND d.day = m.day)
  ORDER BY m.day LIMIT 100) m;
  IF v_days IS NULL THEN RETURN 0; END IF;

  WITH ended AS MATERIALIZED (
    SELECT m.day, x.priority, x.status, x.finished_at, x.due_at, x.attempts, extract(epoch FROM x.finished_at - x.claimed_at)::float8 AS seconds
    FROM unnest(v_days) AS m(day)
    CROSS JOIN LATERAL (
      SELECT * FROM task_outcomes x
      WHERE x.orchestrator_id = p_orchestrator
        AND x.finished_at >= m.day::timestamp AT TIME ZONE v_zone - interval '2 hours'
        AND x.finished_at < (m.day + 1)::timestamp AT TIME ZONE v_zone + interval '2 hours'
        AND (x.finished_at AT TIME ZONE v_zone)::date = m.day
    ) x
  ), summed AS (
    INSERT INTO outcome_sums (orchestrator_id, day, priority, status, amount, timed, seconds, with_due_date, on_time, retries)
    SELECT p_orchestrator, e.day, e.priority, e.status, count(*), count(e.seconds), coalesce(sum(e.seconds), 0), count(e.due_at),
           count(*) FILTER (WHERE e.finished_at <= e.due_at), sum(greatest(e.attempts - 1, 0))
    FROM ended e GROUP BY e.day, e.priority, e.status
  ), bucketed AS (
    SELECT b.day, array_agg(b.bucket ORDER BY b.bucket) AS buckets, array_agg(b.amount ORDER BY b.bucket) AS counts
    FROM (
      SELECT e.day, duration_bucket(e.seconds) AS bucket, count(*)::int AS amount
      FROM ended e WHERE e.status = 'DONE' AND e.seconds IS NOT NULL GROUP BY 1, 2
    ) b GROUP BY b.day
  )
  INSERT INTO outcome_days (orchestrator_id, day, time_zone, first_at, last_at, buckets, counts)
  SELECT p_orchestrator, m.day, v_zone, min(e.finished_at), max(e.finished_at),
         (SELECT b.buckets FROM bucketed b WHERE b.day = m.day), (SELECT b.counts FROM bucketed b WHERE b.day = m.day)
  FROM unnest(v_days) AS m(day) LEFT JOIN ended e ON e.day = m.day GROUP BY m.day;
  RETURN cardinality(v_days);
END $$;

-- Delayed tasks of an orchestrator (null: of nobody) whose time has come become claimable. Every claim asks, so that it
-- must not see those of others, nor those whose time has not come: one range of the index by orchestrator and time, for
-- a condition that serves null as well is none for an index; and locked in order of ids only then, for that order invites
-- to walk along all of them.
CREATE OR REPLACE FUNCTION promote_due_tasks(p_orchestrator uuid, p_now timestamptz) RETURNS int
LANGUAGE plpgsql SET plan_cache_mode = force_generic_plan SET enable_seqscan = off SET enable_bitmapscan = off
SET enable_hashjoin = off SET enable_mergejoin = off AS $$
DECLARE
  v_due uuid[];
  v_ids uuid[];
BEGIN
  IF p_orchestrator IS NULL THEN
    SELECT array_agg(d.task_id) INTO v_due FROM delayed_tasks d WHERE d.orchestrator_id IS NULL AND d.available_at <= p_now;
  ELSE
    SELECT array_agg(d.task_id) INTO v_due FROM delayed_tasks d WHERE d.orchestrator_id = p_orchestrator AND d.available_at <= p_now;
  END IF;
  IF v_due IS NULL THEN RETURN 0; END IF;
  -- Only what this statement itself took out: a row that somebody else just put back (by changing the task) must not
  -- be entered twice.
  WITH due AS (
    SELECT d.task_id FROM delayed_tasks d
     WHERE d.task_id = ANY (v_due) AND d.available_at <= p_now AND d.orchestrator_id IS NOT DISTINCT FROM p_orchestrator
     ORDER BY d.task_id FOR UPDATE
  ), gone AS (
    DELETE FROM delayed_tasks d USING due WHERE d.task_id = due.task_id RETURNING d.task_id
  )
  SELECT array_agg(task_id) INTO v_ids FROM gone;
  IF v_ids IS NULL THEN RETURN 0; END IF;
  PERFORM enqueue_tasks(v_ids, p_now);
  RETURN cardinality(v_ids);
END $$;
