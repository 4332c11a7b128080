import { formatId } from '@neolith/contracts';
import type { RepairReport, SelectionExplanation, TaskDetail } from '../../src/index.js';
import type { Daemon } from './daemons.js';
import { type Facts, isFinal, type TaskFact } from './facts.js';
import { sweep } from './keepers.js';
import { obstacleTo, runOf, unmetOf, waveIsOpen } from './naive.js';
import type { World } from './world.js';

/** Rounds of work until nothing is left; more mean that something goes round for ever. */
const ROUNDS_MAX = 250;
const DECISIONS_MAX = 8;

/**
 * Faults have stopped, and daemons that are well go on: everything must come to an end, or say why it waits. Then people
 * decide whatever waits for them, and what is left may only be what can't be done any more.
 */
export async function comeToRest(world: World, daemons: readonly Daemon[]): Promise<void> {
  for (const daemon of daemons) daemon.forgetUnanswered();
  await endOrphans(world, daemons);
  await workUntilQuiet(world, daemons);
  await everythingSaysWhy(world);
  for (let round = 0; await decideAll(world); round += 1) {
    if (round > DECISIONS_MAX) throw world.breach(['whatever people decide, something waits for them again']);
    await workUntilQuiet(world, daemons);
  }
  const { facts } = world;
  const left = facts.tasks.filter((task) => !isFinal(task.status) && !isBeyondReach(facts, task.id));
  const open = facts.runs.filter(({ status }) => !['SUCCEEDED', 'FAILED', 'CANCELLED'].includes(status));
  const breaches = [
    ...left.map((task) => `at the end ${task.id} is ${task.status}, which nothing explains`),
    // A run without tasks has no end.
    ...open
      .filter(({ id }) => facts.tasks.some((task) => task.run === id))
      .map(({ id, status }) => `at the end ${id} is ${status}`),
  ];
  if (breaches.length > 0) throw world.breach(breaches);
  await findNothingToRepair(world);
}

/** What was begun in a process that died, and never runs out: only a person can know, and end it without its attempt. */
async function endOrphans(world: World, daemons: readonly Daemon[]): Promise<void> {
  const known = new Set(
    daemons.filter(({ dead }) => !dead).flatMap(({ work }) => work.map(({ attempt }) => attempt)),
  );
  for (const lease of world.facts.leases.filter(
    ({ expires, attempt }) => expires === null && !known.has(attempt),
  )) {
    const id = formatId('task', lease.task);
    const granted = world.facts.merges.some(({ task, granted: at }) => task === lease.task && at !== null);
    await world.perform({
      ...{ who: 'person', kind: 'end without an attempt', what: `ends what nobody does of ${id}` },
      call: (engine) =>
        granted
          ? engine.failMerge(id, { error: 'Its process is gone' })
          : engine.completeTask(id, {
              status: 'failed',
              error: 'Its process is gone',
              failureClass: 'infrastructure',
            }),
      judge: (_, outcome) => (outcome.ok ? [] : [`${id} can't be ended: ${outcome.error.message}`]),
    });
  }
}

/** Nothing differs from what the edges say. */
export async function findNothingToRepair(world: World): Promise<void> {
  await world.perform({
    who: 'reconciler',
    kind: 'recalculate',
    what: 'looks for what to repair',
    call: (engine) => engine.recalculateAllStatuses(),
    judge: (_, outcome) => {
      const { repaired, runs, faults } = outcome.answer as RepairReport;
      return repaired.length + runs.length + faults.length === 0
        ? []
        : [`it had to repair ${JSON.stringify({ repaired, runs, faults })}`];
    },
  });
}

async function workUntilQuiet(world: World, daemons: readonly Daemon[]): Promise<void> {
  const living = daemons.filter(({ dead }) => !dead);
  // Who stood still learns what it has lost, and who was asked to end what.
  for (const daemon of living) if (daemon.work.length > 0) await daemon.renew();
  for (let round = 0; ; round += 1) {
    if (round > ROUNDS_MAX)
      throw world.breach([`after ${round} rounds of healthy work something still goes on`]);
    if (await changes(world, () => workOnce(world, living))) world.pass(1_000);
    else if (!(await changes(world, () => sweep(world)))) {
      const next = nextMoment(world.facts, world.now);
      if (next === null) return;
      world.pass(next - world.now);
    }
  }
}

async function workOnce(world: World, living: readonly Daemon[]): Promise<void> {
  for (const daemon of living) await daemon.finish();
  const worker = living[living.length - 1];
  for (const { id } of world.facts.orchestrators)
    if (canClaim(world.facts, id)) await worker?.claim(10, {}, id);
}

async function changes(world: World, act: () => Promise<void>): Promise<boolean> {
  const before = JSON.stringify(world.facts);
  await act();
  return JSON.stringify(world.facts) !== before;
}

/** To ask for work where there plainly is none costs a story a third of its time. */
function canClaim(facts: Facts, orchestrator: string): boolean {
  return facts.tasks.some((task) => task.orchestrator === orchestrator && task.status === 'TODO');
}

/** When something that waits for its time alone may go on; null: nothing does. */
function nextMoment(facts: Facts, now: number): number | null {
  const moments = [
    ...facts.tasks.filter(({ status }) => status === 'TODO').map(({ available }) => available),
    ...facts.leases.map(({ expires }) => expires),
    ...facts.runs.filter(({ status }) => status === 'RUNNING').map(({ opens }) => opens),
    ...facts.breakers.map(({ until }) => until),
    ...facts.waits.map(({ binds }) => binds),
  ].filter((moment): moment is number => moment !== null && moment > now);
  return moments.length === 0 ? null : Math.min(...moments);
}

/** Of everything that isn't over the rows have a reason, and the engine says one. */
async function everythingSaysWhy(world: World): Promise<void> {
  const { facts, now } = world;
  const breaches = [
    ...facts.leases.map(({ attempt }) => `${attempt} is live while all is quiet`),
    ...facts.merges.map(({ task }) => `${task} waits for a merge while all is quiet`),
    ...facts.holds.map(({ attempt, use }) => `${attempt} holds ${use} while all is quiet`),
    ...facts.waits
      .filter(({ attempt }) => attempt !== null)
      .map(({ attempt }) => `${attempt} waits for resources while all is quiet`),
  ];
  for (const task of facts.tasks.filter(({ status }) => !isFinal(status))) {
    if (task.status === 'TODO' && !mayWait(facts, task, now))
      breaches.push(`${task.id} is TODO, could be done, and nobody does it`);
    const told = await reasonsOf(world, task);
    if (told.length === 0) breaches.push(`${task.id} is ${task.status}, and the engine doesn't say why`);
    world.story.tell(`   ${world.story.name('task', task.id)} is ${task.status}: ${told.join(', ')}`);
  }
  if (breaches.length > 0) throw world.breach(breaches);
}

/** TODO, and rightly nobody's now. */
function mayWait(facts: Facts, task: TaskFact, now: number): boolean {
  const orchestrator = facts.orchestrators.find(({ id }) => id === task.orchestrator);
  if (orchestrator === undefined || !['ONLINE', 'BUSY'].includes(orchestrator.status)) return true;
  const run = runOf(facts, task);
  if (run !== undefined && (run.status !== 'RUNNING' || !waveIsOpen(run, task.wave, now))) return true;
  return obstacleTo(facts, task, now) !== null;
}

async function reasonsOf({ engine, facts }: World, task: TaskFact): Promise<string[]> {
  const id = formatId('task', task.id);
  if (task.status === 'BLOCKED') {
    const detail: TaskDetail = await engine.getTask(id);
    return [...detail.blockReasons, ...detail.waitsFor.map((other) => `${other.id} ${other.status}`)];
  }
  const orchestrator = task.orchestrator ?? facts.orchestrators[0]?.id ?? '';
  const { asked }: SelectionExplanation = await engine.explainSelection(
    formatId('orchestrator', orchestrator),
    id,
  );
  return (asked?.whyNot ?? []).map(({ code }) => code);
}

/** Whether nothing but somebody's retry could still bring a task to its turn. */
function isBeyondReach(facts: Facts, taskId: string): boolean {
  const task = facts.tasks.find(({ id }) => id === taskId) as TaskFact;
  const run = runOf(facts, task);
  if (run !== undefined && ['SUCCEEDED', 'FAILED', 'CANCELLED'].includes(run.status)) return true;
  if (task.status === 'FAILED' || task.status === 'CANCELLED') return true;
  return task.status === 'BLOCKED' && unmetOf(facts, taskId).some((id) => isBeyondReach(facts, id));
}

/** Whatever waits for a person is decided, in favour of going on. False: nothing did. */
async function decideAll(world: World): Promise<boolean> {
  const { facts } = world;
  let decided = false;
  const decide = async (what: string, call: Parameters<World['perform']>[0]['call']) => {
    decided = true;
    await world.perform({ who: 'person', kind: 'decide at the end', what, call });
  };
  for (const { id, status } of facts.orchestrators)
    if (status !== 'ONLINE' && status !== 'BUSY')
      await decide(`sets ${formatId('orchestrator', id)} ONLINE`, (engine) =>
        engine.updateOrchestrator(formatId('orchestrator', id), { status: 'ONLINE' }),
      );
  for (const { agent, provider, forced } of facts.breakers)
    if (forced !== null)
      await decide(`releases the breaker of ${agent}`, (engine) =>
        engine.releaseBreaker({ agent, provider, reason: undefined }),
      );
  for (const task of facts.tasks) {
    const id = formatId('task', task.id);
    if (task.orchestrator === null && !isFinal(task.status))
      await decide(`assigns ${id}`, (engine) =>
        engine.updateTask(id, { orchestratorId: formatId('orchestrator', facts.orchestrators[0]?.id ?? '') }),
      );
    if (task.status === 'BLOCKED' && task.reported)
      await decide(`unblocks ${id}`, (engine) => engine.unblockTask(id));
  }
  for (const run of facts.runs) {
    const id = formatId('run', run.id);
    if (run.status === 'PENDING' && facts.tasks.some((task) => task.run === run.id))
      await decide(`starts ${id}`, (engine) => engine.startRun(id));
    if (run.status === 'PAUSED') await decide(`resumes ${id}`, (engine) => engine.resumeRun(id));
    if (run.status === 'QUARANTINED') await decide(`releases ${id}`, (engine) => engine.releaseRun(id));
  }
  return decided;
}
