import { z } from 'zod';
import { planPriorities, planSchema } from './planSchema.js';

/**
 * The JSON Schema (draft 2020-12) of our plan format, made from the schema that checks plans, so that the two
 * can't part. It describes what one may write; editors use it to complete and check YAML and JSON plans.
 */
export function makePlanJsonSchema(): Record<string, unknown> {
  const schema = z.toJSONSchema(planSchema, {
    io: 'input',
    override: ({ jsonSchema, path }) => {
      const field = path.at(-1);
      if (field === 'priority') {
        // JSON Schema patterns have no flag for "any case".
        jsonSchema.pattern = `^(?:${planPriorities.map(matchAnyCase).join('|')})$`;
        jsonSchema.examples = [...planPriorities];
      }
      if (field === 'due') jsonSchema.anyOf = [{ format: 'date-time' }, { format: 'date' }];
    },
  });
  return { title: 'Neolith plan', ...schema };
}

function matchAnyCase(word: string): string {
  return [...word].map((letter) => `[${letter}${letter.toLowerCase()}]`).join('');
}
