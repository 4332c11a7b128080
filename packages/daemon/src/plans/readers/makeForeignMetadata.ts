import { countUtf8Bytes, planLimits } from '@neolith/contracts';
import type { PlanPosition } from '../planProblem.js';
import type { ProblemLog } from '../problemLog.js';

/**
 * The metadata of a task from another system: `{ [system]: fields }`, so that an import loses nothing. Above 64 KB the largest fields
 * are left out until it fits, and named.
 */
export function makeForeignMetadata(
  system: string,
  { id, at }: { readonly id: string; readonly at: PlanPosition },
  fields: ReadonlyMap<string, unknown>,
  log: ProblemLog,
): Record<string, unknown> {
  if (fields.size === 0) return {};
  const sizes = [...fields].map(([name, value]) => ({
    name,
    value,
    bytes: countUtf8Bytes(JSON.stringify(name)) + countUtf8Bytes(JSON.stringify(value) ?? 'null') + 2,
  }));
  const dropped = new Set<string>();
  let bytes = sizes.reduce((sum, field) => sum + field.bytes, JSON.stringify({ [system]: {} }).length);
  for (const field of sizes.toSorted((a, b) => b.bytes - a.bytes)) {
    if (bytes <= planLimits.metadataBytesMax) break;
    dropped.add(field.name);
    bytes -= field.bytes;
  }
  if (dropped.size > 0) {
    const names = [...dropped].join(', ').slice(0, 300);
    log.add(
      'METADATA_TRUNCATED',
      at,
      `The other fields of ${id} take more than ${planLimits.metadataBytesMax / 1024} KB; left out: ${names}.`,
    );
  }
  return {
    [system]: Object.fromEntries(
      sizes.filter(({ name }) => !dropped.has(name)).map(({ name, value }) => [name, value]),
    ),
  };
}
