import { UNKNOWN_PROVIDER } from '@neolith/contracts';

/** Of agents that work with one provider alone. */
const PROVIDERS: Readonly<Record<string, string>> = {
  claude: 'anthropic',
  codex: 'openai',
  gemini: 'google',
  copilot: 'github',
  cursor: 'cursor',
  windsurf: 'windsurf',
  // Commands of the operator's own: what they ask is theirs to know.
  shell: 'local',
  script: 'local',
  tool: 'local',
};

/**
 * Whose service an agent needs, for its circuit breaker. Pure. Of agents that work with many, such as opencode, the model
 * says it where it is named as `provider/model`; else it is `default`: then all of them count as one.
 */
export function providerOf(agent: string, model?: string): string {
  if (Object.hasOwn(PROVIDERS, agent)) return PROVIDERS[agent] as string;
  const named = /^([a-z0-9][a-z0-9._-]{0,60})\/./i.exec(model ?? '')?.[1];
  return named?.toLowerCase() ?? UNKNOWN_PROVIDER;
}
