import type { Pool } from 'pg';

/** Takes one protection out of a database, to see whether the simulation notices. Only ever in a clone of its own. */
export interface Mutant {
  /** What is missing then. */
  name: string;
  apply(pool: Pool): Promise<void>;
}

const trigger = (table: string, event: string, body: string) => async (pool: Pool) => {
  await pool.query(
    `CREATE FUNCTION mutant() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN ${body} RETURN NEW; END $$`,
  );
  await pool.query(
    `CREATE TRIGGER mutant BEFORE ${event} ON ${table} FOR EACH ROW EXECUTE FUNCTION mutant()`,
  );
};

/** Replaces a piece of functions of the database wherever it stands in them. */
const replace =
  (...changes: [fn: string, from: string, to: string][]) =>
  async (pool: Pool) => {
    for (const [fn, from, to] of changes) {
      const { rows } = await pool.query<{ text: string }>(
        'SELECT pg_get_functiondef(oid) AS text FROM pg_proc WHERE proname = $1',
        [fn],
      );
      // In every version of it that is there: those of earlier releases stay beside it, and nobody calls them.
      const texts = rows.map(({ text }) => text).filter((text) => text.includes(from));
      // A mutant that changes nothing would be found by nobody, and prove nothing.
      if (texts.length === 0)
        throw new Error(`${fn} has no "${from}"; tell the mutant what stands there now`);
      for (const text of texts) await pool.query(text.replaceAll(from, to));
    }
  };

const OWNED = 'l.attempt_id = i.attempt_id OR (i.attempt_id IS NULL AND l.expires_at IS NULL)';

export const MUTANTS: readonly Mutant[] = [
  { name: 'fencing of endings', apply: replace(['settle_attempts', OWNED, 'true']) },
  {
    name: 'the limit of an orchestrator',
    apply: replace([
      'claim_tasks',
      'v_orchestrator.max_concurrent_tasks - slots_in_use(p_orchestrator, v_mark)',
      'v_orchestrator.max_concurrent_tasks + 1 - slots_in_use(p_orchestrator, v_mark)',
    ]),
  },
  { name: 'the limit of a run', apply: replace(['run_room', '- r.in_progress', '+ 1 - r.in_progress']) },
  {
    name: 'the gate of waves',
    apply: replace(['held_until', `WHEN p_wave > (r).current_wave THEN 'infinity'`, 'WHEN false THEN NULL']),
  },
  { name: 'locks of resources', apply: replace(['resources_free', 'RETURN false', 'RETURN true']) },
  {
    name: 'the wait after a failure',
    apply: replace(['settle_attempts', `WHEN d.becomes = 'TODO' AND r.result = 'failed'`, 'WHEN false']),
  },
  {
    name: 'the order of merges',
    apply: replace(['request_merge', 'IF v_place > v_free THEN', 'IF false THEN']),
  },
  {
    name: 'the budget of a task',
    apply: replace(['settle_attempts', 'c.own >= t.max_attempts', 'c.own > t.max_attempts']),
  },
  {
    name: 'the budget of lost leases',
    apply: replace(['settle_attempts', 'c.lost >= p_other_budget', 'c.lost > p_other_budget + 3']),
  },
  {
    name: 'the boost of deadlines',
    apply: replace(['deadline_boost', 'p_boosts[1]', 'p_boosts[4]']),
  },
  {
    name: 'memory of requests',
    apply: replace(['claim_tasks', 'q.request_id = c.id OFFSET 0', 'false OFFSET 0']),
  },
  {
    name: 'the place of the probe',
    apply: trigger('breakers', 'UPDATE', 'NEW.probe_attempt_id := NULL;'),
  },
  {
    name: 'the event of an unblocked task',
    apply: trigger('events', 'INSERT', `IF NEW.type = 'task.unblocked' THEN RETURN NULL; END IF;`),
  },
  {
    name: 'release of locks',
    apply: async (pool) => {
      await pool.query('DROP TRIGGER leases_leave_resources ON leases');
    },
  },
  {
    name: 'freeing of dependents',
    apply: replace(['settle_attempts', 'v_freed := free_dependents(v_done, p_actor, v_now);', 'NULL;']),
  },
  {
    name: 'the time of delayed tasks',
    apply: replace(['enqueue_tasks', 'held_until(t.available_at, t.wave, r)', 'held_until(NULL, t.wave, r)']),
  },
];
