import {
  ATTEMPT_LOG_BYTES_MAX,
  appendLogSchema,
  formatId,
  type LogAppended,
  type LogStream,
  NeolithError,
  type NewLogChunk,
} from '@neolith/contracts';
import { printableText } from '../domain/printable.js';
import type { EngineContext } from '../engineContext.js';
import { notFound, uuidOf } from '../ids.js';
import { appendLogChunk } from '../store/appendLog.js';
import { toEngineError } from '../store/sql.js';
import { parseWritten } from './parseWritten.js';

/**
 * Stores the next chunk of what an attempt's agent printed. Of all chunks together 5 MB are kept, the first half and the
 * last half. Taken while the attempt owns its task, and for ten minutes after an end that it reported itself. A chunk
 * whose number is not above the last one stored was stored before: nothing is done, and the answer says so.
 * Errors: ATTEMPT_NOT_FOUND, LEASE_LOST (it was lost, or ended longer ago), INVALID_INPUT.
 */
export async function appendAttemptLog(
  engine: EngineContext,
  attemptId: string,
  chunk: NewLogChunk,
): Promise<LogAppended> {
  const uuid = uuidOf('attempt', attemptId);
  const parsed = parseWritten(appendLogSchema, chunk, 'The chunk of the log');
  const entries = parsed.entries.map(
    ({ stream, text }) => [stream, printableText(text)] as [LogStream, string],
  );
  const row = await appendLogChunk(engine.pool, {
    attemptId: uuid,
    sequence: parsed.sequence,
    entries,
    // With their line breaks.
    bytes: entries.reduce((sum, [, text]) => sum + Buffer.byteLength(text) + 1, 0),
    lines: entries.reduce((sum, [, text]) => sum + countLines(text), 0),
    droppedBytes: parsed.droppedBytes,
    last: parsed.last,
    limitBytes: ATTEMPT_LOG_BYTES_MAX,
    workspaceId: engine.workspaceId,
    now: engine.now(),
  }).catch((error: unknown) => {
    throw toEngineError(error);
  });
  if (row.code === 'ATTEMPT_NOT_FOUND') throw notFound('attempt', attemptId);
  if (row.code === 'LEASE_LOST') {
    throw new NeolithError(
      'LEASE_LOST',
      `Attempt ${attemptId.slice(0, 100)} no longer owns its task; nothing is added to its log any more`,
      { details: { attemptId } },
    );
  }
  if (row.stored) engine.logs.tell(uuid);
  return { attemptId: formatId('attempt', uuid), stored: row.stored, sequence: row.last_seq };
}

function countLines(text: string): number {
  let lines = 1;
  for (let at = text.indexOf('\n'); at !== -1; at = text.indexOf('\n', at + 1)) lines += 1;
  return lines;
}
