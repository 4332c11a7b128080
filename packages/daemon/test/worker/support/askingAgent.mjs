// An agent that asks for resources by the socket that it finds, as the metadata of its task say, and appends each answer to the
// file `said`, after what it was told. `meet`: once it has the first, it writes the one file and waits for the other. `stubborn`: once
// refused, it writes that file and goes on, deaf to TERM. `gate`: at last it waits until that file is there.
import { appendFileSync, existsSync, readFileSync, writeFileSync } from 'node:fs';
import { request } from 'node:http';

const context = JSON.parse(readFileSync(0, 'utf8'));
const { asks = [], said, meet, stubborn, gate } = context.task.metadata;
const socketPath = process.env.NEOLITH_SOCKET;

const ask = (body) =>
  new Promise((resolve, reject) => {
    const call = request({ socketPath, path: '/resources', method: 'POST' }, (response) => {
      let text = '';
      response.on('data', (chunk) => {
        text += chunk;
      });
      response.on('end', () => resolve({ status: response.statusCode, body: JSON.parse(text) }));
    });
    call.on('error', reject);
    call.end(JSON.stringify(body));
  });
const until = async (file) => {
  while (!existsSync(file)) await new Promise((resolve) => setTimeout(resolve, 20));
};
const say = (object) => said && appendFileSync(said, `${JSON.stringify(object)}\n`);

say({
  status: 0,
  body: {
    socket: socketPath,
    command: process.env.NEOLITH_COMMAND,
    environment: JSON.stringify(process.env),
  },
});
for (const [n, body] of asks.entries()) {
  const answer = await ask(body);
  say(answer);
  if (answer.status === 409) {
    if (!stubborn) process.exit(1);
    process.on('SIGTERM', () => {});
    writeFileSync(stubborn, '');
    await until('/nowhere');
  }
  if (n === 0 && meet) {
    writeFileSync(meet[0], '');
    await until(meet[1]);
  }
}
if (gate) await until(gate);
console.log('::neolith {"output": "done"}');
