import { z } from 'zod';
import { MODEL_NAME } from './commandAgent.js';

export const LIST_MAX = 200;
const MS_MAX = 24 * 60 * 60_000;

export const word = z
  .string()
  .min(1, 'must not be empty')
  .max(10_000, 'must be at most 10,000 characters')
  .refine((text) => !text.includes('\0'), 'must not have a NUL character in it');
export const words = z.array(word).max(LIST_MAX, `must have at most ${LIST_MAX} items`);

const COMMAND = 'must be a program, or a list of a program and its first arguments';
export const command = z.union(
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
export const surroundings = {
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
export const milliseconds = z.number().int('must be a whole number').min(1, 'must be at least 1').max(MS_MAX);
export const lingerAfterResultMs = z
  .number()
  .int('must be a whole number of milliseconds, or null')
  .min(0)
  .max(MS_MAX)
  .nullable()
  .exactOptional();

/** What every agent may be given that is a command of others. */
export const commandAgentSettings = {
  command: command.exactOptional(),
  extraArguments: words.exactOptional(),
  model: z.string().regex(MODEL_NAME, "can't be the name of a model").exactOptional(),
  lingerAfterResultMs,
  ...surroundings,
};
