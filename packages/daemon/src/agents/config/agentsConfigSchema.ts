import { z } from 'zod';
import { MODEL_NAME } from '../commandAgent.js';
import type { AgentName } from '../registry.js';
import { FUNCTION_NAME } from '../script.js';

const LIST_MAX = 200;
const MS_MAX = 24 * 60 * 60_000;

const word = z
  .string()
  .min(1, 'must not be empty')
  .max(10_000, 'must be at most 10,000 characters')
  .refine((text) => !text.includes('\0'), 'must not have a NUL character in it');
const words = z.array(word).max(LIST_MAX, `must have at most ${LIST_MAX} items`);

const COMMAND = 'must be a program, or a list of a program and its first arguments';
const command = z.union(
  [word.refine((text) => text.trim() !== '', 'must not be empty'), words.min(1, 'must not be an empty list')],
  { error: COMMAND },
);

const variableName = z
  .string()
  .regex(/^[A-Za-z_]\w{0,199}$/, 'is no name of an environment variable')
  .refine(
    (name) => !/^NEOLITH_/i.test(name),
    'begins with NEOLITH_: such variables are of the daemon and not passed to agents',
  );

/** What every agent that is started as a process may be given. */
const surroundings = {
  environmentNames: z.array(variableName).max(LIST_MAX).exactOptional(),
  /** Variables that are set for this agent, whatever they are for the daemon. */
  environment: z
    .record(
      variableName,
      z
        .string()
        .max(100_000)
        .refine((text) => !text.includes('\0'), 'must not have a NUL character in it'),
    )
    .exactOptional(),
};
const milliseconds = z.number().int('must be a whole number').min(1, 'must be at least 1').max(MS_MAX);
const lingerAfterResultMs = z
  .number()
  .int('must be a whole number of milliseconds, or null')
  .min(0)
  .max(MS_MAX)
  .nullable()
  .exactOptional();

const commandAgent = {
  command: command.exactOptional(),
  extraArguments: words.exactOptional(),
  model: z.string().regex(MODEL_NAME, "can't be the name of a model").exactOptional(),
  lingerAfterResultMs,
  ...surroundings,
};
const host = z
  .string()
  .regex(/^[\w.-]{1,253}(?::\d{1,5})?$/, 'must be a host, such as "api.example" or "api.example:8443"');

const agents = z.strictObject({
  aider: z.strictObject(commandAgent).exactOptional(),
  claude: z.strictObject({ ...commandAgent, allowedTools: words.exactOptional() }).exactOptional(),
  cline: z.strictObject(commandAgent).exactOptional(),
  codex: z
    .strictObject({
      ...commandAgent,
      sandbox: z.enum(['workspace-write', 'danger-full-access']).exactOptional(),
    })
    .exactOptional(),
  copilot: z.strictObject(commandAgent).exactOptional(),
  cursor: z.strictObject(commandAgent).exactOptional(),
  gemini: z.strictObject(commandAgent).exactOptional(),
  opencode: z.strictObject(commandAgent).exactOptional(),
  script: z
    .strictObject({
      file: word.regex(/\.(?:js|mjs|cjs|py)$/, 'must be a .js, .mjs, .cjs or .py file').exactOptional(),
      function: z.string().regex(FUNCTION_NAME, "can't be the name of a function").exactOptional(),
      lingerAfterResultMs,
      ...surroundings,
    })
    .exactOptional(),
  shell: z
    .strictObject({ command: command.exactOptional(), lingerAfterResultMs, ...surroundings })
    .exactOptional(),
  tool: z
    .strictObject({
      testCommand: words.min(1, 'must not be an empty list').exactOptional(),
      allowedHosts: z.array(host).max(LIST_MAX).exactOptional(),
      privateHosts: z.array(host).max(LIST_MAX).exactOptional(),
      maxBytes: z
        .number()
        .int('must be a whole number')
        .min(1)
        .max(64 * 1024 * 1024)
        .exactOptional(),
      requestTimeoutMs: milliseconds.exactOptional(),
      ...surroundings,
    })
    .exactOptional(),
  windsurf: z.strictObject({ promptsDirectory: word.exactOptional() }).exactOptional(),
} satisfies Record<AgentName, z.ZodType>);

/** `agents.config.json`: what the operator of a machine sets for its agents. */
export const agentsConfigSchema = z.strictObject({
  /** For editors. */
  $schema: z.string().exactOptional(),
  version: z.literal(1).default(1),
  agents: agents.default({}),
});

export type ConfiguredAgents = z.output<typeof agents>;
