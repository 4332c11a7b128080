import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { RouterConfigError } from '../../src/errors.js';
import {
  assignAgents,
  DEFAULT_ROUTER_CONFIG,
  parseRouterConfig,
  type RoutedTask,
  readRouterConfig,
  TASK_TYPES,
} from '../../src/routing/index.js';

const TASK: RoutedTask = {
  classification: {
    type: 'bug',
    confidence: 0.7,
    complexity: 'high',
    technologies: ['TypeScript', 'PostgreSQL'],
    evidence: [],
  },
  tags: ['Security', 'api'],
  priority: 'HIGH',
  capabilities: ['databases'],
};

const available = (...names: string[]) => names.map((name) => ({ name, available: true }));
const configuration = (value: unknown) => parseRouterConfig(JSON.stringify(value), 'router.config.json');

describe('the defaults', () => {
  test('the first agent of our order that is available does it, the next stands by', () => {
    expect(assignAgents(TASK, available('shell', 'gemini', 'codex'))).toEqual({
      primary: 'codex',
      secondary: 'gemini',
      confidence: 0.5,
      justification:
        'codex is the first of the default agents that is available; no rule gives one. Next in line: gemini.',
      rule: null,
    });
  });

  test('an agent that is known but not available is never chosen', () => {
    const agents = [{ name: 'claude', available: false, reason: 'not logged in' }, ...available('aider')];
    expect(assignAgents(TASK, agents)).toMatchObject({ primary: 'aider', secondary: null, confidence: 0.5 });
  });

  test('agents outside of our order follow by name; tools and editors are chosen when they are asked for', () => {
    expect(assignAgents(TASK, available('zeta', 'tool', 'alpha'))).toMatchObject({
      primary: 'alpha',
      secondary: 'zeta',
    });
    const all = [{ name: 'claude', available: false }, ...available('tool', 'windsurf')];
    expect(assignAgents(TASK, all).primary).toBeNull();
    const windsurf = configuration({ defaultAgents: ['windsurf'] });
    expect(assignAgents(TASK, all, windsurf).primary).toBe('windsurf');
    expect(assignAgents(TASK, available('windsurf')).primary).toBe('windsurf');
    expect(assignAgents({ ...TASK, tool: 'run_tests' }, available('claude', 'tool'))).toEqual({
      primary: 'tool',
      secondary: 'claude',
      confidence: 1,
      justification: 'tool, because the task spells out what it is to do. Next in line: claude.',
      rule: null,
    });
  });

  test('without any agent nobody is chosen, and the reasons are named', () => {
    const agents = [{ name: 'claude', available: false, reason: 'not logged in' }];
    expect(assignAgents(TASK, agents)).toEqual({
      primary: null,
      secondary: null,
      confidence: 0,
      justification:
        'No agent is available: claude (not logged in). Install one or log in, then look again (neolith doctor).',
      rule: null,
    });
  });
});

describe('rules', () => {
  test.each([
    ['types', ['bug'], 'type bug', 0.7],
    ['complexities', ['medium', 'high'], 'complexity high', 0.7],
    ['tags', ['security'], 'tag security', 1],
    ['capabilities', ['Databases'], 'capability Databases', 1],
    ['technologies', ['postgresql'], 'technology postgresql', 1],
    ['priorities', ['CRITICAL', 'HIGH'], 'priority HIGH', 1],
  ])('a rule matches by %s', (field, values, reason, confidence) => {
    const rules = [{ when: { [field]: values }, agents: ['gemini'] }];
    expect(assignAgents(TASK, available('claude', 'gemini'), configuration({ rules }))).toEqual({
      primary: 'gemini',
      secondary: 'claude',
      confidence,
      justification: `gemini, because the rule "rule 1" matches (${reason}). Next in line: claude.`,
      rule: 'rule 1',
    });
  });

  test('every field of a rule must hold', () => {
    const rules = [{ when: { types: ['bug'], tags: ['web'] }, agents: ['gemini'] }];
    expect(assignAgents(TASK, available('claude', 'gemini'), configuration({ rules })).primary).toBe(
      'claude',
    );
  });

  test('rules come in their order, then the defaults; whoever is passed over is named and costs confidence', () => {
    const config = configuration({
      rules: [
        { name: 'hard bugs', when: { types: ['bug'] }, agents: ['codex', 'claude'] },
        { name: 'all', agents: ['aider'] },
      ],
      defaultAgents: ['gemini'],
    });
    const agents = [
      { name: 'codex', available: false, reason: 'no log-in' },
      ...available('claude', 'aider', 'gemini'),
    ];
    expect(assignAgents(TASK, agents, config)).toEqual({
      primary: 'claude',
      secondary: 'aider',
      confidence: 0.56,
      justification:
        'claude, because the rule "hard bugs" matches (type bug). Wanted more but not available: codex (no log-in). Next in line: aider.',
      rule: 'hard bugs',
    });
    expect(assignAgents(TASK, available('aider', 'gemini'), config)).toMatchObject({
      primary: 'aider',
      secondary: 'gemini',
      rule: 'all',
    });
    expect(assignAgents(TASK, available('gemini'), config)).toMatchObject({
      primary: 'gemini',
      rule: null,
      confidence: 0.26,
    });
  });

  test('a tool is chosen where a rule says so', () => {
    const rules = [{ when: { tags: ['api'] }, agents: ['tool'] }];
    expect(assignAgents(TASK, available('tool'), configuration({ rules })).primary).toBe('tool');
  });
});

test('whatever the rules, only available agents are chosen, never the same twice, whatever the order of the list', () => {
  const name = fc.constantFrom('claude', 'codex', 'gemini', 'aider', 'shell', 'tool', 'mine', 'yours');
  const rule = fc.record({
    when: fc.record({ types: fc.subarray([...TASK_TYPES], { minLength: 1 }) }, { requiredKeys: [] }),
    agents: fc.uniqueArray(name, { minLength: 1, maxLength: 4 }),
  });
  fc.assert(
    fc.property(
      fc.array(rule, { maxLength: 6 }),
      fc.uniqueArray(fc.record({ name, available: fc.boolean() }), { selector: (agent) => agent.name }),
      fc.constantFrom(...TASK_TYPES),
      (rules, agents, type) => {
        const config = configuration({ rules });
        const of = { ...TASK, classification: { ...TASK.classification, type } };
        const { primary, secondary, confidence } = assignAgents(of, agents, config);
        const ready = agents.filter((agent) => agent.available).map((agent) => agent.name);
        if (primary !== null) expect(ready).toContain(primary);
        if (secondary !== null) expect(ready).toContain(secondary);
        expect(primary === null && secondary !== null).toBe(false);
        if (primary !== null) expect(secondary).not.toBe(primary);
        if (ready.some((one) => one !== 'tool') || (agents.length === 1 && ready.length === 1))
          expect(primary).not.toBeNull();
        expect(confidence).toBeGreaterThanOrEqual(0);
        expect(confidence).toBeLessThanOrEqual(1);
        expect(assignAgents(of, agents.toReversed(), config)).toMatchObject({
          primary,
          secondary,
          confidence,
        });
      },
    ),
    { numRuns: 300 },
  );
});

describe('the configuration', () => {
  test.each([
    ['{', '', 'not JSON'],
    ['[]', '', 'the file must be of the type object'],
    ['{"rules":{}}', 'rules', 'rules must be a list'],
    ['{"strategy":"auto"}', 'strategy', 'strategy is not known here'],
    [
      '{"rules":[{"agents":["claude"]},{"when":{"types":["story"]},"agents":["claude"]}]}',
      'rules[1].when.types[0]',
      'rules[1].when.types[0] must be one of "bug", "feature"',
    ],
    [
      '{"rules":[{"when":{"tag":["x"]},"agents":["claude"]}]}',
      'rules[0].when.tag',
      'rules[0].when.tag is not known here',
    ],
    ['{"rules":[{"agents":[]}]}', 'rules[0].agents', 'rules[0].agents must name at least one agent'],
    ['{"rules":[{"agents":["a","a"]}]}', 'rules[0].agents', 'must not name an agent twice'],
    ['{"rules":[{"agents":["--rm"]}]}', 'rules[0].agents[0]', 'must be the name of an agent'],
    [
      '{"rules":[{"when":{"tags":[]},"agents":["a"]}]}',
      'rules[0].when.tags',
      'leave it out to match everything',
    ],
    ['{"version":2}', 'version', 'version must be one of 1'],
  ])('%s is refused, and the place is named', (text, path, message) => {
    const refused = (): RouterConfigError => {
      try {
        parseRouterConfig(text, 'my/router.config.json');
      } catch (error) {
        if (error instanceof RouterConfigError) return error;
        throw error;
      }
      throw new Error('It was taken.');
    };
    const error = refused();
    expect(error.code).toBe('ROUTER_CONFIG_INVALID');
    expect(error.message).toContain('my/router.config.json');
    expect(error.message).toContain(message);
    expect(error.problems.map((problem) => problem.path)).toContain(path);
  });

  let directory: string;
  beforeEach(() => {
    directory = mkdtempSync(join(tmpdir(), 'neolith-router-'));
  });
  afterEach(() => rmSync(directory, { recursive: true, force: true }));

  test('it is read from its directory, and where there is none the defaults hold', async () => {
    expect(await readRouterConfig(directory)).toEqual(DEFAULT_ROUTER_CONFIG);
    const file = join(directory, 'router.config.json');
    writeFileSync(file, '\uFEFF{"$schema":"x","rules":[{"agents":["claude"]}]}');
    expect((await readRouterConfig(directory)).rules).toEqual([{ when: {}, agents: ['claude'] }]);
    writeFileSync(file, '{"rules":1}');
    await expect(readRouterConfig(directory)).rejects.toThrow(file);
  });

  test('a file that can not be read is an error, not the defaults', async () => {
    mkdirSync(join(directory, 'router.config.json'));
    await expect(readRouterConfig(directory)).rejects.toMatchObject({ code: 'ROUTER_CONFIG_UNREADABLE' });
  });
});
