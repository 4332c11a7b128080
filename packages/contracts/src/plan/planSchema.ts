import { z } from 'zod';
import { parsePlanDue } from './planDue.js';
import { fitsUtf8Bytes, planLimits } from './planLimits.js';

export const planPriorities = ['CRITICAL', 'HIGH', 'MEDIUM', 'LOW'] as const;
export const planTaskStatuses = ['open', 'done', 'cancelled'] as const;

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

const attemptsMessage = `must be a whole number from 1 to ${planLimits.attemptsMax}`;
const maxAttempts = z
  .int(attemptsMessage)
  .min(1, attemptsMessage)
  .max(planLimits.attemptsMax, attemptsMessage);

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
    maxAttempts: maxAttempts.optional(),
    timeoutMinutes: timeoutMinutes.optional(),
    due: due.optional().describe('Due date of tasks that give none and inherit none from a parent.'),
  })
  .describe('What holds for every task that does not say otherwise.');

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
  dependsOn: z
    .array(id, 'must be a list of task ids')
    .optional()
    .describe('Ids of the tasks that must be done before this one starts.'),
  parent: id
    .optional()
    .describe(
      'Id of the task this one is part of. The parent closes last; its prerequisites hold for its children.',
    ),
  orchestrator: lineOfText(300).optional().describe('Name or id of the orchestrator who does it.'),
  estimateMinutes: minutes(planLimits.estimateMinutesMax).optional(),
  maxAttempts: maxAttempts.optional(),
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
  tasks: z.array(planTaskSchema, 'must be a list of tasks'),
});

/** A plan after parsing: ids are texts, priorities upper case. */
export type Plan = z.output<typeof planSchema>;
/** A plan as one may write it. */
export type PlanInput = z.input<typeof planSchema>;
export type PlanTask = z.output<typeof planTaskSchema>;
export type PlanDefaults = z.output<typeof planDefaultsSchema>;
