import { type ResourceInput, type ResourceUse, toResourceUse, writeResource } from '@neolith/contracts';

/** As they are stored: each resource once, exclusive where it is asked for both ways, in order; null: none. */
export function storeUses(inputs: readonly ResourceInput[]): string[] | null {
  const modes = new Map<string, ResourceUse['mode']>();
  for (const { resource, mode } of inputs.map(toResourceUse))
    if (modes.get(resource) !== 'exclusive') modes.set(resource, mode);
  if (modes.size === 0) return null;
  return [...modes].map(([resource, mode]) => writeResource({ resource, mode })).sort();
}

/** What was stored. */
export function loadUses(stored: readonly string[] | null): ResourceUse[] {
  return (stored ?? []).map((text) => {
    const space = text.indexOf(' ');
    return {
      mode: text.slice(0, space) === 'shared' ? 'shared' : 'exclusive',
      resource: text.slice(space + 1),
    };
  });
}
