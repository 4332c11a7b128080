// `npm run reference`: writes what the docs take from the code: the HTTP API's page and the plan format's JSON Schema.
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { prepare, root } from './prepare.mjs';

prepare({ build: true });
const { createReferencePage, makePlanJsonSchema } = await import(
  join(root, 'packages/contracts/dist/index.js')
);
writeFileSync(join(root, 'docs/reference/http-api.md'), createReferencePage());
writeFileSync(
  join(root, 'docs/reference/plan.schema.json'),
  `${JSON.stringify(makePlanJsonSchema(), null, 2)}\n`,
);
