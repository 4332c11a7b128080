import type { z } from 'zod';
import type { AgentAdapter } from './agentAdapter.js';
import type { AgentDependencies } from './agentDependencies.js';

/** What the registry holds of an agent: how it is made, and what an operator may set for it. */
export interface AgentKind<Configuration> {
  /** Its part of `agents.config.json`; everything in it may be left out. */
  readonly settings: z.ZodObject & z.ZodType<Configuration>;
  create(dependencies: AgentDependencies, configuration: Configuration): AgentAdapter;
}
