import { z } from 'zod';
import { dateTimeSchema } from './common.js';

/** How a resource is used: by any number at once who share it, or by one alone. */
export const RESOURCE_MODES = ['exclusive', 'shared'] as const;
export const resourceModeSchema = z.enum(RESOURCE_MODES).meta({ id: 'ResourceMode' });
export type ResourceMode = z.infer<typeof resourceModeSchema>;

/** Resources that one task may declare, or one attempt ask for at once. */
export const RESOURCES_MAX = 50;

/** Something that two tasks must not use at once, in its one way of being written. */
export interface ResourceUse {
  /** `path:` and a glob, or any other name, compared as it is. */
  resource: string;
  mode: ResourceMode;
}

const WRITTEN = /^(?:(exclusive|shared) +)?([^\s\p{Cc}]{1,300})$/u;
const PATH = 'path:';

/**
 * Reads a resource as people write it: `NAME`, `shared NAME` or `exclusive NAME`; without a mode it is exclusive. A name
 * has no white space. Of a `path:` the parts `.` and doubled slashes are left out, and a trailing slash means everything
 * beneath. Returns why it can't be read as a text.
 */
export function readResource(written: string): ResourceUse | string {
  if (!written.isWellFormed()) return 'must not contain lone surrogates';
  const match = WRITTEN.exec(written.trim());
  if (match === null)
    return 'must be a name without white space of at most 300 characters, perhaps with "shared " or "exclusive " in front of it';
  const mode = match[1] === 'shared' ? 'shared' : 'exclusive';
  const resource = match[2] as string;
  if (!resource.startsWith(PATH)) return { resource, mode };
  const path = tidyPath(resource.slice(PATH.length));
  return 'fault' in path ? path.fault : { resource: `${PATH}${path.glob}`, mode };
}

function tidyPath(glob: string): { glob: string } | { fault: string } {
  if (glob.startsWith('/'))
    return { fault: 'names a path from the root; write it from the top of the repository' };
  const parts = glob.split('/').filter((part) => part !== '' && part !== '.');
  if (glob.endsWith('/')) parts.push('**');
  if (parts.length === 0) return { fault: 'names no path; path:** is the whole repository' };
  if (parts.includes('..')) return { fault: 'leaves the repository with ".."' };
  const mixed = parts.find((part) => part !== '**' && part.includes('**'));
  if (mixed !== undefined)
    return { fault: `has "${mixed}": ** stands for whole parts of a path and is written between slashes` };
  const other = /[[\]{}!]/.exec(glob);
  if (other !== null) return { fault: `has "${other[0]}"; only **, * and ? stand for something else` };
  // Two of them in a row say what one says.
  return { glob: parts.filter((part, index) => part !== '**' || parts[index - 1] !== '**').join('/') };
}

/** How a use is written: `exclusive path:src/**`. Also how it is stored. */
export function writeResource({ mode, resource }: ResourceUse): string {
  return `${mode} ${resource}`;
}

const writtenResource = z
  .string()
  .max(400)
  .superRefine((written, context) => {
    const read = readResource(written);
    if (typeof read === 'string') context.addIssue({ code: 'custom', message: read });
  });

/** A resource as it is given: a text (`port:3000`, `shared db-schema`), or its two halves. */
export const resourceInputSchema = z
  .union([
    writtenResource,
    z.strictObject({ resource: writtenResource, mode: resourceModeSchema.optional() }),
  ])
  .meta({ id: 'ResourceInput' });
export type ResourceInput = z.infer<typeof resourceInputSchema>;

export const resourceInputsSchema = z.array(resourceInputSchema).max(RESOURCES_MAX);

/** A checked input in its one way of being written. The mode beside a name outweighs one in its text. */
export function toResourceUse(input: ResourceInput): ResourceUse {
  const read = readResource(typeof input === 'string' ? input : input.resource);
  if (typeof read === 'string') throw new TypeError(`A resource ${read}`);
  return typeof input === 'string' || input.mode === undefined ? read : { ...read, mode: input.mode };
}

export const resourceUseSchema = z
  .object({ resource: z.string(), mode: resourceModeSchema })
  .meta({ id: 'ResourceUse' });

export const acquireRequestSchema = z
  .strictObject({
    resources: resourceInputsSchema.min(1),
    /** How long to wait for the answer, at most 25 s. The place in the line stays beyond it: ask again. */
    waitSeconds: z.number().min(0).max(25).default(0),
  })
  .meta({ id: 'AcquireRequest' });
/** What a caller writes. */
export type AcquireRequest = z.input<typeof acquireRequestSchema>;

const heldBySchema = z
  .object({
    resource: z.string(),
    mode: resourceModeSchema,
    taskId: z.string(),
    title: z.string(),
    attemptId: z.string().nullable(),
    /** True: it holds what is waited for. False: it asked earlier. */
    holds: z.boolean(),
  })
  .meta({ id: 'ResourceObstacle' });
/** What stands in the way of a wait. */
export type ResourceObstacle = z.infer<typeof heldBySchema>;

export const acquireResultSchema = z
  .object({
    attemptId: z.string(),
    granted: z.boolean(),
    /** Since when it waits; null where it was granted, and where another call of the attempt gave up or asked for something else. */
    waitingSince: dateTimeSchema.nullable(),
    waitsFor: z.array(heldBySchema),
  })
  .meta({ id: 'AcquireResult' });
export type AcquireResult = z.infer<typeof acquireResultSchema>;

export const giveUpResultSchema = z
  .object({
    attemptId: z.string(),
    /** What it waited for, and waits for no more; empty: it waited for nothing, perhaps since it has it by now. */
    gaveUp: z.array(resourceUseSchema),
    /** What it holds, and keeps. */
    holds: z.array(resourceUseSchema),
  })
  .meta({ id: 'GiveUpResult' });
export type GiveUpResult = z.infer<typeof giveUpResultSchema>;

export const resourceHoldSchema = z
  .object({
    resource: z.string(),
    mode: resourceModeSchema,
    taskId: z.string(),
    title: z.string(),
    attemptId: z.string(),
    since: dateTimeSchema,
  })
  .meta({ id: 'ResourceHold' });
export type ResourceHold = z.infer<typeof resourceHoldSchema>;

export const resourceWaitSchema = z
  .object({
    resources: z.array(resourceUseSchema),
    taskId: z.string(),
    title: z.string(),
    /** Null: the task has not begun, and waits for its resources to begin. */
    attemptId: z.string().nullable(),
    since: dateTimeSchema,
    waitsFor: z.array(heldBySchema),
  })
  .meta({ id: 'ResourceWait' });
export type ResourceWait = z.infer<typeof resourceWaitSchema>;

/** Attempts that waited for one another in a circle, in order, each for the next; one of them gave way. */
export const resourceDeadlockSchema = z
  .object({
    at: dateTimeSchema,
    cycle: z.array(
      z.object({
        taskId: z.string(),
        /** Null: the task was removed since. */
        title: z.string().nullable(),
        attemptId: z.string(),
        askedFor: z.array(resourceUseSchema),
        since: dateTimeSchema,
        gaveWay: z.boolean(),
      }),
    ),
  })
  .meta({ id: 'ResourceDeadlock' });
export type ResourceDeadlock = z.infer<typeof resourceDeadlockSchema>;

/** Who holds what, who waits for whom, and the last deadlocks that were broken, the latest first. */
export const resourceBoardSchema = z
  .object({
    at: dateTimeSchema,
    holds: z.array(resourceHoldSchema),
    waits: z.array(resourceWaitSchema),
    deadlocks: z.array(resourceDeadlockSchema).default([]),
  })
  .meta({ id: 'ResourceBoard' });
export type ResourceBoard = z.infer<typeof resourceBoardSchema>;
