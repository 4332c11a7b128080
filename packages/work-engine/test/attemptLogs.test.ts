import { ATTEMPT_LOG_BYTES_MAX, type LogPage } from '@neolith/contracts';
import { afterEach, describe, expect, it } from 'vitest';
import { createFixture } from './support/engineFixture.js';
import { refusal, until } from './support/history.js';

const fixture = createFixture();
const KIB = 1024;

afterEach(() => {
  fixture.clock.now = null;
});

/** A task that is being done under a lease, and its attempt. */
async function begun(leaseSeconds: number | null = 30) {
  const orchestrator = await fixture.orchestrator();
  const task = await fixture.task(orchestrator, { maxAttempts: 5 });
  const { claims } = await fixture.engine.claimNextTask(orchestrator.id, { leaseSeconds });
  return { orchestrator, task, attemptId: claims[0]?.attempt.id as string };
}

/** The code of the error that a call is refused with. */
const codeOf = async (call: Promise<unknown>) => (await refusal(call)).code;

const out = (text: string) => [{ stream: 'stdout' as const, text }];

async function readAll(attemptId: string): Promise<LogPage['chunks']> {
  const chunks: LogPage['chunks'] = [];
  for (let after = 0; ; ) {
    const page = await fixture.engine.readAttemptLog(attemptId, { after });
    chunks.push(...page.chunks);
    after = page.next;
    if (!page.more) return chunks;
  }
}

const textOf = (chunks: LogPage['chunks']) =>
  chunks.flatMap(({ entries }) => entries.map(({ text }) => text)).join('\n');

const stored = async (attemptId: string) =>
  (
    await fixture.test.database.pool.query(
      'SELECT count(*)::int AS chunks, coalesce(sum(bytes), 0)::int AS bytes FROM attempt_log_chunks WHERE attempt_id = $1',
      [attemptId.slice('att_'.length)],
    )
  ).rows[0] as { chunks: number; bytes: number };

describe('what an agent prints', () => {
  it('is kept in order, with its streams, and read page by page', async () => {
    const { attemptId, task } = await begun();
    for (let sequence = 1; sequence <= 5; sequence += 1) {
      expect(
        await fixture.engine.appendAttemptLog(attemptId, {
          sequence,
          entries: [
            { stream: 'stdout', text: `out ${sequence}` },
            { stream: 'stderr', text: `err ${sequence}\nmore` },
          ],
        }),
      ).toEqual({ attemptId, stored: true, sequence });
    }
    const first = await fixture.engine.readAttemptLog(attemptId, { limit: 2 });
    expect(first).toMatchObject({
      attemptId,
      taskId: task.id,
      status: 'RUNNING',
      next: 2,
      more: true,
      complete: false,
      droppedBytes: 0,
    });
    expect(first.chunks[1]).toEqual({
      sequence: 2,
      at: expect.any(Date),
      droppedBytes: 0,
      entries: [
        { stream: 'stdout', text: 'out 2' },
        { stream: 'stderr', text: 'err 2\nmore' },
      ],
    });
    const rest = await fixture.engine.readAttemptLog(attemptId, { after: first.next });
    expect(rest.chunks.map(({ sequence }) => sequence)).toEqual([3, 4, 5]);
    expect(rest).toMatchObject({ next: 5, more: false });
    expect(await fixture.engine.readAttemptLog(attemptId, { after: 5 })).toMatchObject({
      chunks: [],
      next: 5,
      more: false,
    });
    // Exactly as many as there are: nothing more.
    expect(await fixture.engine.readAttemptLog(attemptId, { limit: 5 })).toMatchObject({ more: false });
  });

  it('is shown from its last lines on, across chunks and streams', async () => {
    const { attemptId } = await begun();
    const { engine } = fixture;
    await engine.appendAttemptLog(attemptId, { sequence: 1, entries: out('1\n2\n3') });
    await engine.appendAttemptLog(attemptId, {
      sequence: 2,
      entries: [...out('4\n5'), { stream: 'stderr', text: '6\n7' }],
    });
    await engine.appendAttemptLog(attemptId, { sequence: 3, entries: out('8') });
    const tail = async (lines: number) =>
      textOf((await engine.readAttemptLog(attemptId, { tail: lines })).chunks);
    expect(await tail(1)).toBe('8');
    expect(await tail(2)).toBe('7\n8');
    expect(await tail(4)).toBe('5\n6\n7\n8');
    expect(await tail(5)).toBe('4\n5\n6\n7\n8');
    expect(await tail(6)).toBe('3\n4\n5\n6\n7\n8');
    expect(await tail(1_000)).toBe('1\n2\n3\n4\n5\n6\n7\n8');
    // Only what comes from now on.
    expect(await engine.readAttemptLog(attemptId, { tail: 0 })).toMatchObject({
      chunks: [],
      next: 3,
      more: false,
    });
    expect(await codeOf(engine.readAttemptLog(attemptId, { tail: 1, after: 1 }))).toBe('INVALID_INPUT');
  });

  it('is not stored twice when a chunk is repeated, comes late, or comes twice at once', async () => {
    const { attemptId } = await begun();
    const send = (sequence: number, text: string) =>
      fixture.engine.appendAttemptLog(attemptId, { sequence, entries: out(text) });
    await send(1, 'one');
    await send(2, 'two');
    expect(await send(2, 'two again')).toEqual({ attemptId, stored: false, sequence: 2 });
    expect(await send(1, 'one again')).toEqual({ attemptId, stored: false, sequence: 2 });
    const [others] = [fixture.others(4)];
    const answers = await Promise.all(
      others.flatMap((engine) =>
        [3, 3].map((sequence) => engine.appendAttemptLog(attemptId, { sequence, entries: out('three') })),
      ),
    );
    expect(answers.filter((answer) => answer.stored)).toHaveLength(1);
    expect(textOf(await readAll(attemptId))).toBe('one\ntwo\nthree');
  });

  it('is cleaned of what a terminal would obey and the database could not hold', async () => {
    const { attemptId } = await begun();
    await fixture.engine.appendAttemptLog(attemptId, {
      sequence: 1,
      entries: out('a\0b\u001b[31mred\u001b[0m \u001b]0;title\u0007\ud800 <b>\ttab\u0085'),
    });
    expect(textOf(await readAll(attemptId))).toBe('abred \ufffd <b>\ttab');
  });

  it('says that nothing more comes when its daemon has said so, even if nothing was printed', async () => {
    const { attemptId } = await begun();
    expect(await fixture.engine.readAttemptLog(attemptId)).toMatchObject({
      chunks: [],
      complete: false,
      next: 0,
    });
    await fixture.engine.appendAttemptLog(attemptId, { sequence: 1, entries: [], last: true });
    expect(await fixture.engine.readAttemptLog(attemptId)).toMatchObject({
      chunks: [],
      complete: true,
      more: false,
    });
    expect(await stored(attemptId)).toEqual({ chunks: 0, bytes: 0 });
  });
});

describe('of more than is kept', () => {
  it('the first half and the last half stay, with what is missing between', async () => {
    const { attemptId } = await begun();
    const chunkBytes = 64 * KIB;
    const count = 200;
    for (let sequence = 1; sequence <= count; sequence += 1) {
      await fixture.engine.appendAttemptLog(attemptId, {
        sequence,
        entries: out(`${sequence} `.padEnd(chunkBytes - 1, 'x')),
        // The daemon dropped something as well; it is not forgotten when the chunk after it goes.
        droppedBytes: sequence === 100 || sequence === count ? 1_000 : 0,
      });
    }
    const kept = await stored(attemptId);
    expect(kept.bytes).toBeLessThanOrEqual(ATTEMPT_LOG_BYTES_MAX);
    expect(kept.bytes).toBeGreaterThan(ATTEMPT_LOG_BYTES_MAX * 0.95);
    const chunks = await readAll(attemptId);
    expect(chunks).toHaveLength(kept.chunks);
    const numbers = chunks.map(({ sequence }) => sequence);
    expect(numbers[0]).toBe(1);
    expect(numbers.at(-1)).toBe(count);
    const gapAt = numbers.findIndex(
      (sequence, index) => index > 0 && sequence !== (numbers[index - 1] ?? 0) + 1,
    );
    expect(gapAt).toBe(39);
    expect(chunks[gapAt]?.droppedBytes).toBe(count * chunkBytes - kept.bytes + 1_000);
    expect(chunks.at(-1)?.droppedBytes).toBe(1_000);
    expect(chunks.filter(({ droppedBytes }) => droppedBytes > 0)).toHaveLength(2);
    expect(await fixture.engine.readAttemptLog(attemptId)).toMatchObject({
      keptBytes: kept.bytes,
      droppedBytes: count * chunkBytes - kept.bytes + 2_000,
    });
  });

  it('no number of tiny chunks gets past the limit', async () => {
    const { attemptId } = await begun();
    const id = attemptId.slice('att_'.length);
    // A limit of 20 chunks of one byte: what the function counts for each is the same at any limit.
    for (let sequence = 1; sequence <= 100; sequence += 1)
      await fixture.test.database.pool.query(
        `SELECT * FROM append_attempt_log($1, $2, '[["stdout",""]]', 1, 1, 0, false, $3, NULL, NULL)`,
        [id, sequence, 20 * 129],
      );
    expect(await stored(attemptId)).toEqual({ chunks: 20, bytes: 20 });
  });

  it('pages end after a megabyte, whatever their chunks', async () => {
    const { attemptId } = await begun();
    for (let sequence = 1; sequence <= 6; sequence += 1)
      await fixture.engine.appendAttemptLog(attemptId, { sequence, entries: out('y'.repeat(400 * KIB)) });
    const page = await fixture.engine.readAttemptLog(attemptId);
    expect(page.chunks).toHaveLength(2);
    expect(page.more).toBe(true);
    expect((await readAll(attemptId)).map(({ sequence }) => sequence)).toEqual([1, 2, 3, 4, 5, 6]);
    const tail = await fixture.engine.readAttemptLog(attemptId, { tail: 5 });
    expect(tail).toMatchObject({ more: true, next: 3 });
  });
});

describe('an attempt', () => {
  it('may add to its log for ten minutes after an end that it reported itself', async () => {
    const { attemptId, task } = await begun();
    const { engine, clock } = fixture;
    clock.now = new Date();
    await engine.completeTask(task.id, { status: 'completed', attemptId });
    clock.advanceSeconds(599);
    expect(
      await engine.appendAttemptLog(attemptId, { sequence: 1, entries: out('last words') }),
    ).toMatchObject({
      stored: true,
    });
    expect((await engine.readAttemptLog(attemptId)).complete).toBe(false);
    clock.advanceSeconds(2);
    expect(await codeOf(engine.appendAttemptLog(attemptId, { sequence: 2, entries: out('too late') }))).toBe(
      'LEASE_LOST',
    );
    const page = await engine.readAttemptLog(attemptId);
    expect(page).toMatchObject({ status: 'SUCCEEDED', complete: true });
    expect(textOf(page.chunks)).toBe('last words');
  });

  it('that lost its task adds nothing any more, and its log stays', async () => {
    const { attemptId, orchestrator } = await begun();
    const { engine, clock } = fixture;
    await engine.appendAttemptLog(attemptId, { sequence: 1, entries: out('before') });
    clock.now = new Date(Date.now() + 60_000);
    await engine.sweepExpiredLeases();
    expect(await codeOf(engine.appendAttemptLog(attemptId, { sequence: 2, entries: out('after') }))).toBe(
      'LEASE_LOST',
    );
    clock.advanceSeconds(3_600);
    const { claims } = await engine.claimNextTask(orchestrator.id);
    const second = claims[0]?.attempt.id as string;
    await engine.appendAttemptLog(second, { sequence: 1, entries: out('the second') });
    expect(textOf(await readAll(attemptId))).toBe('before');
    expect(textOf(await readAll(second))).toBe('the second');
  });

  it('that does not exist, or is of another workspace, has no log to read or to add to', async () => {
    const foreign = await fixture.foreign();
    const { claims } = await foreign.engine.claimNextTask(foreign.orchestrator.id);
    const theirs = claims[0]?.attempt.id as string;
    await foreign.engine.appendAttemptLog(theirs, { sequence: 1, entries: out('theirs') });
    for (const id of [theirs, 'att_nonsense', `att_${theirs.slice(4, -4)}0000`]) {
      expect(await codeOf(fixture.engine.appendAttemptLog(id, { sequence: 2, entries: out('x') }))).toBe(
        'ATTEMPT_NOT_FOUND',
      );
      expect(await codeOf(fixture.engine.readAttemptLog(id))).toBe('ATTEMPT_NOT_FOUND');
    }
    const page = await foreign.engine.readAttemptLog(theirs);
    expect(textOf(page.chunks)).toBe('theirs');
    await foreign.engine.completeTask(foreign.task.id, { status: 'completed', attemptId: theirs });
    expect(await codeOf(fixture.engine.readAttemptLog(theirs))).toBe('ATTEMPT_NOT_FOUND');
  });

  it('can not send what is no chunk', async () => {
    const { attemptId } = await begun();
    const send = (chunk: object) =>
      codeOf(fixture.engine.appendAttemptLog(attemptId, { sequence: 1, entries: [], ...chunk }));
    expect(await send({ sequence: 0 })).toBe('INVALID_INPUT');
    expect(await send({ sequence: 2 ** 31 })).toBe('INVALID_INPUT');
    expect(await send({ entries: [{ stream: 'both', text: '' }] })).toBe('INVALID_INPUT');
    expect(await send({ entries: out('x'.repeat(512 * KIB)) })).toBe('INVALID_INPUT');
    expect(await send({ entries: out('€'.repeat(180 * KIB)) })).toBe('INVALID_INPUT');
    expect(await send({ droppedBytes: -1 })).toBe('INVALID_INPUT');
    expect(await stored(attemptId)).toEqual({ chunks: 0, bytes: 0 });
    // As much as there may be.
    await fixture.engine.appendAttemptLog(attemptId, { sequence: 1, entries: out('€'.repeat(170 * KIB)) });
    expect((await stored(attemptId)).chunks).toBe(1);
  });
});

describe('who follows a log', () => {
  it('is told at once of what this process stores, and soon of what another one does', async () => {
    const { attemptId } = await begun();
    const { engine } = fixture;
    const [elsewhere] = fixture.others(1);
    const begunAt = performance.now();
    for (let sequence = 1; sequence <= 6; sequence += 1) {
      const after = sequence - 1;
      const waiting = engine.readAttemptLog(attemptId, { after, waitSeconds: 20 });
      // While these are answered the wait above begins: it is not its first look that finds the chunk.
      for (let look = 0; look < 10; look += 1) await engine.readAttemptLog(attemptId, { after });
      await engine.appendAttemptLog(attemptId, { sequence, entries: out('here') });
      expect(textOf((await waiting).chunks)).toBe('here');
    }
    // By looking alone it would be a second each.
    expect(performance.now() - begunAt).toBeLessThan(4_000);
    const again = engine.readAttemptLog(attemptId, { after: 6, waitSeconds: 20 });
    await elsewhere?.appendAttemptLog(attemptId, { sequence: 7, entries: out('there') });
    expect(textOf((await again).chunks)).toBe('there');
  });

  it('is told of the end of the attempt, and does not wait where nothing more can come', async () => {
    const { attemptId, task } = await begun();
    const { engine } = fixture;
    let page: LogPage | null = null;
    const waiting = engine.readAttemptLog(attemptId, { waitSeconds: 20 }).then((answer) => {
      page = answer;
    });
    for (let look = 0; look < 10; look += 1) await engine.readAttemptLog(attemptId);
    const doneAt = performance.now();
    await engine.completeTask(task.id, { status: 'failed', error: 'no', attemptId });
    await until(async () => page !== null);
    await waiting;
    expect(performance.now() - doneAt).toBeLessThan(4_500);
    expect(page).toMatchObject({ status: 'FAILED', chunks: [], complete: false });
    // Its last words may come; but the end, which was told before or missed, is not waited for again.
    const endedAt = performance.now();
    expect(await engine.readAttemptLog(attemptId, { waitSeconds: 25 })).toMatchObject({ status: 'FAILED' });
    expect(performance.now() - endedAt).toBeLessThan(10_000);
    await engine.appendAttemptLog(attemptId, { sequence: 1, entries: out('bye'), last: true });
    const begunAt = performance.now();
    expect(await engine.readAttemptLog(attemptId, { after: 1, waitSeconds: 20 })).toMatchObject({
      complete: true,
      chunks: [],
    });
    expect(performance.now() - begunAt).toBeLessThan(5_000);
  });

  it('waits no longer than asked, and stops when its caller goes', async () => {
    const { attemptId } = await begun();
    expect(await fixture.engine.readAttemptLog(attemptId, { waitSeconds: 1 })).toMatchObject({ chunks: [] });
    const gone = new AbortController();
    const waiting = fixture.engine.readAttemptLog(attemptId, { waitSeconds: 25, signal: gone.signal });
    gone.abort();
    expect(await waiting).toMatchObject({ chunks: [] });
  });
});

describe('logs older than their workspace keeps its events', () => {
  const DAY_SECONDS = 86_400;

  it('are removed whole, the younger ones and those of what still runs stay', async () => {
    const { engine, clock } = fixture;
    clock.advanceSeconds(0);
    await engine.updateWorkspace({ eventRetentionDays: 7 });
    const [old, running] = [await begun(null), await begun(null)];
    for (const { attemptId } of [old, running])
      for (const sequence of [1, 2])
        await engine.appendAttemptLog(attemptId, { sequence, entries: out('old') });
    await engine.completeTask(old.task.id, { status: 'completed', attemptId: old.attemptId });
    clock.advanceSeconds(6 * DAY_SECONDS);
    const young = await begun(null);
    await engine.appendAttemptLog(young.attemptId, { sequence: 1, entries: out('young') });
    expect((await engine.sweepExpiredLeases()).trimmedLogs).toBe(0);
    clock.advanceSeconds(2 * DAY_SECONDS);
    // Those of other tests, too.
    expect((await engine.sweepExpiredLeases()).trimmedLogs).toBeGreaterThan(0);
    expect(await stored(old.attemptId)).toEqual({ chunks: 0, bytes: 0 });
    expect((await engine.readAttemptLog(old.attemptId)).chunks).toEqual([]);
    expect(textOf(await readAll(running.attemptId))).toBe('old\nold');
    expect(textOf(await readAll(young.attemptId))).toBe('young');
    expect((await engine.sweepExpiredLeases()).trimmedLogs).toBe(0);
  });

  it('are removed all, however many chunks they have, and never those of a workspace that keeps them', async () => {
    const { engine, clock } = fixture;
    clock.advanceSeconds(0);
    await engine.updateWorkspace({ eventRetentionDays: 1 });
    const foreign = await fixture.foreign();
    await foreign.engine.updateWorkspace({ eventRetentionDays: null });
    const { claims } = await foreign.engine.claimNextTask(foreign.orchestrator.id, { leaseSeconds: null });
    const theirs = claims[0]?.attempt.id as string;
    await foreign.engine.appendAttemptLog(theirs, { sequence: 1, entries: out('kept') });
    await foreign.engine.completeTask(foreign.task.id, { status: 'completed', attemptId: theirs });
    const old = [];
    for (let index = 0; index < 3; index += 1) {
      const one = await begun(null);
      await engine.appendAttemptLog(one.attemptId, { sequence: 1, entries: out('first') });
      // Many more, as fast as the database writes them.
      await fixture.test.database.pool.query(
        `WITH made AS (INSERT INTO attempt_log_chunks (attempt_id, seq, lines, bytes, at, entries)
           SELECT $1, n, 1, 1, now(), '[]' FROM generate_series(2, 1500) n)
         UPDATE attempt_logs SET chunks = 1500, last_seq = 1500 WHERE attempt_id = $1`,
        [one.attemptId.slice('att_'.length)],
      );
      await engine.completeTask(one.task.id, { status: 'completed', attemptId: one.attemptId });
      old.push(one.attemptId);
    }
    clock.advanceSeconds(10 * DAY_SECONDS);
    const [unscoped] = fixture.others(1);
    let removed = 0;
    await until(async () => {
      removed += (await (unscoped as typeof engine).sweepExpiredLeases()).trimmedLogs;
      return removed >= 3;
    });
    for (const attemptId of old) expect(await stored(attemptId)).toEqual({ chunks: 0, bytes: 0 });
    expect(await stored(theirs)).toEqual({ chunks: 1, bytes: 5 });
  });
});
