import { type Criteria, compareRank, scoreTask, type TaskPriority } from '@neolith/work-engine';
import { fillTasks, settleTables } from '../fills/fillTasks.js';
import { type BenchEngine, FILL_TIMEOUT_MS, openEngine } from '../fills/openEngine.js';
import type { Benchmark } from '../harness/benchmark.js';

const TASKS = 10_000;
const PICKS = { full: 1_500, quick: 200 };
/** Between two picks, so that deadlines come nearer and pass. */
const STEP_MS = 7 * 60_000;
const WINDOW = 50;
const PRIORITIES: readonly TaskPriority[] = ['CRITICAL', 'HIGH', 'MEDIUM', 'LOW'];
const TIME_ZONE = 'America/New_York';

export const exactness: Benchmark = {
  name: 'exactness',
  title: 'Selection beside brute force',
  quick: true,
  about: `A backlog of ${TASKS.toLocaleString('en-US')} open tasks with deadlines as people give them; three quarters are blocked by another task. Before each
pick the best task is looked for by scoring every eligible task in JavaScript, with \`scoreTask\` and \`compareRank\` of the library.
Then \`selectNextTask\` and \`claimNextTask\` are asked, the task is completed, what waited for it is eligible, and the clock goes on by
seven minutes. Every third pick has criteria: tags, excluded tags, a lowest or a highest priority. Beside it the usual short cut:
${WINDOW} candidates by priority and age, then scored. It *loses* a pick when its best task scores lower, or when it finds none and there is one.`,
  describeRounds: () => `One run of ${PICKS.full.toLocaleString('en-US')} picks`,
  async run({ quick, startPostgres, say }) {
    const server = await startPostgres();
    const clock = { now: new Date() };
    const at = await openEngine(await server.createDatabase('exactness'), {
      clock: () => clock.now,
      statementTimeoutMs: FILL_TIMEOUT_MS,
    });
    const picks = quick ? PICKS.quick : PICKS.full;
    try {
      const orchestrator = await at.engine.createOrchestrator({
        name: 'Exact',
        role: 'Runner',
        discipline: 'Nothing',
        timeZone: TIME_ZONE,
      });
      await fillTasks(at.pool, { orchestratorId: orchestrator.id, count: TASKS, kind: 'backlog' });
      await settleTables(at.pool);
      clock.now = new Date(Date.now() + 1_000);
      const backlog = await readBacklog(at);
      const seen = { same: 0, eligibleLost: 0, openLost: 0, none: 0 };
      for (let pick = 0; pick < picks; pick += 1) {
        if (pick % 500 === 0) say(`pick ${pick} of ${picks}`);
        const criteria = criteriaOf(pick);
        const open = backlog.filter((task) => !task.done && fits(task, criteria));
        const best = bestOf(open.filter(isFree), clock.now);
        const selected = await at.engine.selectNextTask(orchestrator.id, criteria);
        const { claims } = await at.engine.claimNextTask(orchestrator.id, { criteria });
        const claim = claims[0];
        if (best === null || claim === undefined) {
          if (selected === null && claim === undefined && best === null) seen.same += 1;
          seen.none += 1;
          continue;
        }
        if (selected?.id === best.id && claim.task.id === best.id) seen.same += 1;
        if (scoreOf(bestOf(candidates(open.filter(isFree)), clock.now)) < best.score) seen.eligibleLost += 1;
        if (scoreOf(bestOf(candidates(open).filter(isFree), clock.now)) < best.score) seen.openLost += 1;
        await at.engine.completeTask(claim.task.id, { status: 'completed', attemptId: claim.attempt.id });
        const done = backlog.find((task) => task.id === claim.task.id);
        if (done === undefined) throw new Error(`Nobody made ${claim.task.id}`);
        done.done = true;
        clock.now = new Date(clock.now.getTime() + STEP_MS);
      }
      if (seen.none > picks / 2)
        throw new Error(`${seen.none} of ${picks} picks found nothing: they prove nothing`);
      const percent = (part: number, whole = picks) => (100 * part) / whole;
      return {
        tables: [
          {
            title: `${picks.toLocaleString('en-US')} picks`,
            unit: '% of picks',
            along: 'way',
            points: ['lost the best task'],
            plot: 'none',
            rows: [
              { name: 'selectNextTask and claimNextTask', samples: [[percent(picks - seen.same)]] },
              {
                name: `${WINDOW} eligible by priority and age, then scored`,
                samples: [[percent(seen.eligibleLost, picks - seen.none)]],
              },
              {
                name: `${WINDOW} open by priority and age, dependencies looked up, then scored`,
                samples: [[percent(seen.openLost, picks - seen.none)]],
              },
            ],
          },
        ],
        verdicts: [
          {
            what: 'picks that are the same as by brute force',
            value: percent(seen.same),
            unit: '%',
            aim: { at: 'least', bound: 100 },
          },
        ],
      };
    } finally {
      await at.close();
    }
  },
};

interface Known {
  id: string;
  priority: TaskPriority;
  dueAt: Date | null;
  createdAt: Date;
  tags: readonly string[];
  prerequisites: readonly Known[];
  done: boolean;
}

/** All tasks as the database holds them, before the first pick. */
async function readBacklog({ pool }: BenchEngine): Promise<Known[]> {
  const { rows } = await pool.query<{
    id: string;
    priority: TaskPriority;
    due_at: Date | null;
    created_at: Date;
    tags: string[];
    prerequisites: string[];
  }>(
    `SELECT 'task_' || t.id AS id, t.priority, t.due_at, t.created_at, t.tags,
            ARRAY(SELECT 'task_' || d.prerequisite_id FROM task_dependencies d WHERE d.dependent_id = t.id) AS prerequisites
     FROM tasks t`,
  );
  const known = new Map(
    rows.map((row) => [
      row.id,
      {
        id: row.id,
        priority: row.priority,
        dueAt: row.due_at,
        createdAt: row.created_at,
        tags: row.tags,
        prerequisites: [] as Known[],
        done: false,
      },
    ]),
  );
  for (const row of rows)
    known.get(row.id)?.prerequisites.push(...row.prerequisites.map((id) => known.get(id) as Known));
  return [...known.values()];
}

const isFree = (task: Known): boolean => task.prerequisites.every(({ done }) => done);

function criteriaOf(pick: number): Criteria {
  if (pick % 3 !== 0) return {};
  const tag = `tag-${pick % 10}`;
  return (
    [
      { requireTags: [tag] },
      { excludeTags: [tag, `tag-${(pick + 1) % 10}`] },
      { minPriority: PRIORITIES[pick % 4] },
      { maxPriority: PRIORITIES[pick % 4] },
      { requireTags: [tag], excludeTags: ['rare'], minPriority: 'MEDIUM' },
    ] as const
  )[(pick / 3) % 5] as Criteria;
}

function fits(task: Known, criteria: Criteria): boolean {
  const rank = PRIORITIES.indexOf(task.priority);
  return (
    (criteria.requireTags ?? []).every((tag) => task.tags.includes(tag)) &&
    !(criteria.excludeTags ?? []).some((tag) => task.tags.includes(tag)) &&
    rank >= PRIORITIES.indexOf(criteria.maxPriority ?? 'CRITICAL') &&
    rank <= PRIORITIES.indexOf(criteria.minPriority ?? 'LOW')
  );
}

/** The short cut's window. */
function candidates(tasks: readonly Known[]): Known[] {
  return [...tasks]
    .sort(
      (a, b) =>
        PRIORITIES.indexOf(a.priority) - PRIORITIES.indexOf(b.priority) ||
        a.createdAt.getTime() - b.createdAt.getTime(),
    )
    .slice(0, WINDOW);
}

function bestOf(tasks: readonly Known[], now: Date): (Known & { score: number }) | null {
  let best: (Known & { score: number }) | null = null;
  for (const task of tasks) {
    const scored = { ...task, score: scoreTask(task, now, TIME_ZONE).score };
    if (best === null || compareRank(scored, best) < 0) best = scored;
  }
  return best;
}

function scoreOf(best: { score: number } | null): number {
  return best === null ? 0 : best.score;
}
