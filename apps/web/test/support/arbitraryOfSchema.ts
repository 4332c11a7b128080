import fc from 'fast-check';
import { z } from 'zod';
import { HOSTILE_VALUES } from './hostileValues';

type Json = Record<string, unknown>;

/** Values in and about a schema: most of its shape, some of another, from its JSON Schema. */
export function arbitraryOfSchema(schema: z.ZodType): fc.Arbitrary<unknown> {
  const root = z.toJSONSchema(schema, { io: 'input', unrepresentable: 'any', reused: 'inline' }) as Json;
  return arbitraryOf(root, root, 0);
}

function arbitraryOf(schema: Json, root: Json, depth: number): fc.Arbitrary<unknown> {
  const hostile = fc.constantFrom(...HOSTILE_VALUES);
  return fc.oneof({ arbitrary: shaped(schema, root, depth), weight: 12 }, { arbitrary: hostile, weight: 1 });
}

function shaped(schema: Json, root: Json, depth: number): fc.Arbitrary<unknown> {
  if (depth > 8) return fc.constant(null);
  const inner = (part: unknown) => arbitraryOf((part ?? {}) as Json, root, depth + 1);
  if (typeof schema.$ref === 'string') {
    const name = schema.$ref.split('/').at(-1) ?? '';
    return inner(schema.$ref === '#' ? root : (root.$defs as Json)[name]);
  }
  const options = (schema.anyOf ?? schema.oneOf) as unknown[] | undefined;
  if (options !== undefined) return fc.oneof(...options.map(inner));
  if (schema.const !== undefined) return fc.constant(schema.const);
  if (Array.isArray(schema.enum)) return fc.constantFrom(...schema.enum);
  switch (schema.type) {
    case 'string':
      return schema.format === 'date-time'
        ? fc.date({ noInvalidDate: true }).map((date) => date.toISOString())
        : fc.oneof(fc.string({ maxLength: 30 }), fc.string({ unit: 'binary', maxLength: 30 }));
    case 'integer':
      return fc.oneof(fc.integer({ min: -1, max: 200 }), fc.maxSafeInteger());
    case 'number':
      return fc.oneof(fc.integer({ min: -1, max: 200 }), fc.double({ noNaN: true, noDefaultInfinity: true }));
    case 'boolean':
      return fc.boolean();
    case 'null':
      return fc.constant(null);
    case 'array': {
      const items = (schema.prefixItems ?? []) as unknown[];
      return items.length > 0
        ? fc.tuple(...items.map(inner))
        : fc.array(inner(schema.items), { maxLength: 4 });
    }
    case 'object': {
      const properties = Object.entries((schema.properties ?? {}) as Json);
      if (properties.length === 0)
        return fc.dictionary(fc.string({ maxLength: 10 }), inner(schema.additionalProperties), {
          maxKeys: 3,
        });
      const required = (schema.required ?? []) as string[];
      const fields = Object.fromEntries(
        // A call that really waits 25 s tells nothing more.
        properties.map(([name, part]) => [name, name === 'waitSeconds' ? fc.constant(0) : inner(part)]),
      );
      return fc.record(fields, { requiredKeys: required });
    }
    default:
      return fc.jsonValue({ maxDepth: 3 });
  }
}

/** The paths of all fields that a schema names, through objects, alternatives and the first element of arrays. */
export function fieldsOfSchema(schema: z.ZodType): string[][] {
  const root = z.toJSONSchema(schema, { io: 'input', unrepresentable: 'any', reused: 'inline' }) as Json;
  const found = new Map<string, string[]>();
  const note = (path: string[], part: unknown): void => {
    found.set(path.join('.'), path);
    walk(part as Json, path);
  };
  const walk = (part: Json, path: string[]): void => {
    if (path.length > 5) return;
    // What has an id of its own is a reference, the whole schema among them.
    if (typeof part.$ref === 'string' && part.$ref !== '#')
      walk((root.$defs as Json)[part.$ref.split('/').at(-1) ?? ''] as Json, path);
    for (const option of (part.anyOf ?? part.oneOf ?? []) as Json[]) walk(option, path);
    for (const [name, property] of Object.entries((part.properties ?? {}) as Json))
      note([...path, name], property);
    if (part.type === 'array' && part.items !== undefined) note([...path, '0'], part.items);
  };
  walk(root, []);
  return [...found.values()];
}
