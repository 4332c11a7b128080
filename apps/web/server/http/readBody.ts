import { NeolithError } from '@neolith/contracts';
import { log } from '../log';
import type { ApiRequest, ReadBody } from './apiRequest';
import { scanJson } from './scanJson';

/** Whether the request announces a body at all. */
export function hasBody(headers: ApiRequest['headers']): boolean {
  const length = headers.get('content-length');
  return headers.has('transfer-encoding') || (length !== null && length !== '0');
}

/**
 * Only JSON: a form, or text, is what a page of another site can post without being asked first.
 *
 * @throws NeolithError `UNSUPPORTED_MEDIA_TYPE`
 */
export function checkContentType(headers: ApiRequest['headers'], options: { bodyExpected: boolean }): void {
  const type = headers.get('content-type');
  if (type === null && !options.bodyExpected && !hasBody(headers)) return;
  if (type !== null && /^application\/json *(;|$)/i.test(type)) return;
  throw new NeolithError(
    'UNSUPPORTED_MEDIA_TYPE',
    `The body must be JSON: send \`Content-Type: application/json\`${type === null ? '' : `, not ${JSON.stringify(type.slice(0, 100))}`}.`,
  );
}

function tooLarge(maxBytes: number): NeolithError {
  return new NeolithError('PAYLOAD_TOO_LARGE', `The body may have at most ${maxBytes} bytes.`, {
    details: { maxBytes },
  });
}

/** Of a client that left. Nobody reads the answer: it only must not look like a fault of ours, nor of the database. */
export function brokenOff(cause?: unknown): NeolithError {
  return new NeolithError('INVALID_JSON', 'The body broke off.', { cause });
}

/**
 * The body as text, kept no further than allowed. What Content-Length announces is believed only when nobody would take
 * that much off the line.
 *
 * @throws NeolithError `PAYLOAD_TOO_LARGE`, `INVALID_JSON` (no UTF-8)
 */
async function readText(request: ApiRequest, maxBytes: number): Promise<string> {
  const announced = Number(request.headers.get('content-length') ?? 0);
  if (announced > maxBytes + MAX_DISCARDED_BYTES) throw tooLarge(maxBytes);
  const body = await (request.readBody?.(maxBytes) ?? readStream(request.body, maxBytes));
  if ('tooLarge' in body) throw tooLarge(maxBytes);
  if (body.bytes.byteLength === 0) return '';
  try {
    return decoder.decode(body.bytes);
  } catch (cause) {
    throw new NeolithError('INVALID_JSON', 'The body is not UTF-8.', { cause });
  }
}

const decoder = new TextDecoder('utf-8', { fatal: true });

async function readStream(stream: ApiRequest['body'], maxBytes: number): Promise<ReadBody> {
  const reader = stream?.getReader();
  if (reader === undefined) return { bytes: new Uint8Array() };
  const chunks: Uint8Array[] = [];
  let size = 0;
  for (;;) {
    const { done, value } = await reader.read().catch((cause: unknown) => {
      throw brokenOff(cause);
    });
    if (done) break;
    size += value.byteLength;
    if (size > maxBytes) {
      await discardRest(reader);
      return { tooLarge: true };
    }
    chunks.push(value);
  }
  return { bytes: Buffer.concat(chunks) };
}

/** How much of a refused body is still taken off the line before its connection is cut. */
export const MAX_DISCARDED_BYTES = 67_108_864;

/**
 * Takes the rest of a body that is refused off the line, and then it is answered. Cut at once, the connection would be reset under a client
 * that is still writing, which then never reads the answer; left alone, it could serve no further call.
 */
async function discardRest(reader: ReadableStreamDefaultReader<Uint8Array>): Promise<void> {
  try {
    for (let size = 0; size <= MAX_DISCARDED_BYTES; ) {
      const { done, value } = await reader.read();
      if (done) return;
      size += value.byteLength;
    }
    await reader.cancel();
  } catch (error) {
    log.debug({ err: error }, 'A client left in the middle of a body that was refused');
  }
}

/** @throws NeolithError `PAYLOAD_TOO_LARGE`, `INVALID_JSON` */
export async function readJson(request: ApiRequest, maxBytes: number): Promise<unknown> {
  const text = await readText(request, maxBytes);
  if (text === '') return undefined;
  scanJson(text);
  try {
    return JSON.parse(text);
  } catch (cause) {
    // The parser's message quotes the body; it says where, and that is all a caller needs.
    const place = cause instanceof Error ? /at position \d+/.exec(cause.message)?.[0] : undefined;
    throw new NeolithError(
      'INVALID_JSON',
      `The body is not JSON${place === undefined ? '' : ` (${place})`}.`,
      {
        cause,
      },
    );
  }
}
