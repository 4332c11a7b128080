import { z } from 'zod';
import { dateTimeSchema, nonEmptyText } from './common.js';
import { tokenScopeSchema } from './vocabulary.js';

export const tokenSchema = z
  .object({
    id: z.string(),
    name: z.string(),
    scopes: z.array(tokenScopeSchema),
    createdAt: dateTimeSchema,
    expiresAt: dateTimeSchema.nullable(),
    lastUsedAt: dateTimeSchema.nullable(),
    revokedAt: dateTimeSchema.nullable(),
  })
  .meta({ id: 'Token' });
export type Token = z.infer<typeof tokenSchema>;

export const newTokenSchema = z
  .strictObject({
    name: nonEmptyText(100),
    scopes: z.array(tokenScopeSchema).min(1),
    /** Null never expires. Default 90 days. */
    expiresInDays: z.number().int().min(1).max(3_650).nullable().default(90),
  })
  .meta({ id: 'NewToken' });

/** The secret is in this answer and nowhere else. */
export const issuedTokenSchema = z
  .object({ token: tokenSchema, secret: z.string() })
  .meta({ id: 'IssuedToken' });
export const tokenListSchema = z.object({ tokens: z.array(tokenSchema) }).meta({ id: 'TokenList' });
