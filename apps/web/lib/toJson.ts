import { z } from 'zod';

/** A value of the engine in the JSON form that the API answers with: what pages hand to their client components. */
export function toJson<Schema extends z.ZodType>(schema: Schema, value: z.output<Schema>): z.input<Schema> {
  return z.encode(schema, value);
}
