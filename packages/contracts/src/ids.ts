import { z } from 'zod';

/**
 * Ids are UUIDv7 in the database and carry a prefix everywhere else: `task_0198f1c2-…`. The prefix says what an id
 * belongs to; sorting by id is sorting by time of creation.
 */
export const ID_PREFIXES = {
  workspace: 'ws',
  user: 'user',
  orchestrator: 'orch',
  channel: 'chan',
  run: 'run',
  task: 'task',
  attempt: 'att',
  daemon: 'daemon',
  token: 'tok',
} as const;

export type IdKind = keyof typeof ID_PREFIXES;

const UUID = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/;

/** The id as everybody outside the database writes it. */
export function formatId(kind: IdKind, uuid: string): string {
  return `${ID_PREFIXES[kind]}_${uuid}`;
}

/**
 * The bare UUID of an id with or without its prefix, or null where the text is no such id. A bare UUID is taken
 * because server code that read it with Prisma has nothing else.
 */
export function parseId(kind: IdKind, text: string): string | null {
  const prefix = `${ID_PREFIXES[kind]}_`;
  const uuid = (text.startsWith(prefix) ? text.slice(prefix.length) : text).toLowerCase();
  return UUID.test(uuid) ? uuid : null;
}

/** Ids in inputs are only bounded here; whether one exists is the engine's to say, with its own message. */
export const idSchema = z.string().min(1).max(100);
