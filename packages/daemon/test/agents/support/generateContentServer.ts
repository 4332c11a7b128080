import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';

/** One answer of the model. */
export interface ScriptedContent {
  readonly text?: string;
  readonly call?: { readonly name: string; readonly args: Record<string, unknown> };
}

export interface GenerateContentServer {
  readonly url: string;
  /** The bodies of all calls, as text. */
  readonly calls: string[];
  /** Answered in this order; a call's place is told by how many results of tools it has in it. */
  contents: readonly ScriptedContent[];
  /** Answered instead, where it is not null. */
  refusal: { readonly code: number; readonly status: string; readonly message: string } | null;
  close(): Promise<void>;
}

/** Speaks Gemini's `streamGenerateContent`, as far as its command needs it: for tests, on loopback, without a model. */
export async function startGenerateContentServer(): Promise<GenerateContentServer> {
  const server = createServer(async (request, response) => {
    const chunks: Buffer[] = [];
    for await (const chunk of request) chunks.push(chunk as Buffer);
    const text = Buffer.concat(chunks).toString('utf8');
    if (self.refusal !== null) {
      response.writeHead(self.refusal.code, { 'content-type': 'application/json' });
      response.end(JSON.stringify({ error: self.refusal }));
      return;
    }
    self.calls.push(text);
    const { contents } = JSON.parse(text) as { contents: { parts: { functionResponse?: object }[] }[] };
    const results = contents.flatMap(({ parts }) =>
      parts.filter((part) => part.functionResponse !== undefined),
    );
    const { text: said = '', call } = self.contents[results.length] ?? { text: 'Nothing more to do.' };
    const parts = [
      ...(said === '' ? [] : [{ text: said }]),
      ...(call === undefined ? [] : [{ functionCall: call }]),
    ];
    const answer = {
      candidates: [{ content: { role: 'model', parts }, finishReason: 'STOP', index: 0 }],
      usageMetadata: {
        promptTokenCount: 100,
        candidatesTokenCount: 10,
        cachedContentTokenCount: 40,
        totalTokenCount: 110,
      },
    };
    response.writeHead(200, { 'content-type': 'text/event-stream' });
    response.end(`data: ${JSON.stringify(answer)}\n\n`);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const self: GenerateContentServer = {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    calls: [],
    contents: [],
    refusal: null,
    async close() {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
  return self;
}
