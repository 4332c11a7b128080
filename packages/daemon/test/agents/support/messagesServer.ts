import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';

/** One answer of the model. */
export interface ScriptedRound {
  readonly text?: string;
  readonly tools?: readonly { readonly name: string; readonly input: Record<string, unknown> }[];
  readonly usage?: {
    readonly input?: number;
    readonly output?: number;
    readonly cacheRead?: number;
    readonly cacheWrite?: number;
  };
}

export interface ScriptedRefusal {
  readonly status: number;
  readonly headers?: Record<string, string>;
  readonly type: string;
  readonly message: string;
}

export interface MessagesServer {
  readonly url: string;
  /** The bodies of the calls that work on the task: those that offer tools. */
  readonly calls: { readonly messages: readonly unknown[]; readonly model: string; readonly text: string }[];
  /** Headers of every call, whatever it was for. */
  readonly headers: IncomingMessage['headers'][];
  /** Asked before each answer. */
  refuse: () => ScriptedRefusal | null;
  /** Answered in this order; a call's place is told by how many answers it already has in it. After the last it ends. */
  rounds: readonly ScriptedRound[];
  /** Takes the place of `rounds` where it is not null, for several agents at once: told a call's body and its place. */
  answer: ((text: string, place: number) => ScriptedRound) | null;
  /** From then on answers are begun and not ended. */
  hang: boolean;
  close(): Promise<void>;
}

/** Speaks the Messages API, streaming, as far as agents need it: for tests, on loopback, without a model. */
export async function startMessagesServer(): Promise<MessagesServer> {
  const server = createServer((request, response) => {
    void respond(request, response);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const self: MessagesServer = {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    calls: [],
    headers: [],
    refuse: () => null,
    rounds: [],
    answer: null,
    hang: false,
    async close() {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };

  async function respond(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const chunks: Buffer[] = [];
    for await (const chunk of request) chunks.push(chunk as Buffer);
    self.headers.push(request.headers);
    const text = Buffer.concat(chunks).toString('utf8');
    const { pathname } = new URL(request.url ?? '/', self.url);
    if (request.method !== 'POST' || !pathname.endsWith('/messages')) {
      response.writeHead(request.method === 'POST' && pathname.endsWith('count_tokens') ? 200 : 404, {
        'content-type': 'application/json',
      });
      response.end('{"input_tokens": 10}');
      return;
    }
    const refusal = self.refuse();
    if (refusal !== null) {
      const { status, headers = {}, type, message } = refusal;
      response.writeHead(status, { 'content-type': 'application/json', ...headers });
      response.end(JSON.stringify({ type: 'error', error: { type, message } }));
      return;
    }
    const body = JSON.parse(text) as {
      messages: { role: string }[];
      model: string;
      tools?: unknown[];
      stream?: boolean;
    };
    const worksOnTask = (body.tools ?? []).length > 0;
    if (worksOnTask) self.calls.push({ messages: body.messages, model: body.model, text });
    const place = body.messages.filter(({ role }) => role === 'assistant').length;
    const next = self.answer === null ? self.rounds[place] : self.answer(text, place);
    const round = worksOnTask ? (next ?? { text: 'Nothing more to do.' }) : { text: 'aside' };
    send(response, body.model, round, body.stream === true);
  }

  function send(response: ServerResponse, model: string, round: ScriptedRound, streams: boolean): void {
    const { text, tools = [], usage = {} } = round;
    const content = [
      ...(text === undefined ? [] : [{ type: 'text', text }]),
      ...tools.map((tool, index) => ({ type: 'tool_use', id: `toolu_${Date.now()}_${index}`, ...tool })),
    ];
    const counts = {
      input_tokens: usage.input ?? 0,
      cache_read_input_tokens: usage.cacheRead ?? 0,
      cache_creation_input_tokens: usage.cacheWrite ?? 0,
    };
    const stopReason = tools.length > 0 ? 'tool_use' : 'end_turn';
    const message = {
      id: `msg_${self.calls.length}_${Date.now()}`,
      type: 'message',
      role: 'assistant',
      model,
    };
    if (!streams) {
      response.writeHead(200, { 'content-type': 'application/json' });
      const total = { ...counts, output_tokens: usage.output ?? 1 };
      response.end(
        JSON.stringify({ ...message, content, stop_reason: stopReason, stop_sequence: null, usage: total }),
      );
      return;
    }
    response.writeHead(200, { 'content-type': 'text/event-stream', 'cache-control': 'no-cache' });
    const emit = (type: string, data: object): void => {
      response.write(`event: ${type}\ndata: ${JSON.stringify({ type, ...data })}\n\n`);
    };
    const begun = { ...message, content: [], stop_reason: null, stop_sequence: null };
    emit('message_start', { message: { ...begun, usage: { ...counts, output_tokens: 1 } } });
    if (self.hang) return;
    for (const [index, block] of content.entries()) {
      if ('input' in block) {
        const { input, ...rest } = block;
        emit('content_block_start', { index, content_block: { ...rest, input: {} } });
        emit('content_block_delta', {
          index,
          delta: { type: 'input_json_delta', partial_json: JSON.stringify(input) },
        });
      } else {
        emit('content_block_start', { index, content_block: { type: 'text', text: '' } });
        emit('content_block_delta', {
          index,
          delta: { type: 'text_delta', text: (block as { text: string }).text },
        });
      }
      emit('content_block_stop', { index });
    }
    emit('message_delta', {
      delta: { stop_reason: stopReason, stop_sequence: null },
      usage: { ...counts, output_tokens: usage.output ?? 1 },
    });
    emit('message_stop', {});
    response.end();
  }

  return self;
}
