import { z } from 'zod';
import { readResource, writeResource } from '../schemas/resource.js';
import { parsePlanDue } from './planDue.js';
import { fitsUtf8Bytes, planLimits } from './planLimits.js';

export const planPriorities = ['CRITICAL', 'HIGH', 'MEDIUM', 'LOW'] as const;
export const planTaskStatuses = ['open', 'done', 'cancelled'] as const;

export const planWaves = ['off', 'strict'] as const;
export const planFailurePolicies = ['continue', 'stop', 'quarantine'] as const;
export const planPrerequisiteFailures = ['block', 'cancel', 'release'] as const;

export type PlanPriority = (typeof planPriorities)[number];
export type PlanTaskStatus = (typeof planTaskStatuses)[number];

// Control characters in an id break log lines, command lines and (NUL) PostgreSQL.
const idPattern = /^[^\s\p{Cc}](?:[^\p{Cc}]*[^\s\p{Cc}])?$/u;

const idText = z
  .string()
  .max(planLimits.idCharsMax, `must have at most ${planLimits.idCharsMax} characters`)
  .regex(idPattern, 'must not be empty, start or end with a space, or hold control characters');

/** Whole numbers are taken as ids too, because `id: 1` is what people write by hand in YAML. */
const id = z
  .union([idText, z.int()], {
    error: (issue) =>
      typeof issue.input === 'string'
        ? `must be 1 to ${planLimits.idCharsMax} characters without control characters or outer spaces`
        : 'must be a text or a whole number',
  })
  .transform(String);

const priority = z
  .string('must be CRITICAL, HIGH, MEDIUM or LOW')
  .transform((text) => text.toUpperCase())
  .pipe(z.enum(planPriorities, 'must be CRITICAL, HIGH, MEDIUM or LOW'));

const due = z
  .string('must be a date (2026-11-20) or a date-time with its offset (2026-11-20T17:00:00+01:00)')
  .refine((text) => parsePlanDue(text) !== null, {
    error:
      'must be a date (2026-11-20) or a date-time with its offset (2026-11-20T17:00:00+01:00), year 1970 to 9999',
  });

function lineOfText(charsMax: number) {
  const message = `must be a text of 1 to ${charsMax} characters`;
  return z
    .string(message)
    .max(charsMax, message)
    .refine((text) => text.trim() !== '', { error: message });
}

const description = z
  .string('must be a text')
  .refine((text) => fitsUtf8Bytes(text, planLimits.descriptionBytesMax), {
    error: `must take at most ${planLimits.descriptionBytesMax / 1024} KB; put the rest in a file and name it here`,
  });

const tags = z
  .array(lineOfText(planLimits.tagCharsMax), 'must be a list of texts')
  .max(planLimits.tagsMax, `must have at most ${planLimits.tagsMax} entries`);

/** Says why `value` can't be metadata, or null. Cyclic and very deep values can't be written as JSON at all. */
function findMetadataFault(value: Record<string, unknown>): string | null {
  let json: string;
  try {
    json = JSON.stringify(value);
  } catch (cause) {
    return `can't be written as JSON (${cause instanceof Error ? cause.message : String(cause)})`;
  }
  return fitsUtf8Bytes(json, planLimits.metadataBytesMax)
    ? null
    : `must take at most ${planLimits.metadataBytesMax / 1024} KB as JSON`;
}

const metadata = z.record(z.string(), z.unknown(), 'must be an object').superRefine((value, context) => {
  const fault = findMetadataFault(value);
  if (fault !== null) context.addIssue({ code: 'custom', message: fault });
});

const resources = z
  .array(
    z.union([
      z.string(),
      z.strictObject({ resource: z.string(), mode: z.enum(['exclusive', 'shared']).optional() }),
    ]),
    'must be a list of resources (path:src/api/**, shared db-schema)',
  )
  .max(planLimits.resourcesMax, `must have at most ${planLimits.resourcesMax} entries`)
  .transform((given, context) =>
    given.map((one, index) => {
      const use = readResource(typeof one === 'string' ? one : one.resource);
      if (typeof use === 'string') {
        context.addIssue({ code: 'custom', path: [index], message: use });
        return '';
      }
      return writeResource(typeof one === 'string' ? use : { ...use, mode: one.mode ?? use.mode });
    }),
  );

const attemptsMessage = `must be a whole number from 1 to ${planLimits.attemptsMax}`;
const maxAttempts = z
  .int(attemptsMessage)
  .min(1, attemptsMessage)
  .max(planLimits.attemptsMax, attemptsMessage);

function numberBetween(min: number, max: number) {
  const message = `must be a number from ${min} to ${max}`;
  return z.number(message).min(min, message).max(max, message);
}

/** How long tasks wait after a failure. */
export const planBackoffSchema = z
  .strictObject(
    {
      baseSeconds: wholeNumber(0, planLimits.backoffBaseSecondsMax)
        .optional()
        .describe('What the first wait is shorter than. 10 when left out.'),
      factor: numberBetween(1, planLimits.backoffFactorMax)
        .optional()
        .describe('By which it grows with each failure. 2 when left out.'),
      capSeconds: wholeNumber(0, planLimits.backoffCapSecondsMax)
        .optional()
        .describe('No wait is longer. 600 when left out.'),
    },
    { error: (issue) => (issue.code === 'invalid_type' ? 'must be an object' : undefined) },
  )
  .refine(
    ({ baseSeconds, capSeconds }) =>
      baseSeconds === undefined || capSeconds === undefined || baseSeconds <= capSeconds,
    { path: ['capSeconds'], message: 'must not be below baseSeconds' },
  );

function minutes(max: number) {
  const message = `must be a number of minutes above 0, at most ${max}`;
  return z.number(message).positive(message).max(max, message);
}

const timeoutMinutes = minutes(planLimits.timeoutMinutesMax);

export const planDefaultsSchema = z
  .strictObject({
    priority: priority.optional().describe('Priority of tasks that give none. MEDIUM when left out.'),
    orchestrator: lineOfText(300)
      .optional()
      .describe('Name or id of the orchestrator of tasks that name none.'),
    tags: tags.optional().describe('Put on every task beside its own.'),
    resources: resources.optional().describe('Asked for by every task beside its own.'),
    maxAttempts: maxAttempts.optional(),
    backoff: planBackoffSchema.optional().describe('How long tasks wait after a failure.'),
    timeoutMinutes: timeoutMinutes.optional(),
    due: due.optional().describe('Due date of tasks that give none and inherit none from a parent.'),
  })
  .describe('What holds for every task that does not say otherwise.');

function wholeNumber(min: number, max: number) {
  const message = `must be a whole number from ${min} to ${max}`;
  return z.int(message).min(min, message).max(max, message);
}

function wordOf<const Words extends readonly [string, ...string[]]>(words: Words) {
  return z.enum(words, `must be ${words.slice(0, -1).join(', ')} or ${words.at(-1)}`);
}

const rate = 'must be a number above 0, at most 1';

/** How the run of a plan goes about it; whatever is left out takes the server's default. */
export const planRunSchema = z
  .strictObject({
    maxConcurrentTasks: wholeNumber(1, planLimits.concurrencyMax)
      .optional()
      .describe('Tasks of the run in work at once.'),
    maxConcurrentMerges: wholeNumber(1, planLimits.concurrencyMax)
      .optional()
      .describe('Merges of the run at once.'),
    waves: wordOf(planWaves)
      .optional()
      .describe('strict: a wave starts when the one before is over. off: whatever is ready starts.'),
    waveDelaySeconds: wholeNumber(0, planLimits.runSecondsMax)
      .optional()
      .describe('Pause between two waves.'),
    maxAgentsPerWave: wholeNumber(1, planLimits.concurrencyMax).optional(),
    mergeStage: z
      .boolean('must be true or false')
      .optional()
      .describe('True: a task is done when its code is merged, not when it is written.'),
    failurePolicy: wordOf(planFailurePolicies)
      .optional()
      .describe('What becomes of the run when tasks fail.'),
    failureThreshold: z
      .strictObject({
        consecutive: wholeNumber(1, 1_000).optional().describe('Failures in a row.'),
        rate: z.number(rate).positive(rate).max(1, rate).optional().describe('Share of attempts that fail.'),
        minAttempts: wholeNumber(1, 1_000_000)
          .optional()
          .describe('Attempts that must have ended before the rate counts.'),
      })
      .optional()
      .describe('When failurePolicy quarantine takes hold.'),
    onPrerequisiteFailure: wordOf(planPrerequisiteFailures)
      .optional()
      .describe('What becomes of tasks whose prerequisite fails or is cancelled.'),
    backoff: planBackoffSchema
      .optional()
      .describe('How long tasks wait after a failure, where they do not say so themselves.'),
    timeoutSeconds: wholeNumber(1, planLimits.runSecondsMax).optional().describe('Of the whole run.'),
  })
  .describe('Settings of the run that executes the plan.');

export const planPhaseSchema = z
  .strictObject({
    id: id.describe('Your own id of the phase, unique among the phases of the plan.'),
    name: lineOfText(planLimits.nameCharsMax).optional().describe('The id when left out.'),
    parent: id.optional().describe('Id of the phase this one is part of.'),
    after: z
      .array(id, 'must be a list of phase ids')
      .optional()
      .describe('Ids of the phases whose tasks must all be done before a task of this one starts.'),
    due: due.optional().describe('Due date of its tasks that give none and inherit none from a parent.'),
    priority: priority.optional().describe('Priority of its tasks that give none.'),
    tags: tags.optional().describe('Put on each of its tasks.'),
  })
  .describe('A group of tasks that share a due date, a priority, tags, or what they wait for.');

export const planTaskSchema = z.strictObject({
  id: id.describe(
    'Your own id of the task, unique in the plan; importing again updates the task with this id.',
  ),
  title: lineOfText(planLimits.titleCharsMax).describe('One line that names the work.'),
  description: description.optional().describe('What is to be done, as Markdown.'),
  priority: priority.optional().describe('CRITICAL, HIGH, MEDIUM or LOW, in any case.'),
  due: due
    .optional()
    .describe(
      'Date-time with offset, or a date: the end of that day in UTC. Children without one inherit it.',
    ),
  tags: tags.optional(),
  resources: resources
    .optional()
    .describe(
      'What it must not use at once with other tasks: path:GLOB or any name, exclusive unless "shared " stands in front.',
    ),
  dependsOn: z
    .array(id, 'must be a list of task ids')
    .optional()
    .describe('Ids of the tasks that must be done before this one starts.'),
  parent: id
    .optional()
    .describe(
      'Id of the task this one is part of. The parent closes last; its prerequisites hold for its children.',
    ),
  phase: id.optional().describe("Id of the phase it belongs to; its parent's when left out."),
  orchestrator: lineOfText(300).optional().describe('Name or id of the orchestrator who does it.'),
  estimateMinutes: minutes(planLimits.estimateMinutesMax).optional(),
  maxAttempts: maxAttempts.optional(),
  backoff: planBackoffSchema
    .optional()
    .describe('How long it waits after a failure; what it leaves out is that of the defaults.'),
  timeoutMinutes: timeoutMinutes.optional(),
  metadata: metadata.optional().describe('Anything else, kept with the task as JSON.'),
  status: z
    .enum(planTaskStatuses, 'must be open, done or cancelled')
    .optional()
    .describe('open when left out.'),
  acceptanceCriteria: z
    .array(lineOfText(planLimits.acceptanceCriterionCharsMax), 'must be a list of texts')
    .max(planLimits.acceptanceCriteriaMax, `must have at most ${planLimits.acceptanceCriteriaMax} entries`)
    .optional()
    .describe('What must hold for the task to count as done.'),
});

/**
 * A plan in our own format, as written by people and programs. Fields it does not know are refused.
 * What spans several tasks (unique ids, references, cycles) is not checked here but when the plan is read.
 */
export const planSchema = z.strictObject({
  version: z.literal(1, 'must be 1, the only version of the plan format there is'),
  name: lineOfText(planLimits.nameCharsMax).describe('What the plan is called.'),
  description: description.optional(),
  defaults: planDefaultsSchema.optional(),
  run: planRunSchema.optional(),
  phases: z.array(planPhaseSchema, 'must be a list of phases').optional(),
  dependenciesComplete: z
    .boolean('must be true or false')
    .optional()
    .describe(
      'True: dependsOn names everything a task waits for, and nothing is added from parents and phases. Plans that are written by a program say so.',
    ),
  tasks: z.array(planTaskSchema, 'must be a list of tasks'),
});

/** A plan after parsing: ids are texts, priorities upper case. */
export type Plan = z.output<typeof planSchema>;
/** A plan as one may write it. */
export type PlanInput = z.input<typeof planSchema>;
export type PlanTask = z.output<typeof planTaskSchema>;
export type PlanDefaults = z.output<typeof planDefaultsSchema>;
export type PlanPhase = z.output<typeof planPhaseSchema>;
export type PlanRun = z.output<typeof planRunSchema>;
