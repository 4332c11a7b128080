import { type ErrorCode, type IdKind, NeolithError, parseId } from '@neolith/contracts';
import { v7 } from 'uuid';

const NOT_FOUND: Record<
  'orchestrator' | 'task' | 'attempt' | 'daemon' | 'channel' | 'run' | 'workspace',
  ErrorCode
> = {
  orchestrator: 'ORCHESTRATOR_NOT_FOUND',
  task: 'TASK_NOT_FOUND',
  attempt: 'ATTEMPT_NOT_FOUND',
  daemon: 'DAEMON_NOT_FOUND',
  channel: 'CHANNEL_NOT_FOUND',
  run: 'RUN_NOT_FOUND',
  workspace: 'WORKSPACE_NOT_FOUND',
};

export function newUuid(): string {
  return v7();
}

/** When an id was made, by the clock of who made it; milliseconds, as its first 48 bits say. */
export function timeOfUuid(uuid: string): number {
  return Number.parseInt(uuid.replace('-', '').slice(0, 12), 16);
}

/** `Task not found: ID`, in the words of the original specification. */
export function notFound(kind: keyof typeof NOT_FOUND, id: string): NeolithError {
  const name = kind.charAt(0).toUpperCase() + kind.slice(1);
  return new NeolithError(NOT_FOUND[kind], `${name} not found: ${id.slice(0, 100)}`, {
    details: { id: id.slice(0, 100) },
  });
}

/** The UUID of an id. What can't be an id of this kind belongs to nothing that exists. */
export function uuidOf(kind: keyof typeof NOT_FOUND & IdKind, id: string): string {
  const uuid = typeof id === 'string' ? parseId(kind, id) : null;
  if (uuid === null) throw notFound(kind, String(id));
  return uuid;
}
