import { TASK_PRIORITIES } from '@neolith/contracts';
import { z } from 'zod';
import { COMPLEXITIES, TASK_TYPES } from './taskType.js';

const agentName = z
  .string()
  .regex(/^[a-z][a-z0-9-]{0,49}$/, 'must be the name of an agent, in small letters, such as "claude"');
const word = z.string().trim().min(1, 'must not be empty').max(200, 'must be at most 200 characters');
const agents = z
  .array(agentName)
  .min(1, 'must name at least one agent')
  .max(20, 'must name at most 20 agents')
  .refine((names) => new Set(names).size === names.length, 'must not name an agent twice');
const anyOf = <Item extends z.ZodType>(item: Item) =>
  z.array(item).min(1, 'must not be empty; leave it out to match everything').max(100).optional();

const conditionSchema = z.strictObject({
  types: anyOf(z.enum(TASK_TYPES)),
  complexities: anyOf(z.enum(COMPLEXITIES)),
  tags: anyOf(word),
  /** Of the orchestrator that owns the task. */
  capabilities: anyOf(word),
  /** Those that the task names, or the repository has. */
  technologies: anyOf(word),
  priorities: anyOf(z.enum(TASK_PRIORITIES)),
});

const ruleSchema = z.strictObject({
  /** Shown in justifications. Default: `rule N`, from 1. */
  name: word.optional(),
  /** Every field that is given must hold, each by any one of its values. An empty object matches every task. */
  when: conditionSchema.default({}),
  /** In the order in which they are wanted. */
  agents,
});

/** `router.config.json`: which agents take which tasks. */
export const routerConfigSchema = z.strictObject({
  /** For editors. */
  $schema: z.string().optional(),
  version: z.literal(1).default(1),
  /** Tried from first to last. Default none. */
  rules: z.array(ruleSchema).max(500).default([]),
  /** For tasks that no rule gives an agent. Default: `DEFAULT_AGENT_ORDER`. */
  defaultAgents: agents.optional(),
});

export type RouterConfig = z.output<typeof routerConfigSchema>;
export type RouterRule = z.output<typeof ruleSchema>;
export type RouterCondition = z.output<typeof conditionSchema>;

/** What counts where there is no `router.config.json`. */
export const DEFAULT_ROUTER_CONFIG: RouterConfig = { version: 1, rules: [] };
