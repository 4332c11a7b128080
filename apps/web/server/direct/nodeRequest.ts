import type { IncomingMessage, ServerResponse } from 'node:http';
import type { ApiRequest, ReadBody, StreamLine } from '../http/apiRequest';
import { brokenOff, MAX_DISCARDED_BYTES } from '../http/readBody';
import { SECURITY_HEADERS } from '../http/securityHeaders';

/** What handlers read of a request, out of Node's own objects. */
export class NodeRequest implements ApiRequest {
  readonly method: string;
  readonly url: string;
  readonly headers: ApiRequest['headers'];
  readonly #message: IncomingMessage;
  readonly #response: ServerResponse;
  #abort: AbortController | undefined;

  constructor(message: IncomingMessage, response: ServerResponse) {
    this.method = message.method ?? '';
    this.url = message.url ?? '';
    this.#message = message;
    this.#response = response;
    const read = (name: string) => {
      const value = message.headers[name.toLowerCase()];
      return Array.isArray(value) ? value.join(', ') : (value ?? null);
    };
    this.headers = { get: read, has: (name) => read(name) !== null };
  }

  /** Made on first use: most calls never ask. */
  get signal(): AbortSignal {
    if (this.#abort !== undefined) return this.#abort.signal;
    const abort = new AbortController();
    this.#abort = abort;
    if (this.#response.destroyed) abort.abort();
    else this.#response.once('close', () => abort.abort());
    return abort.signal;
  }

  readBody(maxBytes: number): Promise<ReadBody> {
    const message = this.#message;
    // Who left before this would be waited for in vain: what tells of it has been told.
    if (message.destroyed) return Promise.reject(brokenOff());
    return new Promise((resolve, reject) => {
      const chunks: Buffer[] = [];
      let size = 0;
      message.on('data', (chunk: Buffer) => {
        size += chunk.byteLength;
        if (size <= maxBytes) chunks.push(chunk);
        else {
          // What is taken off the line further is dropped, and at some point the line is cut.
          chunks.length = 0;
          if (size - maxBytes > MAX_DISCARDED_BYTES) {
            resolve({ tooLarge: true });
            message.destroy();
          }
        }
      });
      message.once('end', () => {
        // Not before: a client that is still writing, and closes then, would never read the answer.
        if (size > maxBytes) resolve({ tooLarge: true });
        else resolve({ bytes: chunks.length === 1 ? (chunks[0] as Buffer) : Buffer.concat(chunks) });
      });
      message.once('error', (cause) => reject(brokenOff(cause)));
      message.once('close', () => reject(brokenOff()));
    });
  }

  takeOver(headers: Readonly<Record<string, string>>): StreamLine {
    const response = this.#response;
    response.writeHead(200, { ...SECURITY_HEADERS, ...headers });
    response.flushHeaders();
    // A client that is gone makes later writes fail; `close` says the same.
    response.on('error', () => undefined);
    return {
      write: (bytes) => {
        if (!response.destroyed) response.write(bytes);
      },
      waitingBytes: () => response.writableLength,
      onDrained: (listener) => response.on('drain', listener),
      onClosed: (listener) => response.once('close', listener),
      end: () => response.end(),
      cut: () => response.destroy(),
    };
  }
}
