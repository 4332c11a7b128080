import { AgentError } from './agentError.js';

/** What every agent may see of the daemon's environment; more only by name, in the configuration. */
const ALWAYS_PASSED = ['PATH', 'HOME', 'LANG', 'TMPDIR', 'TERM'] as const;

/**
 * Picks the allowed variables out of the daemon's environment; absent ones stay absent.
 * @param names further variables. Names that begin with `NEOLITH_` are refused: they hold the daemon's own
 *   token and settings, with which an agent could act as the daemon.
 */
export function buildAgentEnvironment(
  host: Readonly<Record<string, string | undefined>>,
  names: readonly string[],
): Record<string, string> {
  for (const name of names) {
    if (/^NEOLITH_/i.test(name)) {
      throw new AgentError(
        'AGENT_CONFIGURATION_INVALID',
        `The environment variable ${name} belongs to the daemon and is not passed to agents. Remove it from the agent's environment names.`,
      );
    }
  }
  return pickVariables(host, [...ALWAYS_PASSED, ...names]);
}

/** Those that are set. Pure. */
export function pickVariables(
  host: Readonly<Record<string, string | undefined>>,
  names: readonly string[],
): Record<string, string> {
  const environment: Record<string, string> = {};
  for (const name of names) {
    const value = host[name];
    if (value !== undefined) environment[name] = value;
  }
  return environment;
}
