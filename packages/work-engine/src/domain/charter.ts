import type { Charter, Json } from '@neolith/contracts';

const textOrNull = (value: Json | undefined): string | null =>
  typeof value === 'string' && value.trim() !== '' ? value : null;

/** A list of texts; a single text counts as a list of one, for people write it so. */
function texts(value: Json | undefined): string[] {
  if (typeof value === 'string') return value.trim() === '' ? [] : [value];
  return Array.isArray(value)
    ? value.filter((item): item is string => typeof item === 'string' && item.trim() !== '')
    : [];
}

/**
 * The charter in a user's config, at its top level or under `charter`. The config is free-form JSON that others write
 * too: whatever is missing or of another type is left empty.
 */
export function readCharter(config: Json): Charter {
  const root = isObject(config) ? config : {};
  const charter = isObject(root.charter) ? root.charter : root;
  return {
    mission: textOrNull(charter.mission),
    vision: textOrNull(charter.vision),
    values: texts(charter.values),
    expertise: texts(charter.expertise),
  };
}

/** The config with the fields of a charter set where `readCharter` finds them; everything else stays. */
export function writeCharter(config: Json, charter: Charter): Json {
  const root = isObject(config) ? config : {};
  return isObject(root.charter)
    ? { ...root, charter: { ...root.charter, ...charter } }
    : { ...root, ...charter };
}

function isObject(value: Json | undefined): value is { [key: string]: Json } {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
