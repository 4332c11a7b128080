// `npm run chaos -- --seconds N [--seed S]`: real daemons, servers and PostgreSQL under faults; see docs/guides/chaos.md.
import { spawn } from 'node:child_process';
import { prepare, root, run } from './prepare.mjs';

prepare({ build: true });
const child = spawn(process.execPath, ['proofs/dist/main.js', ...process.argv.slice(2)], {
  cwd: root,
  stdio: 'inherit',
  env: run.environment,
});
// A terminal sends Ctrl-C to both; whoever signals this process alone means the other one, too.
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) process.on(signal, () => child.kill(signal));
child.once('exit', (code) => process.exit(code ?? 1));
