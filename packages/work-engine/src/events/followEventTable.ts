import { randomUUID } from 'node:crypto';
import { type EngineEvent, formatId } from '@neolith/contracts';
import type { Database } from '@neolith/database';
import pg from 'pg';
import { toEvent } from '../operations/readEvents.js';
import { readEpoch, readEventRows, readHorizon } from '../store/readEventRows.js';
import type { EventFollower, EventSubscription } from './eventFollower.js';

const CHANNEL = 'neolith_events';
/** Beneath the signals: whatever they miss is found within this time. */
const LOOK_MS = 1_000;
/**
 * What was signalled shows only when every older transaction of the cluster has ended, and nobody signals that: after a
 * signal the looks follow one another closely at first, each after twice the time; very closely where the signal's own
 * look found nothing at all.
 */
const SOON_MS = 50;
const VERY_SOON_MS = 2;
/** A commit with NOTIFY takes a lock of the whole cluster, so that a busy process sends few of them. */
const NOTIFY_EVERY_MS = 20;
const BATCH = 1_000;
/** After handing events over the follower rests this many times as long as that took, so that calls get their share. */
const REST_SHARE = 2;
const REST_MS_MAX = 100;
/** Shorter rests than a timer can keep are none. */
const REST_MS_MIN = 1;

interface PlacedEvent {
  event: EngineEvent;
  xid: bigint;
  seq: bigint;
}

type Place = Pick<PlacedEvent, 'xid' | 'seq'>;

const isAfter = (place: Place, other: Place): boolean =>
  place.xid > other.xid || (place.xid === other.xid && place.seq > other.seq);

const isOf = ({ event }: PlacedEvent, workspace: string | null): boolean =>
  workspace === null || event.workspaceId === workspace;

/** Picks each workspace's events once: all its subscribers are handed the very same array, and may keep what they make of it. */
function shareOut(placed: readonly PlacedEvent[]): (workspace: string | null) => readonly EngineEvent[] {
  const picked = new Map<string | null, readonly EngineEvent[]>();
  return (workspace) => {
    let own = picked.get(workspace);
    if (own === undefined) {
      own = placed.filter((place) => isOf(place, workspace)).map(({ event }) => event);
      picked.set(workspace, own);
    }
    return own;
  };
}

interface Subscriber extends EventSubscription {
  /** The bare UUID is compared nowhere: events carry ids as everybody writes them. */
  workspace: string | null;
  cursor: Place;
  /** The table has not been read past its cursor yet. */
  isNew: boolean;
}

/**
 * The follower over one database. Nothing runs while nobody is subscribed; then one connection listens, and one loop
 * reads: at once when this process or another says that it committed, and every second beneath.
 */
export function followEventTable(
  database: Pick<Database, 'pool'>,
  onError: (error: unknown) => void,
): EventFollower {
  const { pool } = database;
  const subscribers = new Set<Subscriber>();
  let position: { xid: string; seq: string } | null = null;
  let epoch = '';
  let handedOverMs = 0;
  let wake: (() => void) | null = null;
  let awake = false;
  let loop: Promise<void> | null = null;
  let listener: pg.Client | null = null;
  let closed = false;
  let notifying: Promise<void> | null = null;
  let notifyAgain = false;
  let toTell = false;
  // Whoever committed here has been told here: a second look for the same thing would only be in the claims' way.
  const self = randomUUID();

  function rouse(): void {
    awake = true;
    wake?.();
  }

  async function rest(ms: number): Promise<void> {
    if (awake) return;
    await new Promise<void>((resolve) => {
      const timer = setTimeout(resolve, ms);
      wake = () => {
        clearTimeout(timer);
        resolve();
      };
    });
    wake = null;
  }

  /**
   * A lone event is handed over at once. After one that took long, for many follow or the process is busy, those that
   * come meanwhile go together: in one read, and one write a client.
   */
  async function yieldFor(tookMs: number): Promise<void> {
    const ms = Math.min(tookMs * REST_SHARE, REST_MS_MAX);
    if (ms < REST_MS_MIN || closed || subscribers.size === 0) return;
    await new Promise((resolve) => setTimeout(resolve, ms));
  }

  async function listen(): Promise<void> {
    if (listener !== null || closed) return;
    const client = new pg.Client(pool.options as pg.ClientConfig);
    const forget = () => {
      if (listener === client) listener = null;
    };
    client.on('notification', ({ payload }) => {
      if (payload !== self) rouse();
    });
    client.on('error', forget);
    client.on('end', forget);
    listener = client;
    try {
      await client.connect();
      await client.query(`LISTEN ${CHANNEL}`);
    } catch (error) {
      forget();
      await client.end().catch(onError);
      throw error;
    }
  }

  /** How many events it delivered. */
  async function readOnce(): Promise<number> {
    handedOverMs = 0;
    if (position === null) return 0;
    const rows = await readEventRows(pool, {
      workspaceId: null,
      afterXid: position.xid,
      afterSeq: position.seq,
      limit: BATCH,
    });
    const last = rows[rows.length - 1];
    if (last === undefined) return 0;
    position = { xid: last.xid, seq: last.seq };
    const placed = rows.map((row) => ({
      event: toEvent(row, epoch),
      xid: BigInt(row.xid),
      seq: BigInt(row.seq),
    }));
    const shared = shareOut(placed);
    const begun = performance.now();
    for (const subscriber of subscribers) deliver(subscriber, placed, shared);
    // What was written goes out at the end of this turn: that belongs to what it took.
    await new Promise((resolve) => setImmediate(resolve));
    handedOverMs = performance.now() - begun;
    return rows.length;
  }

  function deliver(
    subscriber: Subscriber,
    placed: readonly PlacedEvent[],
    shared: (workspace: string | null) => readonly EngineEvent[],
  ): void {
    const { workspace } = subscriber;
    // Who came while the table was read up to an older place is spared what was before; then the array is its own.
    const own = subscriber.isNew
      ? placed
          .filter((place) => isAfter(place, subscriber.cursor) && isOf(place, workspace))
          .map(({ event }) => event)
      : shared(workspace);
    const last = placed[placed.length - 1];
    if (last !== undefined && isAfter(last, subscriber.cursor)) subscriber.isNew = false;
    if (own.length === 0) return;
    try {
      subscriber.onEvents(own);
    } catch (error) {
      onError(error);
    }
  }

  async function run(): Promise<void> {
    let quietLooks = 0;
    let soonMs = SOON_MS;
    while (subscribers.size > 0 && !closed) {
      const signalled = awake;
      quietLooks = signalled ? 0 : quietLooks + 1;
      awake = false;
      // Each by itself: where listening fails, for want of a connection perhaps, reading goes on once a second.
      await listen().catch(onError);
      let found = 0;
      try {
        let batch = await readOnce();
        // Who waits here goes first; the others are not kept waiting by what is still to be read, though.
        if (toTell) tell();
        found = batch;
        while (batch === BATCH) {
          await yieldFor(handedOverMs);
          batch = await readOnce();
        }
        await yieldFor(handedOverMs);
      } catch (error) {
        // The database is away, perhaps; the next look finds out. What was missed is read then.
        onError(error);
      }
      if (toTell) tell();
      if (found > 0) soonMs = SOON_MS;
      else if (signalled) soonMs = VERY_SOON_MS;
      await rest(Math.min(soonMs * 2 ** Math.min(quietLooks, 10), LOOK_MS));
    }
    position = null;
    const idle = listener;
    listener = null;
    await idle?.end().catch(onError);
  }

  async function subscribe(subscription: EventSubscription): Promise<{ cursor: string; stop(): void }> {
    if (closed) throw new Error('The event follower is closed');
    const [currentEpoch, horizon] = await Promise.all([readEpoch(pool), readHorizon(pool)]);
    epoch = currentEpoch;
    const subscriber: Subscriber = {
      ...subscription,
      workspace: subscription.workspaceId === null ? null : formatId('workspace', subscription.workspaceId),
      cursor: { xid: BigInt(horizon.xid), seq: BigInt(horizon.seq) },
      isNew: true,
    };
    subscribers.add(subscriber);
    // An earlier position stays: others still have to be told what lies between.
    position ??= horizon;
    if (loop === null) start();
    return {
      cursor: `${epoch}.${horizon.xid}.${horizon.seq}`,
      stop: () => {
        subscribers.delete(subscriber);
        if (subscribers.size === 0) rouse();
      },
    };
  }

  function start(): void {
    loop = run().finally(() => {
      loop = null;
      if (toTell && !closed) tell();
      // Somebody subscribed while the loop was ending.
      if (subscribers.size > 0 && !closed) start();
    });
  }

  /** At once, and while one is under way once more after it: nobody waits for a timer, and a crowd sends few. */
  function tell(): void {
    toTell = false;
    if (notifying !== null) notifyAgain = true;
    else {
      notifying = notifyOthers().finally(() => {
        notifying = null;
      });
    }
  }

  async function notifyOthers(): Promise<void> {
    do {
      notifyAgain = false;
      await pool
        .query({ name: 'notify_events', text: `SELECT pg_notify('${CHANNEL}', $1)`, values: [self] })
        .catch(onError);
      await new Promise((resolve) => setTimeout(resolve, NOTIFY_EVERY_MS));
      // Closing waits for this: what was committed last is told, too.
    } while (notifyAgain);
  }

  return {
    subscribe,
    poke(workFor) {
      if (closed) return;
      if (workFor !== undefined && workFor.size > 0) {
        for (const subscriber of subscribers) {
          try {
            subscriber.onWork?.(workFor);
          } catch (error) {
            // Whoever pokes has committed: a call that failed now would be made again.
            onError(error);
          }
        }
      }
      rouse();
      toTell = true;
      // Nobody waits here, or whoever does may have to wait for a connection first.
      if (loop === null || listener === null) tell();
    },
    async close() {
      if (toTell) tell();
      closed = true;
      subscribers.clear();
      rouse();
      await Promise.all([loop, notifying]);
    },
  };
}
