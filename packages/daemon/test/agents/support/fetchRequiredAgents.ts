import { CHECKED_AGENTS } from './checkedAgents.js';
import { fetchAgent } from './fetchAgent.js';

/**
 * Before all tests, where every command is required: test files run side by side, and several would fetch the same one.
 * What can't be had is told by the tests that need it.
 */
export default async function fetchRequiredAgents(): Promise<void> {
  if (process.env.NEOLITH_TEST_AGENTS_REQUIRED !== '1') return;
  for (const [, checked] of CHECKED_AGENTS) await fetchAgent(checked);
}
