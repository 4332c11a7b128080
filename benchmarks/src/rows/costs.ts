import pg from 'pg';
import { createNoOps } from '../bulk/createNoOps.js';
import { openEngine } from '../fills/openEngine.js';
import type { Benchmark } from '../harness/benchmark.js';
import { median } from '../harness/statistics.js';

const BATCHES = [1, 10, 100, 250];
const TASKS_A_ROUND = 5_000;

/** The row operations that a claim and an ending consist of, as plain statements on the same tables. */
const STEPS = [
  ['take out of ready_tasks', 'DELETE FROM ready_tasks WHERE task_id = ANY (ids)'],
  [
    'task row: started',
    `UPDATE tasks SET status = 'IN_PROGRESS', attempt_count = attempt_count + 1, claimed_at = now(), updated_at = now() WHERE id = ANY (ids)`,
  ],
  [
    'insert into leases',
    `INSERT INTO leases (task_id, attempt_id, workspace_id, orchestrator_id, claimed_at, expires_at, number, lease_seconds)
     SELECT u.id, u.attempt, w, o, now(), now() + interval '30 s', 1, 30 FROM unnest(ids, attempts) u(id, attempt)`,
  ],
  [
    'insert into events: claimed',
    `INSERT INTO events (workspace_id, task_id, attempt_id, orchestrator_id, at, type, actor, "from", "to", data)
     SELECT w, u.id, u.attempt, o, now(), 'task.claimed', 'bench', 'TODO', 'IN_PROGRESS', '{"attempt": 1, "boost": 1, "score": 1000, "weight": 1000}'
     FROM unnest(ids, attempts) u(id, attempt)`,
  ],
  ['delete from leases', 'DELETE FROM leases WHERE task_id = ANY (ids)'],
  [
    'task row: done',
    `UPDATE tasks SET status = 'DONE', progress = 100, finished_at = now(), updated_at = now() WHERE id = ANY (ids)`,
  ],
  [
    'insert into attempts',
    `INSERT INTO attempts (id, task_id, workspace_id, orchestrator_id, claimed_at, ended_at, number, status)
     SELECT u.attempt, u.id, w, o, now(), now(), 1, 'SUCCEEDED' FROM unnest(ids, attempts) u(id, attempt)`,
  ],
  [
    'insert into task_outcomes',
    `INSERT INTO task_outcomes (task_id, workspace_id, orchestrator_id, attempt_id, finished_at, claimed_at, attempts, status, priority)
     SELECT u.id, w, o, u.attempt, now(), now(), 1, 'DONE', 'HIGH' FROM unnest(ids, attempts) u(id, attempt)`,
  ],
  [
    'insert into events: completed',
    `INSERT INTO events (workspace_id, task_id, attempt_id, orchestrator_id, at, type, actor, "from", "to", data)
     SELECT w, u.id, u.attempt, o, now(), 'task.completed', 'bench', 'IN_PROGRESS', 'DONE', '{"attempt": 1, "ended": "SUCCEEDED", "seconds": 1.5}'
     FROM unnest(ids, attempts) u(id, attempt)`,
  ],
] as const;

export const costs: Benchmark = {
  name: 'costs',
  title: 'What a task costs inside PostgreSQL',
  about: `\`claim_tasks\` and \`settle_attempts\`, called inside the server with so many tasks at once, each call committed by itself: no
driver, no network, no other connection. The commit is not in the figures. Beside them the floor: the same rows written by plain
statements of the same tables, with their indexes, checks and triggers. What a function costs above the floor is choosing (four
probes, scores), checking (limits, fences), carrying along, and the start of its statements; that is paid once a call, so
that it shows with few tasks a call.`,
  async run({ rounds, startPostgres, say }) {
    const server = await startPostgres();
    const url = await server.createDatabase('costs');
    const { engine, close } = await openEngine(url, { statementTimeoutMs: 120_000 });
    const client = new pg.Client(url);
    try {
      await client.connect();
      const { id } = await engine.createOrchestrator({
        name: 'Benchmark',
        role: 'Runner',
        discipline: 'Nothing',
        maxConcurrentTasks: 1_000,
      });
      await client.query(PROCEDURES);
      const told: Record<string, number>[] = [];
      client.on('notice', ({ message }) => told.push(JSON.parse(message ?? '{}')));
      const call = async (procedure: string, batch: number): Promise<Record<string, number>> => {
        await createNoOps(engine, id, TASKS_A_ROUND);
        await client.query('VACUUM (ANALYZE)');
        told.length = 0;
        await client.query(`CALL ${procedure}(${Math.floor(TASKS_A_ROUND / batch)}, ${batch})`);
        return told[0] ?? {};
      };
      const functions: { claim: number[][]; settle: number[][] } = { claim: [], settle: [] };
      const floor = STEPS.map((): number[] => []);
      for (const batch of BATCHES) {
        say(`${batch} a call`);
        await call('bench_functions', batch);
        const samples: Record<string, number>[] = [];
        for (let round = 0; round < rounds; round += 1) {
          samples.push(await call('bench_functions', batch));
          if (batch === 100) {
            const steps = await call('bench_steps', batch);
            for (const [index, [name]] of STEPS.entries()) floor[index]?.push(steps[name] ?? Number.NaN);
          }
        }
        functions.claim.push(samples.map(({ claim }) => claim ?? Number.NaN));
        functions.settle.push(samples.map(({ settle }) => settle ?? Number.NaN));
      }
      const atHundred = BATCHES.indexOf(100);
      const sum = floor.map(median).reduce((total, each) => total + each, 0);
      const ours = median(functions.claim[atHundred] ?? []) + median(functions.settle[atHundred] ?? []);
      return {
        tables: [
          {
            title: 'The functions',
            unit: 'µs a task',
            along: 'tasks a call',
            points: BATCHES,
            rows: [
              { name: 'claim_tasks', samples: functions.claim },
              { name: 'settle_attempts', samples: functions.settle },
            ],
            logarithmic: true,
          },
          {
            title: 'The floor: plain statements, 100 rows at once',
            unit: 'µs a row',
            along: 'statement',
            points: ['µs'],
            rows: STEPS.map(([name], index) => ({ name, samples: [floor[index] ?? []] })),
            plot: 'none',
          },
        ],
        verdicts: [
          { what: 'claim and settle, 100 at once ÷ the floor', value: ours / sum, aim: null },
          { what: 'the floor, all statements', value: sum, unit: 'µs a task', aim: null },
        ],
      };
    } finally {
      await client.end();
      await close();
    }
  },
};

const TIMED = (name: string, statement: string): string =>
  `begun := clock_timestamp(); ${statement}; took := jsonb_set(took, ARRAY['${name}'],
     to_jsonb(coalesce((took ->> '${name}')::float8, 0) + date_part('epoch', clock_timestamp() - begun)));`;

const DECLARE = `DECLARE
  begun timestamptz; took jsonb := '{}'; ids uuid[]; attempts uuid[]; w uuid; o uuid;
BEGIN
  SELECT workspace_id, id INTO w, o FROM orchestrators;`;

/** Microseconds a task, by name, as the procedure's one notice. */
const TELL = `RAISE NOTICE '%', (SELECT jsonb_object_agg(key, value::float8 * 1e6 / (calls * batch)) FROM jsonb_each(took));`;

const PROCEDURES = `
CREATE PROCEDURE bench_functions(calls int, batch int) LANGUAGE plpgsql AS $$
${DECLARE}
  FOR i IN 1 .. calls LOOP
    attempts := ARRAY(SELECT gen_random_uuid() FROM generate_series(1, batch));
    ${TIMED(
      'claim',
      `PERFORM count(*) FROM claim_tasks(NULL, o, 30, array_fill(NULL::uuid, ARRAY[batch]), array_fill(NULL::text, ARRAY[batch]),
         array_fill('bench'::text, ARRAY[batch]), array_fill(1, ARRAY[batch]), array_fill(NULL::text, ARRAY[batch]), attempts,
         NULL, NULL, enum_range(NULL::task_priority), NULL, NULL, NULL)`,
    )}
    COMMIT;
    SELECT array_agg(task_id), array_agg(attempt_id) INTO ids, attempts FROM leases;
    ${TIMED(
      'settle',
      `PERFORM count(*) FROM settle_attempts(ids, attempts, array_fill('completed'::text, ARRAY[batch]), array_fill(NULL::jsonb, ARRAY[batch]),
         NULL, 'bench', 3, NULL)`,
    )}
    COMMIT;
  END LOOP;
  ${TELL}
END $$;
CREATE PROCEDURE bench_steps(calls int, batch int) LANGUAGE plpgsql AS $$
${DECLARE}
  FOR i IN 1 .. calls LOOP
    ids := ARRAY(SELECT task_id FROM ready_tasks ORDER BY orchestrator_id, run_id, priority, due_at, created_at, task_id LIMIT batch);
    attempts := ARRAY(SELECT gen_random_uuid() FROM generate_series(1, batch));
    ${STEPS.slice(0, 4)
      .map(([name, statement]) => TIMED(name, statement))
      .join('\n    ')}
    COMMIT;
    ${STEPS.slice(4)
      .map(([name, statement]) => TIMED(name, statement))
      .join('\n    ')}
    COMMIT;
  END LOOP;
  ${TELL}
END $$;`;
