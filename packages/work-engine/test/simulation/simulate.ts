import { parseId } from '@neolith/contracts';
import type { Database } from '@neolith/database';
import { createWorkEngine } from '../../src/index.js';
import { settingsOf, tasksOf } from './backlog.js';
import { comeToRest, findNothingToRepair } from './calm.js';
import { Daemon } from './daemons.js';
import { sweep } from './keepers.js';
import { Network } from './network.js';
import { actAsPerson } from './people.js';
import { createRandom } from './random.js';
import { Story } from './story.js';
import type { Tally } from './tally.js';
import { Breach, World } from './world.js';

/** Every story begins here, late in the day, so that midnight comes. A day later request ids would be forgotten: it ends before. */
const BEGIN = Date.parse('2026-11-21T20:30:00.000Z');
const LONGEST_MS = 18 * 3_600_000;
const AGENTS = ['claude', 'codex', 'gemini'] as const;
const ZONES = ['UTC', 'Asia/Kolkata', 'America/New_York'] as const;
const TAIL_LINES = 40;
export const DEFAULT_STEPS = 50;

export interface StoryOptions {
  /** How many things happen while faults do. Default 50. */
  steps?: number;
}

export interface Told {
  seed: number;
  story: Story;
}

/** A story that broke a rule: what, where it was, and how to see it again. */
export class SimulationFailure extends Error {
  constructor(
    readonly seed: number,
    readonly step: number,
    story: Story,
    steps: number,
    cause: unknown,
  ) {
    super(
      [
        `Seed ${seed} broke a rule at step ${step}; the last ${TAIL_LINES} lines of its story:`,
        story.tail(TAIL_LINES),
        `Again: npm run simulate -- --seed ${seed}${steps === DEFAULT_STEPS ? '' : ` --steps ${steps}`}`,
        cause instanceof Breach && cause.cause === undefined
          ? ''
          : String(cause instanceof Error ? cause.stack : cause),
      ].join('\n'),
      { cause },
    );
  }
}

/**
 * Tells the story of one seed in a workspace of its own, against the real engine. The seed decides everything: who does what
 * and when, what is lost on the way, and what time it is. Throws a SimulationFailure at the first rule that is broken.
 */
export async function simulate(
  database: Database,
  seed: number,
  tally: Tally,
  options: StoryOptions = {},
): Promise<Told> {
  const random = createRandom(seed);
  const story = new Story();
  const clock = { now: BEGIN };
  const jitter = random.fork();
  const all = createWorkEngine({
    ...database,
    // Connections that are made already: on a machine that is busy a new one may come too late.
    vitalPool: database.pool,
    clock: () => new Date(clock.now),
    random: () => jitter.next(),
  });
  const steps = options.steps ?? DEFAULT_STEPS;
  let world: World | null = null;
  try {
    const { id } = await all.createWorkspace({ slug: `s-${seed}-${counter()}`, name: `Seed ${seed}` });
    world = await World.open({
      ...{ random, story, tally, clock, pool: database.pool },
      engine: all.as({ workspaceId: id }),
      workspace: parseId('workspace', id) as string,
    });
    tally.stories += 1;
    await furnish(world);
    await live(world, steps);
    return { seed, story };
  } catch (error) {
    throw new SimulationFailure(seed, world?.step ?? 0, story, steps, error);
  } finally {
    await all.close();
  }
}

let workspaces = 0;
function counter(): number {
  workspaces += 1;
  return workspaces;
}

/** Orchestrators, runs and tasks to begin with. */
async function furnish(world: World): Promise<void> {
  const { random } = world;
  const person = { who: 'person' };
  for (let n = 1 + random.int(4); n > 0; n -= 1) {
    const maxConcurrentTasks = 1 + random.int(3);
    const timeZone = random.pick(ZONES) ?? 'UTC';
    await world.perform({
      ...{
        ...person,
        kind: 'createOrchestrator',
        what: `makes an orchestrator ${maxConcurrentTasks} ${timeZone}`,
      },
      call: (engine) =>
        engine.createOrchestrator({
          ...{ name: `O${n}`, role: 'r', discipline: 'd', status: 'ONLINE', maxConcurrentTasks, timeZone },
        }),
    });
  }
  for (let n = random.int(4); n > 0; n -= 1) {
    const config = settingsOf(random);
    const tasks = tasksOf(world, 3 + random.int(5), null).map(({ runId: _, ...task }) => task);
    const start = random.chance(0.75);
    await world.perform({
      ...{ ...person, kind: 'createRun', what: `makes a run of ${tasks.length}: ${JSON.stringify(config)}` },
      call: async (engine) => {
        const run = await engine.createRun({ name: `Run ${n}`, config, tasks });
        if (start) await engine.startRun(run.id);
      },
    });
  }
  const tasks = tasksOf(world, 2 + random.int(6), null);
  await world.perform({
    ...{ ...person, kind: 'createTasks', what: `makes ${tasks.length} tasks` },
    call: (engine) => engine.createTasks(tasks),
  });
}

/** The fleet, and which of its agents are sick. */
class Fleet {
  readonly daemons: Daemon[] = [];
  readonly sick = new Set<string>();
  readonly answers = new Map<string, string>();
  readonly network: Network;

  constructor(readonly world: World) {
    this.network = new Network(world);
  }

  async add(): Promise<void> {
    const { random, facts } = this.world;
    const all = facts.orchestrators.map(({ id }) => id);
    const served = random.chance(0.6) ? all : all.filter(() => random.chance(0.6));
    const daemon = new Daemon(
      this.world,
      this.network,
      `d${this.daemons.length + 1}`,
      served.length > 0 ? served : all,
      random.pick(AGENTS) ?? 'claude',
      1 + random.int(4),
      this.answers,
    );
    this.daemons.push(daemon);
    await daemon.register();
  }

  living(): Daemon[] {
    return this.daemons.filter((daemon) => daemon.canAct);
  }
}

const HAPPENS = {
  daemon: 66,
  person: 13,
  sweep: 9,
  'sweep after a break': 0.6,
  reconcile: 1,
  deliver: 4,
  kill: 1.5,
  pause: 2,
  sicken: 1.6,
  recover: 1.2,
};

const SICKLY = { ...HAPPENS, sicken: 6, recover: 2 };

async function live(world: World, steps: number): Promise<void> {
  const { random } = world;
  const fleet = new Fleet(world);
  for (let n = 1 + random.int(3); n > 0; n -= 1) await fleet.add();
  if (world.isSickly) changeHealth(world, fleet, 'sicken');
  for (let n = 0; n < steps; n += 1) {
    await happen(world, fleet);
    letTimePass(world);
  }
  world.stormy = false;
  while (fleet.network.underWay.length > 0) await fleet.network.deliver();
  fleet.sick.clear();
  await fleet.add();
  await comeToRest(world, fleet.daemons);
}

async function happen(world: World, fleet: Fleet): Promise<void> {
  const { random, tally, story } = world;
  const what = random.weighted(world.isSickly ? SICKLY : HAPPENS);
  switch (what) {
    case 'daemon': {
      const daemon = random.pick(fleet.living());
      if (daemon === undefined) return fleet.add();
      return daemon.act(fleet.sick.has(daemon.agent));
    }
    case 'person':
      return actAsPerson(world, AGENTS);
    case 'sweep':
      return sweep(world);
    case 'sweep after a break':
      return sweep(world, { reachableSeconds: random.int(12) });
    case 'reconcile':
      return findNothingToRepair(world);
    case 'deliver':
      if (fleet.network.underWay.length > 0) await fleet.network.deliver();
      return;
    case 'kill': {
      const victim = random.pick(fleet.living());
      if (victim === undefined) return;
      victim.dead = true;
      tally.count(tally.faults, 'a daemon is killed');
      story.tell(`   ${victim.name} is killed`);
      return fleet.add();
    }
    case 'pause': {
      const victim = random.pick(fleet.living());
      if (victim === undefined) return;
      const seconds = 20 + random.int(200);
      victim.pausedUntil = world.now + seconds * 1_000;
      tally.count(tally.faults, 'a daemon stands still');
      story.tell(`   ${victim.name} stands still for ${seconds} s`);
      return;
    }
    case 'sicken':
    case 'recover':
      return changeHealth(world, fleet, what);
  }
}

function changeHealth({ random, tally, story }: World, fleet: Fleet, what: 'sicken' | 'recover'): void {
  const agent: string = random.pick(AGENTS) ?? 'claude';
  if (what === 'sicken') {
    fleet.sick.add(agent);
    tally.count(tally.faults, 'an agent fails at everything');
  } else fleet.sick.delete(agent);
  story.tell(`   ${agent} is ${fleet.sick.has(agent) ? 'sick' : 'well'}`);
}

const PASSES = {
  '0': 46,
  '1': 18,
  '4': 12,
  '12': 10,
  '40': 7,
  '200': 4,
  '1500': 1.2,
  '9000': 0.25,
};

function letTimePass(world: World): void {
  const seconds = Number(world.random.weighted(PASSES));
  if (world.now + seconds * 1_000 > BEGIN + LONGEST_MS) return;
  if (seconds >= 200) world.tally.count(world.tally.faults, 'the clock jumps');
  world.pass(seconds * 1_000);
}
