// A daemon in a process of its own, for tests that kill it. Its options come as one argument of JSON.
import { createClient } from '../../../../contracts/dist/index.js';
import { createAgent, createDaemon, createLog } from '../../../dist/index.js';

const { url, token, command, ...options } = JSON.parse(process.argv[2]);
const daemon = createDaemon({
  ...options,
  client: createClient({ baseUrl: url, token }),
  agent: createAgent(
    'shell',
    { hostEnvironment: process.env, baseDirectory: process.cwd() },
    { shell: { command } },
  ),
  secrets: [token],
  log: createLog({ form: 'json', level: 'debug', write: (line) => process.stderr.write(line) }),
});
let signals = 0;
process.on('SIGTERM', () => {
  signals += 1;
  void (signals === 1 ? daemon.drain() : daemon.stop());
});
await daemon.start();
console.log(JSON.stringify({ id: daemon.id() }));
const report = await daemon.finished;
console.log(JSON.stringify(report));
