import { readFileSync } from 'node:fs';
import { expect, it } from 'vitest';
import { parseAgentsConfig } from '../../src/agents/config/parseAgentsConfig.js';
import { AGENT_NAMES, AGENT_SETTINGS } from '../../src/agents/registry.js';
import { SCRIPTED_COMMANDS } from '../endToEnd/support/scriptedAgents.js';
import { CHECKED_AGENTS } from './support/checkedAgents.js';

const page = readFileSync(new URL('../../../../docs/guides/agents.md', import.meta.url), 'utf8');
const blocks = [...page.matchAll(/^```(\w*)\n([\s\S]*?)^```/gm)].map(([, language, text]) => ({
  language,
  text: text ?? '',
}));

/** What the first table says an agent was checked against. */
function findRow(name: string): string {
  const row = page.split('\n').find((line) => line.startsWith(`| \`${name}\` `));
  return row?.split('|').at(-2)?.trim() ?? '';
}

it('names each agent, and the version that its flags were checked against', () => {
  expect(AGENT_NAMES.filter((name) => findRow(name) === '')).toEqual([]);
  for (const [name, { version, npmPackage }] of CHECKED_AGENTS) {
    if (npmPackage !== null) {
      expect(findRow(name).split(',')[0]).toBe(version);
      expect(page).toContain(`npm install -g ${npmPackage}\``);
      continue;
    }
    expect(findRow(name)).toMatch(/^its documentation.* \d{1,2} \w+ 20\d\d; not run by us$/);
    const commit = /commit (\w+)/.exec(version)?.[1];
    if (commit !== undefined) expect(findRow(name)).toContain(`commit ${commit}`);
  }
});

it('says of those that were run from plan to merged branches that they were, and of no others', () => {
  const said = AGENT_NAMES.filter((name) => findRow(name).includes('from plan to merged branches'));
  expect(said).toEqual(SCRIPTED_COMMANDS.map(({ name }) => name).sort());
});

it('shows no flag of a command that was not checked', () => {
  for (const [name, { program, helps }] of CHECKED_AGENTS) {
    const shown = blocks.find(({ text }) => text.startsWith(`${program} `))?.text ?? '';
    const flags = shown.match(/(?<=\s)--[\w-]+/g) ?? [];
    expect(flags.length, name).toBeGreaterThan(1);
    expect(
      flags.filter((flag) => !helps.flatMap((help) => [...help.flags]).includes(flag)),
      name,
    ).toEqual([]);
  }
});

it('has an example of the file that is taken, and a row for each setting', () => {
  const example = blocks.find(({ language }) => language === 'json')?.text ?? '';
  expect(Object.keys(parseAgentsConfig(example, 'the example'))).toHaveLength(5);
  const settings = page.slice(page.indexOf('## Settings'), page.indexOf('## Claude Code'));
  const names = [...AGENT_SETTINGS.values()].flatMap(({ shape }) => Object.keys(shape));
  expect(new Set(names).size).toBeGreaterThan(10);
  expect(names.filter((name) => !settings.includes(`\`${name}\``))).toEqual([]);
});
