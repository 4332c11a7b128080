import { mkdtempSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import type { RouterConfigError } from '../../src/errors.js';
import { DEFAULT_ROUTER_CONFIG, followRouterConfig, makeRouterJsonSchema } from '../../src/routing/index.js';

let directory: string;
let file: string;
let changes: number;
let problems: RouterConfigError[];

beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'neolith-router-'));
  file = join(directory, 'router.config.json');
  changes = 0;
  problems = [];
});
afterEach(() => rmSync(directory, { recursive: true, force: true }));

const follow = (place = directory, isNamed = false) =>
  followRouterConfig(place, {
    isNamed,
    onChange: () => {
      changes += 1;
    },
    onProblem: (problem) => problems.push(problem),
  });
const write = (agent: string, to = file) => writeFileSync(to, `{"rules":[{"agents":["${agent}"]}]}`);
const agentsOf = (config: { rules: readonly { agents: readonly string[] }[] }) =>
  config.rules.flatMap(({ agents }) => agents);

test('a file that changes counts at the next look, also one of the same length, and one put in its place', async () => {
  write('aaa');
  const source = await follow();
  expect(agentsOf(await source.current())).toEqual(['aaa']);
  expect(changes).toBe(0);
  write('bbb');
  expect(agentsOf(await source.current())).toEqual(['bbb']);
  const other = join(directory, '.router.config.json.swp');
  write('ccc', other);
  renameSync(other, file);
  expect(agentsOf(await source.current())).toEqual(['ccc']);
  expect(agentsOf(source.latest())).toEqual(['ccc']);
  expect(changes).toBe(2);
  expect(problems).toEqual([]);
});

test('what a choice was given doesn’t change under it', async () => {
  write('one');
  const source = await follow();
  const before = await source.current();
  write('two');
  await source.current();
  expect(agentsOf(before)).toEqual(['one']);
});

test('a broken file is told once, with the place, and the last good one counts until it is put right', async () => {
  write('good');
  const source = await follow();
  writeFileSync(file, '{"rules":[{"agents":[]}]}');
  for (let look = 0; look < 3; look += 1) expect(agentsOf(await source.current())).toEqual(['good']);
  expect(problems.map(({ message }) => message)).toEqual([
    expect.stringContaining('rules[0].agents must name at least one agent'),
  ]);
  expect(problems[0]?.message).toContain('Until then the last one that could be used counts.');
  writeFileSync(file, '{"rules":');
  await source.current();
  expect(problems).toHaveLength(2);
  write('better');
  expect(agentsOf(await source.current())).toEqual(['better']);
  expect(problems).toHaveLength(2);
});

test('a file that comes later counts; one that is gone for a moment is not missed, and one that stays away is', async () => {
  const source = await follow();
  expect(await source.current()).toEqual(DEFAULT_ROUTER_CONFIG);
  write('late');
  expect(agentsOf(await source.current())).toEqual(['late']);
  rmSync(file);
  expect(agentsOf(await source.current())).toEqual(['late']);
  write('again');
  expect(agentsOf(await source.current())).toEqual(['again']);
  rmSync(file);
  await source.current();
  expect(await source.current()).toEqual(DEFAULT_ROUTER_CONFIG);
});

test('a file that somebody named and that is gone counts on, and is told of once', async () => {
  const named = join(directory, 'mine.json');
  write('mine', named);
  const source = await follow(named, true);
  rmSync(named);
  for (let look = 0; look < 4; look += 1) expect(agentsOf(await source.current())).toEqual(['mine']);
  expect(problems.map(({ message }) => message)).toEqual([expect.stringContaining('is gone')]);
});

test('many looks at once read the file once', async () => {
  write('one');
  const source = await follow();
  write('two');
  const seen = await Promise.all(Array.from({ length: 50 }, () => source.current()));
  expect(new Set(seen).size).toBe(1);
  expect(changes).toBe(1);
});

test('the published JSON Schema is what the schema makes; write it anew with `npm run reference`', () => {
  const published = new URL('../../../../docs/reference/router.schema.json', import.meta.url);
  expect(JSON.parse(readFileSync(published, 'utf8'))).toEqual(makeRouterJsonSchema());
});
