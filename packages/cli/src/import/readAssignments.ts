import type { AssignmentRules } from '@neolith/daemon';
import { CommandError } from '../output/commandError.js';

/** Reads `--assign` values. Throws CommandError `usage` for one that is no `tag=name`. */
export function readAssignments(values: readonly string[]): AssignmentRules['byTag'] {
  return values.map((value) => {
    const at = value.indexOf('=');
    const tag = value.slice(0, Math.max(0, at)).trim();
    const name = value.slice(at + 1).trim();
    if (at > 0 && tag !== '' && name !== '') return { tag, name };
    throw new CommandError(
      'usage',
      'ASSIGNMENT_INVALID',
      `--assign takes a tag and an orchestrator, such as backend=Ada, not ${JSON.stringify(value)}.`,
    );
  });
}
