import { readFile } from 'node:fs/promises';
import { expect, it } from 'vitest';
import { createReferencePage, makePlanJsonSchema } from '../src/index.js';

const reference = (name: string) =>
  readFile(new URL(`../../../docs/reference/${name}`, import.meta.url), 'utf8');

it('the reference page is what the endpoint table makes; write it anew with `npm run reference`', async () => {
  expect(await reference('http-api.md')).toBe(createReferencePage());
});

it('the published JSON Schema of a plan is what the schema makes; write it anew with `npm run reference`', async () => {
  expect(JSON.parse(await reference('plan.schema.json'))).toEqual(makePlanJsonSchema());
});
