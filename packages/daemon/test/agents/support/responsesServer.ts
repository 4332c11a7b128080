import { createServer, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';

/** One answer of the model. */
export interface ScriptedResponse {
  readonly text?: string;
  readonly calls?: readonly { readonly name: string; readonly arguments: Record<string, unknown> }[];
  readonly usage?: { readonly input: number; readonly cached: number; readonly output: number };
}

export interface ResponsesServer {
  readonly url: string;
  /** The bodies of all calls, as text. */
  readonly calls: string[];
  /** Answered in this order; a call's place is told by how many of the model's own calls it has in it. */
  responses: readonly ScriptedResponse[];
  /** Takes the place of `responses` where it is not null, for several agents at once: told a call's body and its place. */
  answer: ((text: string, place: number) => ScriptedResponse) | null;
  /** Answered instead, where it is not null. */
  refusal: { readonly status: number; readonly body: object } | null;
  close(): Promise<void>;
}

/** Speaks the Responses API, streaming, as far as Codex needs it: for tests, on loopback, without a model. */
export async function startResponsesServer(): Promise<ResponsesServer> {
  const server = createServer(async (request, response) => {
    const chunks: Buffer[] = [];
    for await (const chunk of request) chunks.push(chunk as Buffer);
    const text = Buffer.concat(chunks).toString('utf8');
    const { pathname } = new URL(request.url ?? '/', self.url);
    if (request.method !== 'POST' || !pathname.endsWith('/responses')) {
      response.writeHead(404).end('{}');
      return;
    }
    if (self.refusal !== null) {
      const { status, body } = self.refusal;
      response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(body));
      return;
    }
    self.calls.push(text);
    const { input } = JSON.parse(text) as { input: { type?: string }[] };
    const place = new Set(input.filter(({ type }) => type === 'function_call_output')).size;
    const next = self.answer === null ? self.responses[place] : self.answer(text, place);
    send(response, next ?? { text: 'Nothing more to do.' }, place);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const self: ResponsesServer = {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    calls: [],
    responses: [],
    answer: null,
    refusal: null,
    async close() {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
  return self;
}

function send(response: ServerResponse, { text, calls = [], usage }: ScriptedResponse, place: number): void {
  response.writeHead(200, { 'content-type': 'text/event-stream' });
  const emit = (type: string, data: object): void => {
    response.write(`event: ${type}\ndata: ${JSON.stringify({ type, ...data })}\n\n`);
  };
  const id = `resp_${place}`;
  emit('response.created', { response: { id } });
  const items = [
    ...(text === undefined
      ? []
      : [
          {
            type: 'message',
            role: 'assistant',
            id: `msg_${place}`,
            content: [{ type: 'output_text', text }],
          },
        ]),
    ...calls.map(({ name, arguments: given }, index) => ({
      type: 'function_call',
      call_id: `call_${place}_${index}`,
      name,
      arguments: JSON.stringify(given),
    })),
  ];
  for (const item of items) emit('response.output_item.done', { item });
  const { input = 0, cached = 0, output = 0 } = usage ?? {};
  emit('response.completed', {
    response: {
      id,
      usage: {
        input_tokens: input,
        input_tokens_details: { cached_tokens: cached },
        output_tokens: output,
        output_tokens_details: { reasoning_tokens: 0 },
        total_tokens: input + output,
      },
    },
  });
  response.end();
}
