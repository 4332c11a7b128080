// An agent that does what the metadata of its task says. `gate`: waits until that file is there. `fork`: starts a
// child in a session of its own that ignores TERM. Every pid goes to the file `pids`.
import { spawn } from 'node:child_process';
import { appendFileSync, existsSync, readFileSync } from 'node:fs';

const say = (object) => console.log(`::neolith ${JSON.stringify(object)}`);
const context = JSON.parse(readFileSync(0, 'utf8'));
const { gate, pids, fork, fail, blocked, progress, artifact, deaf, metadata, late } = context.task.metadata;

if (pids) appendFileSync(pids, `${process.pid}\n`);
if (deaf) process.on('SIGTERM', () => {});
if (fork) {
  const child = spawn(
    process.execPath,
    ['-e', "process.on('SIGTERM', () => {}); console.log('up'); setInterval(() => {}, 1000000)"],
    { detached: true, stdio: ['ignore', 'pipe', 'ignore'] },
  );
  await new Promise((resolve) => child.stdout.once('data', resolve));
  appendFileSync(pids, `${child.pid}\n`);
}
for (const percent of progress ?? []) say({ progress: percent, message: `at ${percent}` });
if (metadata) say({ metadata });
if (gate) {
  say({ message: 'waiting at the gate' });
  while (!existsSync(gate)) await new Promise((resolve) => setTimeout(resolve, 20));
}
if (late !== undefined) say({ progress: late, message: 'the last word' });
if (artifact !== undefined) say({ artifact: { type: 'note', content: artifact } });
if (blocked) say({ blocked, question: 'And now?' });
else if (fail) {
  console.error(fail);
  process.exitCode = 3;
} else {
  say({ output: { done: context.task.title, dependencies: context.dependencies.length } });
}
if (fork) process.exit();
