import { request as httpRequest } from 'node:http';
import { z } from 'zod';
import { ASK_ERROR_STATUS, AskError, type AskErrorCode } from './askError.js';
import type { Ask, Asked } from './protocol.js';

const obstacle = z.object({
  resource: z.string(),
  mode: z.enum(['exclusive', 'shared']),
  taskId: z.string(),
  title: z.string(),
  attemptId: z.string().nullable(),
  holds: z.boolean(),
});
const answerSchema = z.union([
  z.object({ granted: z.boolean(), waitsFor: z.array(obstacle) }),
  z.object({
    error: z.object({ code: z.enum(Object.keys(ASK_ERROR_STATUS) as [AskErrorCode]), message: z.string() }),
  }),
]);

/**
 * Asks for resources from within an attempt, by the socket that its environment names; waits up to `waitSeconds`. Whoever
 * stops waiting (the signal, the end of this process) gives up the place in the line.
 * @throws AskError
 */
export async function askDaemon(socketPath: string, ask: Ask, signal?: AbortSignal): Promise<Asked> {
  const text = await post(socketPath, JSON.stringify(ask), signal);
  let answer: z.output<typeof answerSchema>;
  try {
    answer = answerSchema.parse(JSON.parse(text));
  } catch (cause) {
    throw new AskError('UNAVAILABLE', 'The daemon gave an answer that is none of ours.', { cause });
  }
  if ('error' in answer) throw new AskError(answer.error.code, answer.error.message);
  return answer;
}

function post(socketPath: string, body: string, signal: AbortSignal | undefined): Promise<string> {
  return new Promise((resolve, reject) => {
    const fail = (cause: NodeJS.ErrnoException) => {
      // The daemon takes the socket away with the attempt, and its own end leaves nobody who listens.
      const isOver = cause.code === 'ENOENT' || cause.code === 'ECONNREFUSED' || cause.code === 'ECONNRESET';
      reject(
        isOver
          ? new AskError('LEASE_LOST', 'Nobody answers for this attempt any more: it is over; end its work', {
              cause,
            })
          : new AskError('UNAVAILABLE', `The daemon can't be asked: ${cause.message}`, { cause }),
      );
    };
    const request = httpRequest(
      {
        socketPath,
        path: '/resources',
        method: 'POST',
        headers: { 'content-type': 'application/json', 'content-length': Buffer.byteLength(body) },
        ...(signal === undefined ? {} : { signal }),
      },
      (response) => {
        let text = '';
        response.setEncoding('utf8');
        response.on('data', (chunk: string) => {
          text += chunk;
        });
        response.on('end', () => resolve(text));
        response.on('error', fail);
      },
    );
    request.on('error', fail);
    request.end(body);
  });
}
