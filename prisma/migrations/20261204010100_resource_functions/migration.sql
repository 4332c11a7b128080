-- Resources: what two tasks must not use at once. Written by hand. docs/decisions/0016-resources.md says why it is as it is.
--
-- A use is a text, `exclusive NAME` or `shared NAME`; NAME is `path:` and a glob, or anything, compared as it is.
-- What tasks hold is in resource_holds, one row a use, as long as the lease lives: it is entered and left by triggers of
-- leases, so that no way of beginning or ending an attempt can forget it. They ask a column of the lease: without resources
-- an attempt pays nothing for them.
--
-- Order of locks: the lock of the workspace's resources comes after orchestrators and runs, and before leases and tasks. Who
-- ends attempts doesn't take it: what becomes free needs no lock.

-- The fields of packages/work-engine/src/domain/resources: one language, and a property test that holds them together.

-- Whether two patterns have a common word: p_any in either stands for any number of letters. Within a part of a path (p_inner)
-- a letter is a character and `?` any of them; otherwise a letter is a part.
CREATE FUNCTION patterns_meet(p_one text[], p_other text[], p_any text, p_inner boolean) RETURNS boolean
LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE AS $$
DECLARE
  v_after boolean[];
  v_here boolean[];
  a text;
  b text;
  n int := coalesce(cardinality(p_one), 0);
  m int := coalesce(cardinality(p_other), 0);
BEGIN
  FOR i IN REVERSE n + 1 .. 1 LOOP
    v_here := array_fill(false, ARRAY[m + 1]);
    FOR j IN REVERSE m + 1 .. 1 LOOP
      a := CASE WHEN i <= n THEN p_one[i] END;
      b := CASE WHEN j <= m THEN p_other[j] END;
      IF a = p_any THEN
        v_here[j] := (i <= n AND v_after[j]) OR (b IS NOT NULL AND v_here[j + 1]);
      ELSIF b = p_any THEN
        v_here[j] := v_here[j + 1] OR (a IS NOT NULL AND v_after[j]);
      ELSIF a IS NULL OR b IS NULL THEN
        v_here[j] := a IS NULL AND b IS NULL;
      ELSIF v_after[j + 1] THEN
        v_here[j] := a = b OR CASE WHEN p_inner THEN a = '?' OR b = '?'
                                   ELSE patterns_meet(string_to_array(a, NULL), string_to_array(b, NULL), '*', true) END;
      END IF;
    END LOOP;
    v_after := v_here;
  END LOOP;
  RETURN v_after[1];
END $$;

-- Whether a path is meant by both globs. Most pairs differ in what comes before the first character that stands for others.
CREATE FUNCTION globs_overlap(p_one text, p_other text) RETURNS boolean
LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE AS $$
DECLARE
  v_one text := substring(p_one FROM '^[^*?]*');
  v_other text := substring(p_other FROM '^[^*?]*');
BEGIN
  IF p_one = p_other THEN RETURN true; END IF;
  IF v_one = p_one AND v_other = p_other THEN RETURN false; END IF;
  -- `a/**` means `a` as well: the slash in front of it counts as not there.
  IF NOT starts_with(v_one, rtrim(v_other, '/')) AND NOT starts_with(v_other, rtrim(v_one, '/')) THEN RETURN false; END IF;
  -- All beneath a directory, and something that begins there: what most pairs that meet look like.
  IF p_one = v_one || '**' AND starts_with(v_other, v_one) OR p_other = v_other || '**' AND starts_with(v_one, v_other) THEN RETURN true; END IF;
  RETURN patterns_meet(string_to_array(p_one, '/'), string_to_array(p_other, '/'), '**', false);
END $$;

-- Whether two uses can't be at once.
CREATE FUNCTION uses_conflict(p_one text, p_other text) RETURNS boolean
LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE AS $$
DECLARE
  v_one text := substr(p_one, strpos(p_one, ' ') + 1);
  v_other text := substr(p_other, strpos(p_other, ' ') + 1);
BEGIN
  IF starts_with(p_one, 'shared ') AND starts_with(p_other, 'shared ') THEN RETURN false; END IF;
  IF v_one = v_other THEN RETURN true; END IF;
  IF NOT (starts_with(v_one, 'path:') AND starts_with(v_other, 'path:')) THEN RETURN false; END IF;
  RETURN globs_overlap(substr(v_one, 6), substr(v_other, 6));
END $$;

-- Whether a task may have what it asks for. p_owners and p_uses run parallel: what is held and waited for, owned by all zeros;
-- then what tasks wait for that hold others back, in the order in which they came. Those after a task's own don't bind it.
CREATE FUNCTION resources_free(p_task uuid, p_wanted text[], p_owners uuid[], p_uses text[]) RETURNS boolean
LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE AS $$
BEGIN
  FOR i IN 1 .. coalesce(cardinality(p_uses), 0) LOOP
    EXIT WHEN p_owners[i] = p_task;
    FOR j IN 1 .. cardinality(p_wanted) LOOP
      IF uses_conflict(p_wanted[j], p_uses[i]) THEN RETURN false; END IF;
    END LOOP;
  END LOOP;
  RETURN true;
END $$;

-- What resources_free asks for; both null where nothing is in use.
CREATE FUNCTION resources_in_use(p_workspace uuid, p_now timestamptz) RETURNS TABLE (owners uuid[], uses text[])
LANGUAGE plpgsql STABLE ROWS 1
SET plan_cache_mode = force_generic_plan SET enable_seqscan = off SET enable_bitmapscan = off AS $$
DECLARE
  c_none CONSTANT uuid := '00000000-0000-0000-0000-000000000000';
BEGIN
  RETURN QUERY
  SELECT array_agg(a.owner ORDER BY a.place, a.since, a.owner, a.use), array_agg(a.use ORDER BY a.place, a.since, a.owner, a.use)
  FROM (
    SELECT DISTINCT c_none AS owner, h.use, 0 AS place, NULL::timestamptz AS since FROM resource_holds h WHERE h.workspace_id = p_workspace
    UNION ALL
    -- What an attempt waits for goes before all that hasn't begun.
    SELECT c_none, u.use, 0, NULL FROM resource_waits w CROSS JOIN LATERAL unnest(w.uses) u(use)
    WHERE w.workspace_id = p_workspace AND w.attempt_id IS NOT NULL AND w.refused_at IS NULL
    UNION ALL
    SELECT w.task_id, u.use, 1, w.since FROM resource_waits w CROSS JOIN LATERAL unnest(w.uses) u(use)
    WHERE w.workspace_id = p_workspace AND w.attempt_id IS NULL AND w.binds_until > p_now
  ) a;
END $$;

-- Whoever takes resources of a workspace does so one after another. For the rest of the transaction.
CREATE FUNCTION lock_resources(p_workspace uuid) RETURNS void
LANGUAGE plpgsql AS $$
BEGIN
  PERFORM pg_advisory_xact_lock(hashtextextended('neolith resources ' || p_workspace::text, 0));
END $$;

-- Which of these tasks may have their resources now, beside each other too, the best first; null: none asks for any.
-- p_places: their order. Locks the workspace's resources where one asks.
CREATE FUNCTION grant_resources(p_workspace uuid, p_ids uuid[], p_places bigint[], p_now timestamptz) RETURNS uuid[]
LANGUAGE plpgsql
SET plan_cache_mode = force_generic_plan SET enable_seqscan = off SET enable_bitmapscan = off SET enable_hashjoin = off SET enable_mergejoin = off AS $$
DECLARE
  c_none CONSTANT uuid := '00000000-0000-0000-0000-000000000000';
  v_owners uuid[];
  v_uses text[];
  v_granted uuid[] := '{}';
  v_task record;
BEGIN
  IF NOT EXISTS (SELECT FROM ready_tasks r WHERE r.task_id = ANY (p_ids) AND r.resources IS NOT NULL) THEN RETURN NULL; END IF;
  PERFORM lock_resources(p_workspace);
  SELECT u.owners, u.uses INTO v_owners, v_uses FROM resources_in_use(p_workspace, p_now) u;
  FOR v_task IN
    -- Held until they are taken: what was changed after it was judged would be taken unjudged.
    SELECT r.task_id AS id, r.resources FROM unnest(p_ids, p_places) AS p(id, place) JOIN ready_tasks r ON r.task_id = p.id
    WHERE r.resources IS NOT NULL ORDER BY p.place FOR UPDATE OF r
  LOOP
    IF resources_free(v_task.id, v_task.resources, v_owners, v_uses) THEN
      v_granted := v_granted || v_task.id;
      -- In front: what is held binds also those who waited before.
      v_owners := array_fill(c_none, ARRAY[cardinality(v_task.resources)]) || v_owners;
      v_uses := v_task.resources || v_uses;
    END IF;
  END LOOP;
  RETURN v_granted;
END $$;

-- The resources of a task come with its lease, and go with it.
CREATE FUNCTION enter_resources() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  INSERT INTO resource_holds (attempt_id, use, task_id, workspace_id, since)
  SELECT NEW.attempt_id, u.use, NEW.task_id, NEW.workspace_id, NEW.claimed_at
  FROM tasks t CROSS JOIN LATERAL unnest(t.resources) u(use) WHERE t.id = NEW.task_id;
  DELETE FROM resource_waits WHERE task_id = NEW.task_id;
  RETURN NULL;
END $$;
CREATE TRIGGER leases_enter_resources AFTER INSERT ON leases FOR EACH ROW WHEN (NEW.holds) EXECUTE FUNCTION enter_resources();

CREATE FUNCTION leave_resources() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  DELETE FROM resource_holds WHERE attempt_id = OLD.attempt_id;
  DELETE FROM resource_waits WHERE task_id = OLD.task_id AND attempt_id IS NOT NULL;
  RETURN NULL;
END $$;
CREATE TRIGGER leases_leave_resources AFTER DELETE ON leases FOR EACH ROW WHEN (OLD.holds) EXECUTE FUNCTION leave_resources();

-- As before, and leaves out what asks for resources that are in use. Who has no such task goes the same way as before.
CREATE OR REPLACE FUNCTION ready_heads(
  p_orchestrator uuid, p_limit int, p_now timestamptz,
  p_require_tags text[], p_exclude_tags text[], p_priorities task_priority[], p_exclude_ids uuid[], p_run uuid, p_runs uuid[],
  p_mark queue_marks
) RETURNS TABLE (task_id uuid, priority task_priority, due_at timestamptz, created_at timestamptz, weight float8, boost float8, score float8)
LANGUAGE plpgsql STABLE ROWS 4
-- Planned once, before anybody knows how many rows there will be: leave no way but the probes. (Joined to what it gives,
-- ROWS 4 does the same; with the default of a thousand, a claim read the whole table.)
SET plan_cache_mode = force_generic_plan SET enable_seqscan = off SET enable_bitmapscan = off SET enable_hashjoin = off SET enable_mergejoin = off SET enable_material = off
SET enable_sort = off SET jit = off
AS $$
#variable_conflict use_column
DECLARE
  c_none CONSTANT uuid := '00000000-0000-0000-0000-000000000000';
  v_weights float8[];
  v_boosts float8[];
  v_day_end timestamptz;
  v_tag text;
  -- From this transaction on rows are not the mark's.
  v_since bigint := coalesce(p_mark.xid, 9223372036854775807);
  v_runs uuid[] := coalesce(p_runs, queued_runs(p_orchestrator, p_now, p_run, p_mark));
  v_locking boolean;
  -- What is in use in this workspace; null: nothing, or no task here asks for any.
  v_owners uuid[];
  v_taken text[];
BEGIN
  -- One weight for each priority that is asked for, in the same order.
  SELECT ARRAY(SELECT w.priority_weights[array_position(enum_range(NULL::task_priority), p)] FROM unnest(p_priorities) WITH ORDINALITY AS u(p, n) ORDER BY u.n),
         w.deadline_boosts, end_of_local_day(p_now, o.time_zone),
         -- By an order that only the index of these few rows gives.
         (SELECT f.task_id FROM ready_tasks f WHERE f.orchestrator_id = o.id AND f.resources IS NOT NULL
           ORDER BY f.orchestrator_id, f.workspace_id, f.task_id LIMIT 1) IS NOT NULL
    INTO v_weights, v_boosts, v_day_end, v_locking
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

  -- Mostly nobody asks for anything but the order, and what follows would cost a lone claim several times as much to begin
  -- as to run: the same, less what is not there.
  IF v_tag IS NULL AND p_exclude_tags IS NULL AND p_exclude_ids IS NULL AND p_mark.xid IS NULL AND NOT v_locking
     AND NOT EXISTS (SELECT FROM delayed_tasks d WHERE d.orchestrator_id = p_orchestrator AND d.available_at <= p_now) THEN
    RETURN QUERY
    SELECT b.task_id, b.priority, b.due_at, b.created_at, b.weight, b.boost, b.weight * b.boost
    FROM unnest(v_runs) AS q(run_id)
    CROSS JOIN LATERAL (
      SELECT k.task_id, p.priority, k.due_at, k.created_at, p.weight, k.boost
      FROM unnest(p_priorities, v_weights) AS p(priority, weight)
      CROSS JOIN LATERAL (
        SELECT r.task_id, r.due_at, r.created_at, deadline_boost(r.due_at, p_now, v_day_end, v_boosts) AS boost
        FROM ready_tasks r
        WHERE r.orchestrator_id = p_orchestrator AND r.run_id = q.run_id AND r.priority = p.priority
        ORDER BY r.due_at, r.created_at, r.task_id
        LIMIT p_limit
      ) k
      ORDER BY p.weight * k.boost DESC, k.due_at, k.created_at, k.task_id
      -- Of a run that hands nothing out nothing is probed.
      LIMIT CASE WHEN q.run_id = c_none THEN p_limit
                 ELSE least(p_limit, coalesce((SELECT greatest(run_room(r), 0) FROM runs r WHERE r.id = q.run_id AND r.status = 'RUNNING'), 0)) END
    ) b
    ORDER BY b.weight * b.boost DESC, b.due_at, b.created_at, b.task_id
    LIMIT p_limit;
    RETURN;
  END IF;

  IF v_locking OR EXISTS (
    SELECT FROM delayed_tasks d WHERE d.orchestrator_id = p_orchestrator AND d.available_at <= p_now AND d.resources IS NOT NULL) THEN
    SELECT u.owners, u.uses INTO v_owners, v_taken
      FROM orchestrators o CROSS JOIN LATERAL resources_in_use(o.workspace_id, p_now) u WHERE o.id = p_orchestrator;
  END IF;

  RETURN QUERY
  WITH queues AS MATERIALIZED (
    -- What each queue may still hand out. A run that doesn't is not probed, whatever lies in it.
    SELECT q.id AS run_id, CASE WHEN q.id = c_none THEN p_limit ELSE least(p_limit, run_room(r)) END AS room
    FROM unnest(v_runs) q(id)
    LEFT JOIN runs r ON r.id = q.id
    WHERE q.id = c_none OR (r.status = 'RUNNING' AND run_room(r) > 0)
  ), since AS MATERIALIZED (
    -- By the transaction alone: with the queue's columns, the walk that the mark saves looks as cheap to the planner.
    SELECT r.task_id, r.run_id, r.priority, r.due_at, r.created_at FROM ready_tasks r
    WHERE r.orchestrator_id = p_orchestrator AND r.xid >= p_mark.xid
      AND (p_require_tags IS NULL OR r.tags @> p_require_tags)
      AND (p_exclude_tags IS NULL OR NOT r.tags && p_exclude_tags)
      AND (p_exclude_ids IS NULL OR NOT r.task_id = ANY (p_exclude_ids))
      AND (r.resources IS NULL OR v_taken IS NULL OR resources_free(r.task_id, r.resources, v_owners, v_taken))
  )
  SELECT b.task_id, b.priority, b.due_at, b.created_at, b.weight, b.boost, b.weight * b.boost AS score
  FROM queues q
  CROSS JOIN LATERAL (
    SELECT h.task_id, h.priority, h.due_at, h.created_at, h.weight, deadline_boost(h.due_at, p_now, v_day_end, v_boosts) AS boost
    FROM (
      SELECT k.task_id, s.priority, k.due_at, k.created_at, s.weight
      FROM (
        SELECT p.priority, p.weight, '-infinity'::timestamptz AS due_at, '-infinity'::timestamptz AS created_at, c_none AS task_id
        FROM unnest(p_priorities, v_weights) AS p(priority, weight)
        WHERE p_mark.xid IS NULL
        UNION ALL
        SELECT m.priority, v_weights[array_position(p_priorities, m.priority)], m.due_at, m.created_at, m.task_id
        FROM unnest(p_mark.runs, p_mark.priorities, p_mark.due_ats, p_mark.created_ats, p_mark.task_ids) m(run_id, priority, due_at, created_at, task_id)
        WHERE p_mark.xid IS NOT NULL AND m.run_id = q.run_id AND m.priority = ANY (p_priorities)
      ) s
      CROSS JOIN LATERAL (
        (SELECT r.task_id, r.due_at, r.created_at
         FROM ready_tasks r
         WHERE v_tag IS NULL
           AND r.orchestrator_id = p_orchestrator AND r.run_id = q.run_id AND r.priority = s.priority
           AND (r.due_at, r.created_at, r.task_id) >= (s.due_at, s.created_at, s.task_id) AND r.xid + 0 < v_since
           AND (p_exclude_tags IS NULL OR NOT r.tags && p_exclude_tags)
           AND (p_exclude_ids IS NULL OR NOT r.task_id = ANY (p_exclude_ids))
           AND (r.resources IS NULL OR v_taken IS NULL OR resources_free(r.task_id, r.resources, v_owners, v_taken))
         ORDER BY r.due_at, r.created_at, r.task_id
         LIMIT q.room)
        UNION ALL
        (SELECT k.task_id, k.due_at, k.created_at
         FROM ready_task_tags k
         -- Walled off: from the tag to its task, never from all tasks to their tags.
         CROSS JOIN LATERAL (SELECT r.task_id, r.priority, r.due_at, r.tags, r.xid, r.resources FROM ready_tasks r WHERE r.task_id = k.task_id OFFSET 0) r
         -- A tag that has drifted from its task can't be taken by it; it is the repair's.
         WHERE v_tag IS NOT NULL AND r.priority = k.priority AND r.due_at = k.due_at
           AND k.orchestrator_id = p_orchestrator AND k.tag = v_tag AND k.run_id = q.run_id AND k.priority = s.priority
           AND (k.due_at, k.created_at, k.task_id) >= (s.due_at, s.created_at, s.task_id) AND r.xid < v_since
           AND r.tags @> p_require_tags
           AND (p_exclude_tags IS NULL OR NOT r.tags && p_exclude_tags)
           AND (p_exclude_ids IS NULL OR NOT k.task_id = ANY (p_exclude_ids))
           AND (r.resources IS NULL OR v_taken IS NULL OR resources_free(r.task_id, r.resources, v_owners, v_taken))
         ORDER BY k.due_at, k.created_at, k.task_id
         LIMIT q.room)
      ) k
      UNION ALL
      SELECT n.task_id, n.priority, n.due_at, n.created_at, v_weights[array_position(p_priorities, n.priority)]
      FROM since n
      WHERE n.run_id = q.run_id AND n.priority = ANY (p_priorities)
      UNION ALL
      SELECT d.task_id, d.priority, d.due_at, d.created_at, v_weights[array_position(p_priorities, d.priority)]
      FROM delayed_tasks d
      WHERE d.orchestrator_id = p_orchestrator AND d.available_at <= p_now AND d.run_id = q.run_id AND d.priority = ANY (p_priorities)
        AND (p_require_tags IS NULL OR d.tags @> p_require_tags)
        AND (p_exclude_tags IS NULL OR NOT d.tags && p_exclude_tags)
        AND (p_exclude_ids IS NULL OR NOT d.task_id = ANY (p_exclude_ids))
        AND (d.resources IS NULL OR v_taken IS NULL OR resources_free(d.task_id, d.resources, v_owners, v_taken))
    ) h
    ORDER BY h.weight * deadline_boost(h.due_at, p_now, v_day_end, v_boosts) DESC, h.due_at, h.created_at, h.task_id
    LIMIT q.room
  ) b
  ORDER BY b.weight * b.boost DESC, b.due_at, b.created_at, b.task_id
  LIMIT p_limit;
END $$;

-- As before, and takes the resources that its tasks declare: all of a task's, or not the task.
-- With one more column, so the old one goes; a connection that has it planned is told so, and plans anew.
DROP FUNCTION claim_tasks(uuid, uuid, int, uuid[], text[], text[], int[], text[], uuid[], text[], text[], task_priority[], uuid[], uuid, timestamptz);
CREATE FUNCTION claim_tasks(
  p_workspace uuid, p_orchestrator uuid, p_lease_seconds int,
  p_daemons uuid[], p_agents text[], p_actors text[], p_max int[], p_request_ids text[], p_attempt_ids uuid[],
  p_require_tags text[], p_exclude_tags text[], p_priorities task_priority[], p_exclude_ids uuid[], p_run uuid, p_now timestamptz
) RETURNS TABLE (
  call int, reason text, replay boolean, attempt_id uuid, weight float8, boost float8,
  id uuid, workspace_id uuid, orchestrator_id uuid, channel_id uuid, parent_id uuid, run_id uuid, wave int, source text, source_id text,
  created_at timestamptz, updated_at timestamptz, due_at timestamptz, available_at timestamptz, claimed_at timestamptz, finished_at timestamptz,
  priority task_priority, status task_status, progress smallint, max_attempts int, timeout_seconds int, estimate_minutes int,
  attempt_count int, failure_count int, lost_count int, merge_failure_count int, tags text[], title text, progress_message text,
  blocked_reason text, blocked_question text, answer text, description text, acceptance_criteria text[], metadata jsonb, resources text[])
LANGUAGE plpgsql SET plan_cache_mode = force_generic_plan
SET enable_seqscan = off SET enable_bitmapscan = off SET enable_hashjoin = off SET enable_mergejoin = off SET enable_material = off AS $$
#variable_conflict use_column
DECLARE
  -- Vacuum comes before there are so many, if it can remove anything.
  c_dead CONSTANT int := 5000;
  c_entered CONSTANT int := 250;
  c_no_run CONSTANT uuid[] := '{00000000-0000-0000-0000-000000000000}';
  v_orchestrator orchestrators;
  v_mark queue_marks;
  v_now timestamptz;
  v_xid bigint;
  v_room int;
  v_slots int[];
  v_known text[];
  v_replayed int[] := '{}';
  v_taken int := 0;
  v_got int;
  v_strangers int[];
  v_why text;
  v_runs uuid[];
  v_ids uuid[];
  v_weights float8[];
  v_boosts float8[];
  v_priorities task_priority[];
  v_dues timestamptz[];
  v_places bigint[];
  v_head_ids uuid[];
  v_head_weights float8[];
  v_head_boosts float8[];
  v_head_places bigint[];
  v_granted uuid[];
BEGIN
  -- Claims of one orchestrator happen one after another; those of others don't wait.
  SELECT * INTO v_orchestrator FROM orchestrators o
   WHERE o.id = p_orchestrator AND (p_workspace IS NULL OR o.workspace_id = p_workspace) FOR NO KEY UPDATE;
  replay := false;
  IF NOT FOUND THEN
    reason := 'ORCHESTRATOR_NOT_FOUND';
    FOR i IN 1 .. cardinality(p_max) LOOP
      call := i;
      RETURN NEXT;
    END LOOP;
    RETURN;
  END IF;
  -- Calls of daemons that there are not get nothing, and are no reason for the others to get nothing.
  SELECT array_agg(c.n::int) INTO v_strangers
    FROM unnest(p_daemons) WITH ORDINALITY AS c(daemon_id, n)
    WHERE c.daemon_id IS NOT NULL
      AND NOT EXISTS (SELECT FROM daemons d WHERE d.id = c.daemon_id AND d.workspace_id = v_orchestrator.workspace_id);
  v_now := engine_now(p_now);

  SELECT array_agg(q.request_id) INTO v_known FROM unnest(p_request_ids) AS c(id) CROSS JOIN LATERAL (
    SELECT q.request_id FROM claim_requests q WHERE q.orchestrator_id = p_orchestrator AND q.request_id = c.id OFFSET 0) q;
  IF v_known IS NOT NULL THEN
    RETURN QUERY
    SELECT c.n::int, NULL::text, true, a.attempt_id, NULL::float8, NULL::float8,
           t.id, t.workspace_id, t.orchestrator_id, t.channel_id, t.parent_id, t.run_id, t.wave, t.source, t.source_id,
           t.created_at, t.updated_at, t.due_at, t.available_at, t.claimed_at, t.finished_at,
           t.priority, t.status, t.progress, t.max_attempts, t.timeout_seconds, t.estimate_minutes,
           t.attempt_count, t.failure_count, t.lost_count, t.merge_failure_count, t.tags, t.title, t.progress_message,
           t.blocked_reason, t.blocked_question, t.answer, t.description, t.acceptance_criteria, t.metadata, t.resources
    FROM unnest(p_request_ids) WITH ORDINALITY AS c(request_id, n)
    JOIN claim_requests q ON q.orchestrator_id = p_orchestrator AND q.request_id = c.request_id
    CROSS JOIN LATERAL unnest(q.attempt_ids) WITH ORDINALITY AS w(id, n)
    JOIN LATERAL (
      SELECT l.attempt_id, l.task_id FROM leases l WHERE l.attempt_id = w.id
      UNION ALL
      SELECT e.id, e.task_id FROM attempts e WHERE e.id = w.id
    ) a ON true
    JOIN tasks t ON t.id = a.task_id
    ORDER BY c.n, w.n;
    SELECT array_agg(DISTINCT c.n::int) INTO v_replayed
      FROM unnest(p_request_ids) WITH ORDINALITY AS c(request_id, n)
      JOIN claim_requests q ON q.orchestrator_id = p_orchestrator AND q.request_id = c.request_id
      CROSS JOIN LATERAL unnest(q.attempt_ids) AS w(id)
      WHERE EXISTS (SELECT FROM leases l WHERE l.attempt_id = w.id)
         OR EXISTS (SELECT FROM attempts e JOIN tasks t ON t.id = e.task_id WHERE e.id = w.id);
    v_replayed := coalesce(v_replayed, '{}');
  END IF;
  -- Which call each task goes to. Answered before with tasks that were deleted since: there is nothing to repeat, and
  -- nothing more is taken.
  v_slots := ARRAY(
    SELECT c.n::int FROM unnest(p_max, p_request_ids) WITH ORDINALITY AS c(max, request_id, n) CROSS JOIN LATERAL generate_series(1, c.max)
    WHERE (v_known IS NULL OR c.request_id IS NULL OR NOT c.request_id = ANY (v_known))
      AND (v_strangers IS NULL OR NOT c.n = ANY (v_strangers))
    ORDER BY c.n);

  IF v_orchestrator.status NOT IN ('ONLINE', 'BUSY') THEN
    v_why := 'ORCHESTRATOR_NOT_AVAILABLE';
  ELSE
    v_mark := usable_mark(p_orchestrator);
    v_room := v_orchestrator.max_concurrent_tasks - slots_in_use(p_orchestrator, v_mark);
    -- Only what is locked is chosen from: claims of other orchestrators share a run's slots.
    v_runs := queued_runs(p_orchestrator, v_now, p_run, v_mark);
    -- One that was resumed since is not locked, and could be paused again before this is over.
    IF v_runs <> c_no_run THEN
      v_runs := CASE WHEN c_no_run <@ v_runs THEN c_no_run ELSE '{}' END
             || ARRAY(SELECT r.id FROM runs r WHERE r.id = ANY (v_runs) AND r.status = 'RUNNING' ORDER BY r.id FOR NO KEY UPDATE);
    END IF;
    v_xid := pg_current_xact_id()::text::bigint;
    LOOP
      EXIT WHEN v_taken >= v_room OR v_taken >= cardinality(v_slots);
      -- Each time round: the heads count what is due, and only what stands in ready_tasks can be taken.
      IF EXISTS (SELECT FROM delayed_tasks d WHERE d.orchestrator_id = p_orchestrator AND d.available_at <= v_now) THEN
        PERFORM promote_due_tasks(p_orchestrator, v_now);
      END IF;
      SELECT array_agg(h.task_id ORDER BY h.task_id), array_agg(h.weight ORDER BY h.task_id), array_agg(h.boost ORDER BY h.task_id),
             array_agg(h.priority ORDER BY h.task_id), array_agg(h.due_at ORDER BY h.task_id), array_agg(h.place ORDER BY h.task_id)
        INTO v_ids, v_weights, v_boosts, v_priorities, v_dues, v_places
        FROM ready_heads(p_orchestrator, least(v_room, cardinality(v_slots)) - v_taken, v_now,
                         p_require_tags, p_exclude_tags, p_priorities, p_exclude_ids, p_run, v_runs, v_mark)
             WITH ORDINALITY h(task_id, priority, due_at, created_at, weight, boost, score, place);
      -- Nothing there is the only end; heads that can't be taken were cancelled or changed meanwhile, and behind them
      -- wait others.
      EXIT WHEN v_ids IS NULL;

      v_head_ids := v_ids;
      v_head_weights := v_weights;
      v_head_boosts := v_boosts;
      v_head_places := v_places;
      WITH taken AS (
        -- Somebody may have cancelled or changed it since: then it is not what was chosen, and the loop chooses anew.
        -- By the list of ids and not by a join with it: planned while the statistics know of one row, a join walks through the
        -- whole queue for each. The index goes along sorted ids, which is the order of locks; width_bucket finds an id in them
        -- by halving.
        DELETE FROM ready_tasks r
        WHERE r.task_id = ANY (v_ids) AND r.resources IS NULL
          AND r.priority = v_priorities[width_bucket(r.task_id, v_ids)] AND r.due_at = v_dues[width_bucket(r.task_id, v_ids)]
        RETURNING r.task_id, r.tags, r.run_id, r.priority, r.due_at, r.created_at, width_bucket(r.task_id, v_ids) AS n
      ), untagged AS (
        -- By where they stand, and each found by its whole key behind a wall: whatever the planner thinks is in the tags' index, it
        -- can't walk along it and ask of every tag whether it is one of these.
        DELETE FROM ready_task_tags k WHERE k.ctid = ANY (ARRAY(
          SELECT f.place FROM taken g CROSS JOIN LATERAL unnest(g.tags) AS u(tag) CROSS JOIN LATERAL (
            SELECT k.ctid AS place FROM ready_task_tags k
            WHERE k.orchestrator_id = p_orchestrator AND k.tag = u.tag AND k.run_id = g.run_id AND k.priority = g.priority
              AND k.due_at = g.due_at AND k.created_at = g.created_at AND k.task_id = g.task_id OFFSET 0) f))
      )
      SELECT array_agg(g.task_id ORDER BY g.n), array_agg(v_weights[g.n] ORDER BY g.n), array_agg(v_boosts[g.n] ORDER BY g.n),
             array_agg(v_places[g.n] ORDER BY g.n)
        INTO v_ids, v_weights, v_boosts, v_places FROM taken g;
      -- Those that ask for resources, or that were changed. The heads were free when they were looked at; whether they still are,
      -- and beside each other, is asked under the lock of the workspace's resources.
      IF coalesce(cardinality(v_ids), 0) < cardinality(v_head_ids) THEN
        v_granted := grant_resources(v_orchestrator.workspace_id, v_head_ids, v_head_places, v_now);
        IF v_granted IS NOT NULL THEN
          WITH taken AS (
            -- As above.
            DELETE FROM ready_tasks r
            WHERE r.task_id = ANY (v_granted)
              AND r.priority = v_priorities[width_bucket(r.task_id, v_head_ids)] AND r.due_at = v_dues[width_bucket(r.task_id, v_head_ids)]
            RETURNING r.task_id, r.tags, r.run_id, r.priority, r.due_at, r.created_at, width_bucket(r.task_id, v_head_ids) AS n
          ), untagged AS (
            DELETE FROM ready_task_tags k WHERE k.ctid = ANY (ARRAY(
              SELECT f.place FROM taken g CROSS JOIN LATERAL unnest(g.tags) AS u(tag) CROSS JOIN LATERAL (
                SELECT k.ctid AS place FROM ready_task_tags k
                WHERE k.orchestrator_id = p_orchestrator AND k.tag = u.tag AND k.run_id = g.run_id AND k.priority = g.priority
                  AND k.due_at = g.due_at AND k.created_at = g.created_at AND k.task_id = g.task_id OFFSET 0) f))
          )
          SELECT array_agg(v_head_ids[a.n] ORDER BY a.n), array_agg(v_head_weights[a.n] ORDER BY a.n), array_agg(v_head_boosts[a.n] ORDER BY a.n),
                 array_agg(v_head_places[a.n] ORDER BY a.n)
            INTO v_ids, v_weights, v_boosts, v_places
            FROM (SELECT g.n FROM taken g UNION ALL SELECT width_bucket(u.id, v_head_ids) FROM unnest(v_ids) u(id)) a;
        END IF;
      END IF;
      CONTINUE WHEN v_ids IS NULL;
      -- Where some could not be taken, the others close ranks.
      IF cardinality(v_ids) < cardinality(v_priorities) THEN
        v_places := ARRAY(SELECT r.place FROM (SELECT u.n, row_number() OVER (ORDER BY u.place) AS place FROM unnest(v_places) WITH ORDINALITY u(place, n)) r ORDER BY r.n);
      END IF;
      -- Not the time of the lock: what was freed since is claimed after it was freed, in the history too.
      v_now := engine_now(p_now);

      RETURN QUERY
      WITH started AS (
        UPDATE tasks t
           SET status = 'IN_PROGRESS', attempt_count = t.attempt_count + 1, claimed_at = v_now, updated_at = v_now,
               progress = 0, progress_message = NULL, available_at = NULL
         WHERE t.id = ANY (v_ids)
        RETURNING t.*, v_weights[width_bucket(t.id, v_ids)] AS weight, v_boosts[width_bucket(t.id, v_ids)] AS boost,
                  v_taken + v_places[width_bucket(t.id, v_ids)]::int AS place
      ), leased AS (
        INSERT INTO leases (task_id, attempt_id, workspace_id, orchestrator_id, daemon_id, run_id, claimed_at, expires_at, number, lease_seconds, agent, holds)
        SELECT s.id, p_attempt_ids[s.place], s.workspace_id, p_orchestrator, p_daemons[v_slots[s.place]], s.run_id, v_now,
               v_now + p_lease_seconds * interval '1 second', s.attempt_count, p_lease_seconds, p_agents[v_slots[s.place]],
               s.resources IS NOT NULL
        FROM started s
      ), told AS (
        INSERT INTO events (xid, workspace_id, task_id, attempt_id, orchestrator_id, daemon_id, run_id, at, type, actor, "from", "to", data)
        SELECT v_xid, s.workspace_id, s.id, p_attempt_ids[s.place], p_orchestrator, p_daemons[v_slots[s.place]], s.run_id, v_now, 'task.claimed', p_actors[v_slots[s.place]], 'TODO', 'IN_PROGRESS',
               jsonb_build_object('attempt', s.attempt_count, 'weight', s.weight, 'boost', s.boost, 'score', s.weight * s.boost)
        FROM (SELECT * FROM started ORDER BY started.place) s
      )
      SELECT v_slots[s.place], NULL::text, false, p_attempt_ids[s.place], s.weight, s.boost,
             s.id, s.workspace_id, s.orchestrator_id, s.channel_id, s.parent_id, s.run_id, s.wave, s.source, s.source_id,
             s.created_at, s.updated_at, s.due_at, s.available_at, s.claimed_at, s.finished_at,
             s.priority, s.status, s.progress, s.max_attempts, s.timeout_seconds, s.estimate_minutes,
             s.attempt_count, s.failure_count, s.lost_count, s.merge_failure_count, s.tags, s.title, s.progress_message,
             s.blocked_reason, s.blocked_question, s.answer, s.description, s.acceptance_criteria, s.metadata, s.resources
      FROM started s
      ORDER BY s.place;
      GET DIAGNOSTICS v_got = ROW_COUNT;
      v_taken := v_taken + v_got;
    END LOOP;
    -- About every 256 tasks, by chance so that no rhythm of claims can miss it; soon where much has entered since the mark, which
    -- each claim looks through; at once where a mark has become useless. (Soon, not at once: while somebody writes for long,
    -- a new mark has seen no more than the one before.)
    IF v_taken > (hashint8(v_xid) & 255) OR (v_mark.entered > c_entered AND hashint8(v_xid) & 15 = 0)
       OR (v_mark.writer IS NOT NULL AND v_mark.xid IS NULL) THEN
      IF pg_stat_get_dead_tuples('ready_tasks'::regclass) + pg_stat_get_dead_tuples('leases'::regclass) >= c_dead THEN
        PERFORM mark_queues(p_orchestrator, v_mark, v_now);
      ELSE
        DELETE FROM queue_marks m WHERE m.orchestrator_id = p_orchestrator;
      END IF;
    END IF;
    -- Of several calls the first may have taken the room of the others.
    v_why := CASE WHEN v_taken < v_room THEN 'NOTHING_ELIGIBLE' ELSE 'AT_CAPACITY' END;
  END IF;

  IF v_taken > 0 AND cardinality(array_remove(p_request_ids, NULL)) > 0 THEN
    INSERT INTO claim_requests (orchestrator_id, request_id, created_at, attempt_ids)
    SELECT p_orchestrator, p_request_ids[v_slots[i]], v_now, array_agg(p_attempt_ids[i] ORDER BY i)
    FROM generate_series(1, v_taken) i
    WHERE p_request_ids[v_slots[i]] IS NOT NULL
    GROUP BY v_slots[i];
  END IF;

  IF v_taken < cardinality(v_slots) OR v_known IS NOT NULL OR v_strangers IS NOT NULL THEN
    FOR i IN 1 .. cardinality(p_max) LOOP
      CONTINUE WHEN i = ANY (v_slots[1:v_taken]) OR i = ANY (v_replayed);
      call := i;
      reason := CASE WHEN i = ANY (v_strangers) THEN 'DAEMON_NOT_FOUND' ELSE v_why END;
      RETURN NEXT;
    END LOOP;
  END IF;
END $$;

-- As before, with what the tasks declare.
CREATE OR REPLACE FUNCTION enqueue_tasks(p_ids uuid[], p_now timestamptz) RETURNS void
LANGUAGE plpgsql SET plan_cache_mode = force_generic_plan SET enable_seqscan = off SET enable_bitmapscan = off
SET enable_hashjoin = off SET enable_mergejoin = off
-- Three inserts read the rows; they shall not go to disk for it.
SET work_mem = '64MB' AS $$
BEGIN
  WITH t AS MATERIALIZED (
    SELECT t.id, t.workspace_id, t.orchestrator_id, coalesce(t.run_id, '00000000-0000-0000-0000-000000000000') AS run_id,
           coalesce(t.due_at, 'infinity') AS due_at, t.created_at, held_until(t.available_at, t.wave, r) AS available_at, t.priority, t.tags, t.resources
    FROM tasks t LEFT JOIN runs r ON r.id = t.run_id WHERE t.id = ANY (p_ids) AND t.status = 'TODO'
  ), later AS (
    INSERT INTO delayed_tasks (task_id, workspace_id, orchestrator_id, run_id, available_at, due_at, created_at, priority, tags, resources)
    SELECT id, workspace_id, orchestrator_id, run_id, available_at, due_at, created_at, priority, tags, resources FROM t WHERE available_at > p_now
  ), ready AS (
    INSERT INTO ready_tasks (task_id, workspace_id, orchestrator_id, run_id, due_at, created_at, priority, tags, resources)
    SELECT id, workspace_id, orchestrator_id, run_id, due_at, created_at, priority, tags, resources FROM t
    WHERE available_at IS NULL OR available_at <= p_now
  )
  INSERT INTO ready_task_tags (orchestrator_id, tag, run_id, priority, due_at, created_at, task_id)
  SELECT t.orchestrator_id, g.tag, t.run_id, t.priority, t.due_at, t.created_at, t.id
  FROM t CROSS JOIN LATERAL (SELECT DISTINCT unnest(t.tags) AS tag) g
  WHERE t.tags <> '{}' AND t.orchestrator_id IS NOT NULL AND (t.available_at IS NULL OR t.available_at <= p_now);
END $$;

-- As before, with what the tasks declare.
CREATE OR REPLACE FUNCTION unblock_tasks(p_ids uuid[], p_reason text, p_actor text, p_now timestamptz) RETURNS void
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
    RETURNING t.id, t.workspace_id, t.orchestrator_id, t.run_id, t.due_at, t.created_at, t.available_at, t.priority, t.tags, t.resources
  ), told AS (
    INSERT INTO events (xid, workspace_id, task_id, orchestrator_id, run_id, at, type, actor, "from", "to", data)
    SELECT v_xid, m.workspace_id, m.id, m.orchestrator_id, m.run_id, p_now, 'task.unblocked', p_actor, 'BLOCKED', 'TODO', v_data FROM moved m
  ), ready AS (
    INSERT INTO ready_tasks (task_id, workspace_id, orchestrator_id, run_id, due_at, created_at, priority, tags, resources)
    SELECT m.id, m.workspace_id, m.orchestrator_id, c_none, coalesce(m.due_at, 'infinity'), m.created_at, m.priority, m.tags, m.resources
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
