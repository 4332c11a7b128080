import {
  type EngineEvent,
  type EventPage,
  type endpoints,
  isNeolithError,
  NeolithError,
} from '@neolith/contracts';
import type { WorkEngine } from '@neolith/work-engine';
import type { Answer, Call } from '../http/handle';
import { isAfter, isCursor } from './cursorOrder';
import { encodeEvent, encodeEvents } from './encodeEvent';
import { aborted, eventStream, frame, type StreamWriter } from './eventStream';

const PAGE = 500;
/** Events that may come in while the last of the past is being read. */
const MAX_HELD = 20_000;

type Admits = (event: EngineEvent) => boolean;

/** The first page after the cursor; null where the cursor is of another epoch. @throws NeolithError `INVALID_CURSOR` */
async function firstPage(engine: WorkEngine, cursor: string): Promise<EventPage | null> {
  try {
    return await engine.readEvents({ cursor, limit: PAGE });
  } catch (error) {
    const ofAnotherEpoch = isNeolithError(error) && error.code === 'INVALID_CURSOR' && isCursor(cursor);
    if (!ofAnotherEpoch) throw error;
    return null;
  }
}

/**
 * The workspace's events: with a cursor (Last-Event-ID, which a browser sends when it connects anew, before `?cursor=`,
 * which stays in its address) from there on, first out of the table, then live; without one from now on. Where the
 * cursor is of a history that no longer is (a restored database), a `reset` message says so: read everything again.
 */
export async function followEvents({
  engine,
  principal,
  input,
  request,
}: Call<typeof endpoints.followEvents>): Promise<Answer<typeof endpoints.followEvents>> {
  const given = request.headers.get('last-event-id') || input.query.cursor || null;
  const { orchestratorId } = input.query;
  const only = orchestratorId === undefined ? null : (await engine.getOrchestrator(orchestratorId)).id;
  const admits: Admits | null = only === null ? null : (event) => event.orchestratorId === only;
  if (given !== null && !isCursor(given)) {
    throw new NeolithError(
      'INVALID_CURSOR',
      'The cursor is not one that this stream gave; begin anew without one.',
    );
  }
  const first = given === null ? null : await firstPage(engine, given);
  const now = first === null ? await engine.currentCursor() : null;

  return eventStream(request, async (writer) => {
    let place: string;
    if (first !== null) {
      place = await replay(engine, writer, admits, first);
    } else {
      place = now as string;
      if (given !== null)
        writer.send(frame({ id: place, event: 'reset', data: JSON.stringify({ cursor: place }) }));
      else writer.send(frame({ id: place }));
    }
    await follow(engine, principal.workspaceId, writer, admits, place);
  });
}

/** Sends what is in the table, page by page and no faster than the client reads; answers the place reached. */
async function replay(
  engine: WorkEngine,
  writer: StreamWriter,
  admits: Admits | null,
  first: EventPage,
): Promise<string> {
  let page = first;
  for (;;) {
    sendAll(writer, page.events, admits, page.cursor);
    if (page.events.length < PAGE || writer.signal.aborted) return page.cursor;
    await writer.drained();
    page = await engine.readEvents({ cursor: page.cursor, limit: PAGE });
  }
}

/**
 * Live from `place` on. What was committed between the last page and the subscription is in neither: so subscribe,
 * hold what comes, read the table once more up to where the subscription begins, and only then let through.
 */
async function follow(
  engine: WorkEngine,
  workspaceId: string,
  writer: StreamWriter,
  admits: Admits | null,
  from: string,
): Promise<void> {
  let place = from;
  let held: EngineEvent[] | null = [];
  const deliver = (events: readonly EngineEvent[]) => {
    const fresh = eventsAfter(events, place);
    const last = fresh[fresh.length - 1];
    if (last === undefined) return;
    place = last.cursor;
    sendAll(writer, fresh, admits, place);
  };
  const subscription = await engine.events.subscribe({
    workspaceId,
    onEvents: (events) => {
      if (held === null) return deliver(events);
      held.push(...events);
      if (held.length > MAX_HELD) writer.drop();
    },
  });
  try {
    while (isAfter(subscription.cursor, place) && !writer.signal.aborted) {
      const page = await engine.readEvents({ cursor: place, limit: PAGE });
      deliver(page.events);
      if (page.events.length < PAGE) break;
      await writer.drained();
    }
    const meanwhile = held;
    held = null;
    deliver(meanwhile);
    await aborted(writer.signal);
  } finally {
    subscription.stop();
  }
}

/** Those after the place, of events in order: as a rule all of them, and then the very same array. */
function eventsAfter(events: readonly EngineEvent[], place: string): readonly EngineEvent[] {
  const [first] = events;
  if (first === undefined || isAfter(first.cursor, place)) return events;
  return events.filter((event) => isAfter(event.cursor, place));
}

/**
 * The events in one write. The id alone where the last one is not for this client: it resumes from there instead of
 * reading them all again.
 */
function sendAll(
  writer: StreamWriter,
  events: readonly EngineEvent[],
  admits: Admits | null,
  cursor: string,
): void {
  if (events.length > 0 && admits === null && events[events.length - 1]?.cursor === cursor) {
    writer.send(encodeEvents(events));
    return;
  }
  const own = admits === null ? events : events.filter(admits);
  const frames = own.map(encodeEvent);
  if (own[own.length - 1]?.cursor !== cursor) frames.push(frame({ id: cursor }));
  writer.send(frames.join(''));
}
