import { setTimeout as delay } from 'node:timers/promises';
import { createParser, type EventSourceMessage } from 'eventsource-parser';

export interface OpenStream {
  readonly response: Response;
  /** Messages so far, and ids that came without one. */
  readonly messages: EventSourceMessage[];
  readonly lastId: () => string | undefined;
  /** The messages once there are as many, or one satisfies; fails after `limitMs` (default 10 s). */
  until(enough: (messages: EventSourceMessage[]) => boolean, limitMs?: number): Promise<EventSourceMessage[]>;
  /** True once the server has ended or dropped it. */
  readonly ended: () => boolean;
  close(): void;
}

/** Follows a server-sent stream as a browser does. */
export async function openStream(
  url: string,
  options: { token: string; lastEventId?: string },
): Promise<OpenStream> {
  const abort = new AbortController();
  const response = await fetch(url, {
    headers: {
      authorization: `Bearer ${options.token}`,
      ...(options.lastEventId === undefined ? {} : { 'last-event-id': options.lastEventId }),
    },
    signal: abort.signal,
  });
  if (!response.ok) throw new Error(`${url} answered ${response.status}: ${await response.text()}`);
  const messages: EventSourceMessage[] = [];
  let lastId: string | undefined;
  let ended = false;
  const parser = createParser({ onEvent: (message) => messages.push(message) });
  const read = async () => {
    const decoder = new TextDecoder();
    try {
      for await (const chunk of response.body as unknown as AsyncIterable<Uint8Array>) {
        const text = decoder.decode(chunk, { stream: true });
        for (const [, id] of text.matchAll(/^id: (\S+)$/gm)) lastId = id;
        parser.feed(text);
      }
    } catch (error) {
      if (!(error instanceof Error)) throw error;
    } finally {
      ended = true;
    }
  };
  void read();
  return {
    response,
    messages,
    lastId: () => lastId,
    ended: () => ended,
    close: () => abort.abort(),
    async until(enough, limitMs = 10_000) {
      const deadline = performance.now() + limitMs;
      while (!enough(messages)) {
        if (performance.now() > deadline) {
          throw new Error(
            `Not within ${limitMs} ms; ${messages.length} messages: ${JSON.stringify(messages.slice(-3))}`,
          );
        }
        await delay(10);
      }
      return messages;
    },
  };
}
