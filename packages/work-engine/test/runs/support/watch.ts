import type { Pool } from 'pg';
import { RUN_TRANSITIONS, STATUS_TRANSITIONS } from '../../../src/index.js';

/**
 * A second opinion inside the database: triggers that only tests have, told in the plainest SQL, look at every start,
 * grant and change of status in the very transaction that makes it, and write down what breaks the rules. They see what
 * no reader from outside can: the limits and edges as they were at that moment.
 */
const WATCH = `
CREATE SCHEMA watch;
CREATE TABLE watch.breaches (n bigserial PRIMARY KEY, workspace_id uuid, what text);
CREATE TABLE watch.moves (n bigserial PRIMARY KEY, workspace_id uuid, entity uuid, was text, becomes text);
CREATE TABLE watch.allowed (kind text, was text, becomes text);

CREATE FUNCTION watch.breach(p_workspace uuid, p_what text) RETURNS void LANGUAGE sql AS
  $$ INSERT INTO watch.breaches (workspace_id, what) VALUES (p_workspace, p_what) $$;

-- Whether a task can't be done any more without somebody's retry. Asks its prerequisites one by one.
CREATE FUNCTION watch.is_doomed(p_task uuid, p_for_run uuid) RETURNS boolean LANGUAGE plpgsql AS $$
DECLARE p record;
BEGIN
  FOR p IN SELECT t.id, t.status, t.run_id, r.status AS run_status FROM task_dependencies d JOIN tasks t ON t.id = d.prerequisite_id
           LEFT JOIN runs r ON r.id = t.run_id WHERE d.dependent_id = p_task AND NOT d.released AND t.status <> 'DONE' LOOP
    IF p.status IN ('FAILED', 'CANCELLED') THEN RETURN true; END IF;
    IF p.status NOT IN ('IN_PROGRESS', 'MERGING') AND p.run_id <> p_for_run AND p.run_status IN ('FAILED', 'CANCELLED') THEN RETURN true; END IF;
    IF watch.is_doomed(p.id, p_for_run) THEN RETURN true; END IF;
  END LOOP;
  RETURN false;
END $$;

CREATE FUNCTION watch.on_task() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  INSERT INTO watch.moves (workspace_id, entity, was, becomes) VALUES (NEW.workspace_id, NEW.id, OLD.status, NEW.status);
  IF NOT EXISTS (SELECT FROM watch.allowed a WHERE a.kind = 'task' AND a.was = OLD.status::text AND a.becomes = NEW.status::text) THEN
    PERFORM watch.breach(NEW.workspace_id, format('task %s went from %s to %s', NEW.id, OLD.status, NEW.status));
  END IF;
  IF OLD.status = 'MERGING' AND NEW.status = 'DONE' AND NOT EXISTS (
       SELECT FROM events e WHERE e.task_id = NEW.id AND e.type = 'task.merge_granted'
          AND e.attempt_id = (SELECT a.id FROM attempts a WHERE a.task_id = NEW.id ORDER BY a.number DESC LIMIT 1)) THEN
    PERFORM watch.breach(NEW.workspace_id, format('task %s was merged without the slot', NEW.id));
  END IF;
  RETURN NULL;
END $$;
CREATE TRIGGER watch_task AFTER UPDATE ON tasks FOR EACH ROW WHEN (OLD.status IS DISTINCT FROM NEW.status) EXECUTE FUNCTION watch.on_task();

CREATE FUNCTION watch.on_run() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
  v_live int; v_blocked int; v_failed int; v_done int; v_reachable int;
BEGIN
  SELECT count(*) FILTER (WHERE status IN ('TODO', 'IN_PROGRESS', 'MERGING')), count(*) FILTER (WHERE status = 'BLOCKED'),
         count(*) FILTER (WHERE status = 'FAILED'), count(*) FILTER (WHERE status = 'DONE')
    INTO v_live, v_blocked, v_failed, v_done FROM tasks WHERE run_id = NEW.id;
  -- Goes every way through the graph, so only where it matters.
  IF OLD.status <> 'FAILED' AND NEW.status = 'FAILED' AND v_blocked > 0 THEN
    SELECT count(*) INTO v_reachable FROM tasks WHERE run_id = NEW.id AND status = 'BLOCKED' AND NOT watch.is_doomed(id, NEW.id);
  END IF;
  IF OLD.status <> NEW.status THEN
    INSERT INTO watch.moves (workspace_id, entity, was, becomes) VALUES (NEW.workspace_id, NEW.id, OLD.status, NEW.status);
    IF NOT EXISTS (SELECT FROM watch.allowed a WHERE a.kind = 'run' AND a.was = OLD.status::text AND a.becomes = NEW.status::text) THEN
      PERFORM watch.breach(NEW.workspace_id, format('run %s went from %s to %s', NEW.id, OLD.status, NEW.status));
    END IF;
    IF NEW.status = 'SUCCEEDED' AND (v_live + v_blocked + v_failed > 0 OR v_done = 0) THEN
      PERFORM watch.breach(NEW.workspace_id, format('run %s SUCCEEDED with %s live, %s blocked, %s failed, %s done', NEW.id, v_live, v_blocked, v_failed, v_done));
    END IF;
    IF NEW.status = 'FAILED' AND NEW.reason LIKE '% task(s) failed' AND (v_live + v_blocked > 0 OR v_failed = 0)
       OR NEW.status = 'FAILED' AND NEW.reason LIKE '%wait for others%' AND (v_live > 0 OR v_reachable > 0)
       OR NEW.status = 'CANCELLED' AND NEW.reason = 'Every task was cancelled' AND v_live + v_blocked + v_failed + v_done > 0 THEN
      PERFORM watch.breach(NEW.workspace_id, format('run %s %s because "%s" with %s live, %s blocked (%s reachable), %s failed, %s done',
                           NEW.id, NEW.status, NEW.reason, v_live, v_blocked, v_reachable, v_failed, v_done));
    END IF;
    IF NEW.status = 'FAILED' AND NEW.reason IS NULL THEN PERFORM watch.breach(NEW.workspace_id, format('run %s FAILED without a reason', NEW.id)); END IF;
  END IF;
  IF NEW.current_wave > OLD.current_wave AND EXISTS (
       SELECT FROM tasks t WHERE t.run_id = NEW.id AND t.wave < NEW.current_wave AND t.status IN ('TODO', 'IN_PROGRESS', 'MERGING')) THEN
    PERFORM watch.breach(NEW.workspace_id, format('run %s opened wave %s while one before was live', NEW.id, NEW.current_wave));
  END IF;
  RETURN NULL;
END $$;
CREATE TRIGGER watch_run AFTER UPDATE ON runs FOR EACH ROW
  WHEN (OLD.status IS DISTINCT FROM NEW.status OR OLD.current_wave <> NEW.current_wave) EXECUTE FUNCTION watch.on_run();

CREATE FUNCTION watch.on_start() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
  o orchestrators; r runs; t tasks; v_amount int;
BEGIN
  SELECT * INTO o FROM orchestrators WHERE id = NEW.orchestrator_id;
  SELECT * INTO t FROM tasks WHERE id = NEW.task_id;
  SELECT count(*) INTO v_amount FROM leases WHERE orchestrator_id = o.id AND NOT merging;
  IF v_amount > o.max_concurrent_tasks THEN
    PERFORM watch.breach(NEW.workspace_id, format('orchestrator %s has %s of %s tasks', o.id, v_amount, o.max_concurrent_tasks));
  END IF;
  IF EXISTS (SELECT FROM task_dependencies d JOIN tasks p ON p.id = d.prerequisite_id
             WHERE d.dependent_id = t.id AND NOT d.released AND p.status <> 'DONE') THEN
    PERFORM watch.breach(NEW.workspace_id, format('task %s started before its prerequisites were done', t.id));
  END IF;
  IF t.run_id IS DISTINCT FROM NEW.run_id THEN PERFORM watch.breach(NEW.workspace_id, format('the lease of task %s names another run', t.id)); END IF;
  SELECT * INTO r FROM runs WHERE id = t.run_id;
  IF FOUND THEN
    IF r.status <> 'RUNNING' THEN PERFORM watch.breach(NEW.workspace_id, format('task %s started while its run %s was %s', t.id, r.id, r.status)); END IF;
    SELECT count(*) INTO v_amount FROM tasks WHERE run_id = r.id AND status = 'IN_PROGRESS';
    IF v_amount > r.max_concurrent_tasks OR (r.waves = 'strict' AND v_amount > r.max_agents_per_wave) THEN
      PERFORM watch.breach(NEW.workspace_id, format('run %s has %s of %s tasks (%s a wave)', r.id, v_amount, r.max_concurrent_tasks, r.max_agents_per_wave));
    END IF;
    IF r.waves = 'strict' AND (t.wave > r.current_wave OR (t.wave = r.current_wave AND r.wave_opens_at > NEW.claimed_at)) THEN
      PERFORM watch.breach(NEW.workspace_id, format('task %s of wave %s started; wave %s opens at %s', t.id, t.wave, r.current_wave, r.wave_opens_at));
    END IF;
  END IF;
  RETURN NULL;
END $$;
CREATE TRIGGER watch_start AFTER INSERT ON leases FOR EACH ROW EXECUTE FUNCTION watch.on_start();

CREATE FUNCTION watch.on_grant() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
  r runs; v_granted int; v_before int;
BEGIN
  SELECT * INTO r FROM runs WHERE id = NEW.run_id;
  SELECT count(*) INTO v_granted FROM merges WHERE run_id = r.id AND granted_at IS NOT NULL;
  IF v_granted > r.max_concurrent_merges THEN
    PERFORM watch.breach(r.workspace_id, format('run %s has %s of %s merges', r.id, v_granted, r.max_concurrent_merges));
  END IF;
  SELECT count(*) INTO v_before FROM merges m JOIN leases l ON l.task_id = m.task_id
   WHERE m.run_id = r.id AND m.granted_at IS NULL AND l.cancel_requested_at IS NULL AND (m.ready_at, m.task_id) < (NEW.ready_at, NEW.task_id);
  IF v_before + v_granted > r.max_concurrent_merges THEN
    PERFORM watch.breach(r.workspace_id, format('task %s merges before %s others that were ready earlier', NEW.task_id, v_before));
  END IF;
  RETURN NULL;
END $$;
CREATE TRIGGER watch_grant AFTER UPDATE ON merges FOR EACH ROW
  WHEN (OLD.granted_at IS NULL AND NEW.granted_at IS NOT NULL) EXECUTE FUNCTION watch.on_grant();
`;

/** Sets the watch over a test database. */
export async function watchDatabase(pool: Pool): Promise<void> {
  await pool.query(WATCH);
  for (const [kind, table] of [
    ['task', STATUS_TRANSITIONS],
    ['run', RUN_TRANSITIONS],
  ] as const) {
    for (const [was, ways] of Object.entries(table)) {
      for (const becomes of ways)
        await pool.query('INSERT INTO watch.allowed VALUES ($1, $2, $3)', [kind, was, becomes]);
    }
  }
}

/** What broke the rules in a workspace so far; empty where nothing did. */
export async function readBreaches(pool: Pool, workspaceUuid: string): Promise<string[]> {
  const { rows } = await pool.query<{ what: string }>(
    'SELECT what FROM watch.breaches WHERE workspace_id = $1 ORDER BY n LIMIT 20',
    [workspaceUuid],
  );
  return rows.map((row) => row.what);
}

/** Every change of status as the rows had it, an entity's in order: what the history has to tell. */
export async function readMoves(pool: Pool, workspaceUuid: string): Promise<Map<string, string[]>> {
  const { rows } = await pool.query<{ entity: string; was: string; becomes: string }>(
    'SELECT entity, was, becomes FROM watch.moves WHERE workspace_id = $1 ORDER BY n',
    [workspaceUuid],
  );
  const moves = new Map<string, string[]>();
  for (const row of rows)
    moves.set(row.entity, [...(moves.get(row.entity) ?? []), `${row.was} → ${row.becomes}`]);
  return moves;
}
