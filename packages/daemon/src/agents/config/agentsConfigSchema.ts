import { z } from 'zod';
import { AGENT_SETTINGS, type AgentConfigurations, type AgentName } from '../registry.js';

/** Beside the settings of each agent variables for it alone. */
export type ConfiguredAgents = {
  readonly [Name in AgentName]?: NonNullable<AgentConfigurations[Name]> & {
    readonly environment?: Readonly<Record<string, string>>;
  };
};

const agents: z.ZodType<ConfiguredAgents> = z.strictObject(
  Object.fromEntries([...AGENT_SETTINGS].map(([name, settings]) => [name, settings.exactOptional()])),
);

/** `agents.config.json`: what the operator of a machine sets for its agents. */
export const agentsConfigSchema = z.strictObject({
  /** For editors. */
  $schema: z.string().exactOptional(),
  version: z.literal(1).default(1),
  agents: agents.default({}),
});
