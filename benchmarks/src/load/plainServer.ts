import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { answerJobs } from './loadProcess.js';

/** Node's own server with nothing behind it: what the machine and the runtime give. */
answerJobs<object, string>(async () => {
  const text = JSON.stringify({ status: 'ok' });
  const server = createServer((_request, response) => {
    response.writeHead(200, { 'content-type': 'application/json', 'content-length': text.length }).end(text);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
});
