/** A body that was read as far as allowed; `tooLarge` where it went on. */
export type ReadBody = { bytes: Uint8Array } | { tooLarge: true };

/**
 * What is read of a request, however it came in: a `Request` of a route handler, or Node's own where a call is
 * answered directly.
 */
export interface ApiRequest {
  readonly method: string;
  /** Absolute, or the path with its query. */
  readonly url: string;
  readonly headers: Pick<Headers, 'get' | 'has'>;
  /** Aborted when the caller has gone. */
  readonly signal: AbortSignal;
  readonly body?: ReadableStream<Uint8Array> | null;
  /** Reads the body by itself; where it is missing, `body` is read. */
  readBody?(maxBytes: number): Promise<ReadBody>;
  /** Writes the head of a stream and hands the line over; where it is missing, a `Response` carries the stream. */
  takeOver?(headers: Readonly<Record<string, string>>): StreamLine;
}

/** The line to one client of a stream. */
export interface StreamLine {
  write(bytes: Uint8Array): void;
  /** Bytes that were written and not taken by the client yet. */
  waitingBytes(): number;
  /** Called each time the client has taken what was waiting. */
  onDrained(listener: () => void): void;
  /** Called once, when the line is closed from either end. */
  onClosed(listener: () => void): void;
  end(): void;
  /** Cuts it, so that the client sees that it broke off. */
  cut(): void;
}

/** The path of a request without its query, for logs. */
export function pathOf({ url }: Pick<ApiRequest, 'url'>): string {
  const path = url.replace(/^[a-z]+:\/\/[^/]*/i, '');
  const end = path.search(/[?#]/);
  return end === -1 ? path : path.slice(0, end);
}

/** The query of a request; undefined where it has none. */
export function queryOf({ url }: Pick<ApiRequest, 'url'>): URLSearchParams {
  const start = url.indexOf('?');
  return new URLSearchParams(start === -1 ? '' : url.slice(start).replace(/#.*$/, ''));
}
