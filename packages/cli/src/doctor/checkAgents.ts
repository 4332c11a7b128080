import { AGENT_NAMES, createAgent } from '@neolith/daemon';
import type { Check, Finding } from './finding.js';

/** Which agents could be started here. None at all is a failure, one that is missing is nothing to worry about. */
export function checkAgents(env: NodeJS.ProcessEnv, directory: string): Check {
  return {
    check: 'agents',
    look: async () => {
      const surroundings = { hostEnvironment: env, baseDirectory: directory };
      const shell = env.NEOLITH_SHELL_COMMAND ? { command: env.NEOLITH_SHELL_COMMAND } : {};
      const findings = await Promise.all(
        AGENT_NAMES.map(async (name): Promise<Finding> => {
          const { found, version, path, remedy } = await createAgent(name, surroundings, { shell }).detect();
          const where = path === undefined ? '' : ` (${path})`;
          return found
            ? { check: `agent:${name}`, status: 'ok', detail: `${name} ${version ?? ''}${where}`.trim() }
            : {
                check: `agent:${name}`,
                status: 'warning',
                detail: `${name} is not there`,
                ...(remedy === undefined ? {} : { remedy }),
              };
        }),
      );
      return findings;
    },
  };
}
