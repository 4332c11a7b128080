// `npm run reference`: writes what the docs take from the code: the HTTP API's page and the JSON Schemas of plans and of
// the routing configuration.
import { spawnSync } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { prepare, root } from './prepare.mjs';

prepare({ build: true });
const { createReferencePage, makePlanJsonSchema } = await import(
  join(root, 'packages/contracts/dist/index.js')
);
writeFileSync(join(root, 'docs/reference/http-api.md'), createReferencePage());
const planSchema = join(root, 'docs/reference/plan.schema.json');
writeFileSync(planSchema, `${JSON.stringify(makePlanJsonSchema(), null, 2)}\n`);
const { makeRouterJsonSchema } = await import(join(root, 'packages/daemon/dist/index.js'));
const routerSchema = join(root, 'docs/reference/router.schema.json');
writeFileSync(routerSchema, `${JSON.stringify(makeRouterJsonSchema(), null, 2)}\n`);
// As the linter wants it.
spawnSync(join(root, 'node_modules/.bin/biome'), ['format', '--write', planSchema, routerSchema], {
  cwd: root,
  stdio: 'inherit',
});
