// Calls one function of a module for one task. Started by the agent `script`:
//   node callFunction.mjs MODULE FUNCTION
// The function is given the task; what it returns is the result, what it throws a failure.
import { readFileSync, writeFileSync } from 'node:fs';
import { pathToFileURL } from 'node:url';

const [modulePath, functionName] = process.argv.slice(2);
const { env } = process;

const say = (object) => process.stdout.write(`::neolith ${JSON.stringify(object)}\n`);

let isBlocked = false;
const task = {
  taskId: env.NEOLITH_TASK_ID,
  attemptId: env.NEOLITH_ATTEMPT_ID,
  workingDirectory: process.cwd(),
  context: JSON.parse(readFileSync(env.NEOLITH_CONTEXT_FILE, 'utf8')),
  /** The task in words; read when asked for, as it may be megabytes. */
  get prompt() {
    return readFileSync(env.NEOLITH_PROMPT_FILE, 'utf8');
  },
  progress: (percent, message) => say({ progress: percent, ...(message === undefined ? {} : { message }) }),
  message: (message) => say({ message }),
  artifact: (type, content) => say({ artifact: { type, content } }),
  metadata: (metadata) => say({ metadata }),
  block(reason, question) {
    isBlocked = true;
    say({ blocked: reason, ...(question === undefined ? {} : { question }) });
  },
};

const module = await import(pathToFileURL(modulePath).href);
const wanted = module[functionName] ?? module.default?.[functionName];
if (typeof wanted !== 'function') {
  console.error(`${modulePath} exports no function called ${JSON.stringify(functionName)}.`);
  process.exit(1);
}
const output = await wanted(task);
// By the file: a line is cut where a result is long.
if (!isBlocked) writeFileSync(env.NEOLITH_RESULT_FILE, JSON.stringify(output ?? null));
// What the function left open must not keep the task running.
process.stdout.write('', () => process.exit());
