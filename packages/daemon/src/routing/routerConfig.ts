import { ROUTE_STRATEGIES, type RouteStrategy, TASK_PRIORITIES } from '@neolith/contracts';
import { z } from 'zod';
import { COMPLEXITIES, TASK_TYPES } from './taskType.js';

const AGENT_NAME = /^[a-z][a-z0-9-]{0,49}$/;
const NOT_AN_AGENT = 'must be the name of an agent, in small letters, such as "claude"';
const agentName = z.string().regex(AGENT_NAME, NOT_AN_AGENT);
const word = z.string().trim().min(1, 'must not be empty').max(200, 'must be at most 200 characters');
const agents = z
  .array(agentName)
  .min(1, 'must name at least one agent')
  .max(20, 'must name at most 20 agents')
  .refine((names) => new Set(names).size === names.length, 'must not name an agent twice')
  .meta({ uniqueItems: true });
const anyOf = <Item extends z.ZodType>(item: Item) =>
  z.array(item).min(1, 'must not be empty; leave it out to match everything').max(100).optional();

const conditionSchema = z.strictObject({
  types: anyOf(z.enum(TASK_TYPES)).describe('What kind of work it is.'),
  complexities: anyOf(z.enum(COMPLEXITIES)),
  tags: anyOf(word),
  capabilities: anyOf(word).describe('Of the orchestrator that owns the task.'),
  technologies: anyOf(word).describe('Those that the task names, or the repository has.'),
  priorities: anyOf(z.enum(TASK_PRIORITIES)),
});

const weight = z
  .number()
  .min(0, 'must not be negative')
  .max(2, 'must be at most 2: cost and time would decide alone')
  .optional();

const strategySchema = z
  .union(
    [
      z.enum(ROUTE_STRATEGIES),
      z.strictObject({
        kind: z.literal('auto'),
        costWeight: weight.describe(
          'How much the cost counts beside success, from 0 (not at all). Default 0.2.',
        ),
        durationWeight: weight.describe('How much the time counts beside success, from 0. Default 0.1.'),
      }),
    ],
    {
      error: `must be one of ${ROUTE_STRATEGIES.map((name) => `"${name}"`).join(', ')}, or {"kind": "auto", "costWeight": 0.2, "durationWeight": 0.1}`,
    },
  )
  .describe(
    'Which of the agents that may be used: fixed, the first of the list; round_robin, one after the other; auto, by measured success, cost and time.',
  );

const ruleSchema = z.strictObject({
  name: word.optional().describe('Shown in reasons. Default: rule N, from 1.'),
  when: conditionSchema
    .default({})
    .describe(
      'Every field that is given must hold, each by any one of its values. Left out: every task matches.',
    ),
  agents: agents.describe('In the order in which they are wanted.'),
  strategy: strategySchema.optional().describe('Default: fixed.'),
  fallback: z
    .boolean()
    .optional()
    .describe('False: no other agent than these does the task; it waits for them. Default true.'),
});

/** `router.config.json`: which agents take which tasks. */
export const routerConfigSchema = z.strictObject({
  $schema: z.string().optional().describe('For editors.'),
  version: z.literal(1).default(1),
  rules: z.array(ruleSchema).max(500).default([]).describe('Tried from first to last.'),
  defaultAgents: agents
    .optional()
    .describe('For tasks that no rule gives an agent that may be used. Default: those that are installed.'),
  defaultStrategy: strategySchema
    .optional()
    .describe('Which of the default agents. Default: fixed, the first in order.'),
  limits: z
    .record(
      z.string().regex(AGENT_NAME, NOT_AN_AGENT),
      z.number().int().min(1, 'must be at least 1').max(1_000),
    )
    .optional()
    .describe('How many of an agent run at once on one daemon. Default: as many as it has slots.'),
});

export type RouterConfig = z.output<typeof routerConfigSchema>;
export type RouterRule = z.output<typeof ruleSchema>;
export type RouterCondition = z.output<typeof conditionSchema>;

/** What counts where there is no `router.config.json`. */
export const DEFAULT_ROUTER_CONFIG: RouterConfig = { version: 1, rules: [] };

/** A strategy, spelt out. */
export interface StrategySettings {
  readonly kind: RouteStrategy;
  readonly costWeight: number;
  readonly durationWeight: number;
}

/** Spells out what a configuration says in short. */
export function readStrategy(strategy: RouterRule['strategy']): StrategySettings {
  const { kind, costWeight, durationWeight } =
    typeof strategy === 'object' ? strategy : { kind: strategy ?? 'fixed' };
  return { kind, costWeight: costWeight ?? 0.2, durationWeight: durationWeight ?? 0.1 };
}

/** Whether any choice by it needs to know how agents did before. */
export function usesFigures({ rules, defaultStrategy }: RouterConfig): boolean {
  return [defaultStrategy, ...rules.map(({ strategy }) => strategy)].some(
    (strategy) => readStrategy(strategy).kind === 'auto',
  );
}

/** The JSON Schema (draft 2020-12) of `router.config.json`, made from the schema that checks it. */
export function makeRouterJsonSchema(): Record<string, unknown> {
  return { title: 'Neolith router configuration', ...z.toJSONSchema(routerConfigSchema, { io: 'input' }) };
}
