import { makePlanJsonSchema, planSchema } from '@neolith/contracts';
import { describe, expect, test } from 'vitest';
import { readPlan } from '../../src/plans/index.js';
import { findTask, listProblems, readFixture, requirePlan } from './readFixture.js';

function readYaml(content: string) {
  return readPlan({ fileName: 'plan.yaml', content });
}

function readJson(value: unknown) {
  return readPlan({ fileName: 'plan.json', content: JSON.stringify(value) });
}

const head = 'version: 1\nname: Plan\n';

describe('our own plan format', () => {
  test('a YAML plan is read with defaults, parents and due dates resolved', () => {
    const result = readFixture('release.yaml');
    expect(listProblems(result)).toEqual([]);
    const plan = requirePlan(result);
    expect(plan.name).toBe('Release 1.0');
    expect(plan.tasks.map((task) => [task.sourceId, task.line])).toEqual([
      ['docs', 13],
      ['guide', 17],
      ['reference', 25],
      ['api', 31],
      ['5', 42],
      ['poster', 46],
    ]);
    expect(findTask(plan, 'guide')).toEqual({
      sourceId: 'guide',
      title: 'Write the guide',
      description: null,
      priority: 'HIGH',
      dueAt: new Date('2026-12-01T11:00:00Z'),
      tags: ['release', 'writing'],
      resources: [],
      dependsOn: ['api'],
      derivedDependsOn: ['api'],
      parentSourceId: 'docs',
      phase: null,
      status: 'open',
      createdAt: null,
      metadata: {},
      acceptanceCriteria: [
        'A stranger reaches a working screen in sixty seconds.',
        'Every command in it was run.',
      ],
      estimateMinutes: null,
      maxAttempts: 2,
      backoff: null,
      timeoutSeconds: 1800,
      orchestrator: 'Ada',
      file: 'release.yaml',
      line: 17,
    });
    expect(findTask(plan, 'docs').dependsOn).toEqual(['api', 'guide', 'reference']);
    expect(findTask(plan, 'reference').dueAt).toEqual(new Date('2026-11-20T23:59:59.999Z'));
    expect(findTask(plan, 'reference').timeoutSeconds).toBe(30);
    expect(findTask(plan, 'api')).toMatchObject({
      description: 'No breaking change after this.\n\nAsk everyone first.\n',
      status: 'done',
      orchestrator: 'Grace',
      dueAt: new Date('2026-12-24T23:59:59.999Z'),
      metadata: { area: 'api', reviewers: [1, 2], nested: { deep: true } },
    });
  });

  test('the same plan as JSON gives the same tasks', () => {
    const withoutPlace = (name: string) =>
      requirePlan(readFixture(name)).tasks.map(({ file: _, line: __, ...task }) => task);
    expect(withoutPlace('release.json')).toEqual(withoutPlace('release.yaml'));
  });

  test('counts say what is in the plan', () => {
    expect(readFixture('release.json').counts).toEqual({
      rows: 6,
      tasks: 6,
      statuses: { open: 4, done: 1, cancelled: 1 },
      priorities: { CRITICAL: 1, HIGH: 1, MEDIUM: 3, LOW: 1 },
      missingPriorities: 3,
      dependencies: { total: 7, written: 3, closesLast: 2, inherited: 2, afterPhases: 0, contradicting: 0 },
      source: {
        edges: 5,
        edgeTypes: { dependsOn: 3, parent: 2 },
        danglingEdges: 0,
        statuses: { open: 4, done: 1, cancelled: 1 },
      },
      severities: { error: 0, warning: 0, notice: 0 },
      problems: {},
    });
  });

  test('the published JSON Schema names every field and refuses unknown ones', () => {
    const schema = makePlanJsonSchema();
    expect(schema).toMatchObject({
      title: 'Neolith plan',
      additionalProperties: false,
      required: ['version', 'name', 'tasks'],
      properties: { tasks: { items: { required: ['id', 'title'], additionalProperties: false } } },
    });
    const text = JSON.stringify(schema);
    for (const field of Object.keys(planSchema.shape.tasks.element.shape))
      expect(text).toContain(`"${field}"`);
  });
});

describe('a plan that can not be used is refused with the place and the remedy', () => {
  const refusals: [name: string, problems: string[]][] = [
    [
      'cycle.yaml',
      [
        '6:17 error CYCLE These tasks wait for one another: a (line 4) → c (line 11) → b (line 7) → a (line 4); remove one of these dependencies.',
      ],
    ],
    [
      'unknown-dependency.json',
      [
        "7:26 error DEPENDENCY_UNKNOWN b depends on elsewhere, which is not in the plan, so this dependency can't be kept; add that task or remove the dependency.",
      ],
    ],
    [
      'wrong-type.yaml',
      [
        '5:5 error FIELD_INVALID Task a: "title" must be a text of 1 to 300 characters, not a list.',
        '6:5 error FIELD_INVALID Task a: "priority" must be CRITICAL, HIGH, MEDIUM or LOW, not "urgent".',
        '8:5 error FIELD_UNKNOWN Task b has the unknown field "depends_on". Did you mean "dependsOn"?',
        '9:5 error FIELD_INVALID Task b: "due" must be a date (2026-11-20) or a date-time with its offset (2026-11-20T17:00:00+01:00), year 1970 to 9999, not "tomorrow".',
        '11:5 error FIELD_INVALID Task b: "maxAttempts" must be a whole number from 1 to 100, not 0.',
      ],
    ],
    [
      'two-with-one-id.json',
      [
        '4:4 error ID_DUPLICATE Two tasks have the id a, in lines 2 and 4; the one in line 2 counts. Give each its own id.',
      ],
    ],
    [
      'list.json',
      [
        '1:1 error TOP_LEVEL_INVALID list.json holds a list; a plan is one object with "version", "name" and "tasks"; put the list under "tasks".',
      ],
    ],
    [
      'syntax.json',
      [
        '5:36 error SYNTAX_INVALID syntax.json is not valid JSON: a key in double quotes should be here, not "}".',
      ],
    ],
    ['syntax.yaml', ['6:1 error SYNTAX_INVALID syntax.yaml is not valid YAML: Missing closing "quote.']],
    ['empty.yaml', ['1 error FILE_EMPTY empty.yaml is empty; write at least one task into it.']],
    ['binary.yaml', ['1 error FILE_BINARY binary.yaml is a binary file, not a plan; give a text file.']],
    ['latin1.yaml', ['2 error FILE_ENCODING latin1.yaml is not valid UTF-8 in line 2; save it as UTF-8.']],
  ];

  test.each(refusals)('%s', (name, problems) => {
    const result = readFixture(`dirty/${name}`);
    expect(listProblems(result)).toEqual(problems);
    expect(result.plan).toBeNull();
  });

  test('missing fields are named, at the task that lacks them', () => {
    const result = readYaml('name: Plan\ntasks:\n  - title: A\n  - id: b\n');
    expect(listProblems(result)).toEqual([
      '1:1 error FIELD_MISSING The plan has no "version"; it must be 1, the only version of the plan format there is.',
      '3:5 error FIELD_MISSING Task number 1 has no "id"; it must be a text or a whole number.',
      '4:5 error FIELD_MISSING Task b has no "title"; it must be a text of 1 to 300 characters.',
    ]);
  });

  test('a plan without tasks is refused', () => {
    expect(listProblems(readYaml(`${head}tasks: []\n`))).toEqual([
      '1 error TASKS_EMPTY There is no task in plan.yaml; add at least one.',
    ]);
  });

  test('a key that stands twice is refused in YAML and in JSON', () => {
    const yaml = readYaml(`${head}tasks:\n  - id: a\n    title: A\n    title: B\n`);
    expect(listProblems(yaml)).toEqual([
      '6:5 error KEY_DUPLICATE The key "title" stands twice in one object; remove one.',
    ]);
    const json = readPlan({
      fileName: 'plan.json',
      content: '{"version":1,"name":"P",\n"tasks":[{"id":"a","title":"A","ti\\u0074le":"B"}]}',
    });
    expect(listProblems(json)).toEqual([
      '2:32 error KEY_DUPLICATE The key "title" stands twice in one object; remove one.',
    ]);
    expect([yaml.plan, json.plan]).toEqual([null, null]);
  });

  test('self-dependencies and circles of parents are refused', () => {
    const result = readYaml(
      `${head}tasks:\n  - {id: a, title: A, parent: b}\n  - {id: b, title: B, parent: a}\n  - {id: c, title: C, dependsOn: [c]}\n`,
    );
    expect(listProblems(result)).toEqual([
      '4:23 error PARENT_CYCLE Tasks are parents of one another: a (line 4) → b (line 5) → a (line 4); remove one of these parents.',
      "6:35 error DEPENDENCY_SELF c depends on itself, which can't be kept; remove the dependency.",
    ]);
    expect(result.plan).toBeNull();
  });

  test('the key __proto__ is refused, wherever it stands, and changes no prototype', () => {
    const task = '{"id":"a","title":"A","metadata":{"x":{"__proto__":{"polluted":true}}}}';
    const result = readPlan({ fileName: 'plan.json', content: `{"version":1,"name":"P","tasks":[${task}]}` });
    expect(result.problems.map(({ code }) => code)).toEqual(['KEY_FORBIDDEN']);
    expect(readYaml(`__proto__: {a: 1}\n${head}tasks: []\n`).problems.map(({ code }) => code)).toEqual([
      'KEY_FORBIDDEN',
    ]);
    expect('polluted' in {}).toBe(false);
  });

  test('alias bombs, tags, several documents and deep nesting are refused in YAML', () => {
    const bomb = Array.from({ length: 9 }, (_, i) =>
      i === 0 ? 'x0: &x0 [1, 1]' : `x${i}: &x${i} [${`*x${i - 1}, `.repeat(9)}]`,
    ).join('\n');
    const codes = (content: string) => readYaml(content).problems.map(({ code, line }) => `${line} ${code}`);
    expect(codes(`${head}${bomb}\n`)).toEqual(['1 ALIASES_EXCESSIVE']);
    expect(codes(`${head}tasks: !!js/function "x"\n`)).toEqual(['3 TAG_UNSUPPORTED']);
    expect(codes(`${head}tasks: []\n---\na: 1\n`)).toEqual(['4 SYNTAX_INVALID']);
    expect(codes(`${head}tasks: ${'['.repeat(20_000)}`)).toContain('3 NESTING_TOO_DEEP');
    expect(codes(`${head}tasks: ${'['.repeat(120)}${']'.repeat(120)}\n`)).toEqual(['3 NESTING_TOO_DEEP']);
  });

  test('metadata that holds itself through an alias is refused', () => {
    const result = readYaml(`${head}tasks:\n  - id: a\n    title: A\n    metadata: &m {self: *m}\n`);
    expect(result.plan).toBeNull();
    expect(result.problems[0]).toMatchObject({ severity: 'error', line: 6 });
  });

  test('JSON nested more than 100 deep is refused at the place', () => {
    const result = readPlan({ fileName: 'plan.json', content: `{"a":\n${'['.repeat(1_000_000)}` });
    expect(result.problems).toMatchObject([{ code: 'NESTING_TOO_DEEP', line: 2, column: 100 }]);
  });

  test('numbers that lose digits, NUL and half characters are refused', () => {
    const result = readPlan({
      fileName: 'plan.json',
      content:
        '{"version":1,"name":"P","tasks":[\n{"id":"a","title":"A\\u0000"},\n{"id":"b","title":"\\ud800"},\n{"id":"c","title":"C","metadata":{"n":12345678901234567890}}]}',
    });
    expect(result.problems.map(({ code, line, severity }) => [line, severity, code])).toEqual([
      [2, 'error', 'FIELD_INVALID'],
      [3, 'error', 'FIELD_INVALID'],
      [4, 'error', 'NUMBER_IMPRECISE'],
    ]);
  });

  test('titles, descriptions and metadata are limited in size', () => {
    const task = { id: 'a', title: 'A' };
    const read = (extra: object) =>
      readJson({ version: 1, name: 'P', tasks: [{ ...task, ...extra }] }).problems.map(
        ({ message }) => message,
      );
    expect(read({ title: 'x'.repeat(300), description: 'é'.repeat(51_200) })).toEqual([]);
    expect(read({ title: 'x'.repeat(301) })[0]).toContain('"title" must be a text of 1 to 300 characters');
    expect(read({ description: 'é'.repeat(51_201) })[0]).toContain('"description" must take at most 100 KB');
    expect(read({ metadata: { a: 'x'.repeat(64 * 1024) } })[0]).toContain(
      '"metadata" must take at most 64 KB',
    );
  });

  test('dates that do not exist and times without an offset are refused', () => {
    const read = (due: string) =>
      readJson({ version: 1, name: 'P', tasks: [{ id: 'a', title: 'A', due }] }).plan;
    for (const due of [
      '2026-02-30',
      '2026-11-20T10:00:00',
      '9999-12-31T23:59:59-01:00',
      '0001-01-01',
      'Friday',
    ]) {
      expect(read(due)).toBeNull();
    }
    expect(read('2024-02-29')?.tasks[0]?.dueAt).toEqual(new Date('2024-02-29T23:59:59.999Z'));
  });
});

describe('what is only doubtful is a warning', () => {
  test('a dependency given twice is kept once', () => {
    const result = readYaml(
      `${head}tasks:\n  - {id: a, title: A}\n  - id: b\n    title: B\n    dependsOn: [a, a]\n`,
    );
    expect(listProblems(result)).toEqual([
      '7:20 warning DEPENDENCY_DUPLICATE b depends on a twice; once is enough.',
    ]);
    expect(findTask(requirePlan(result), 'b').dependsOn).toEqual(['a']);
  });

  test('a child that waits for its parent is kept, and the parent does not wait for it', () => {
    const result = readYaml(
      `${head}tasks:\n  - {id: epic, title: E}\n  - {id: a, title: A, parent: epic, dependsOn: [epic]}\n  - {id: b, title: B, parent: epic}\n`,
    );
    expect(result.problems.map(({ code, severity }) => `${severity} ${code}`)).toEqual([
      'warning DEPENDENCY_DERIVED_DROPPED',
    ]);
    const plan = requirePlan(result);
    expect(findTask(plan, 'epic').dependsOn).toEqual(['b']);
    expect(findTask(plan, 'a').dependsOn).toEqual(['epic']);
  });

  test('an open task behind a cancelled one is pointed out', () => {
    const result = readYaml(
      `${head}tasks:\n  - {id: a, title: A, status: cancelled}\n  - {id: b, title: B, dependsOn: [a]}\n`,
    );
    expect(result.problems).toMatchObject([{ severity: 'warning', code: 'PREREQUISITE_CANCELLED', line: 5 }]);
    expect(result.plan).not.toBeNull();
  });
});

describe('the way a file is written does not matter', () => {
  test('byte order mark and CRLF keep their line numbers', () => {
    const content = `\uFEFF${head}tasks:\n  - id: a\n    title: A\n  - id: b\n    title: B\n`.replaceAll(
      '\n',
      '\r\n',
    );
    const plan = requirePlan(readPlan({ fileName: 'plan.yaml', content: Buffer.from(content) }));
    expect(plan.tasks.map(({ sourceId, title, line }) => [sourceId, title, line])).toEqual([
      ['a', 'A', 4],
      ['b', 'B', 6],
    ]);
  });

  test('the format is recognised without an ending, and by the text in spite of a wrong one', () => {
    const json = '{"version":1,"name":"P","tasks":[{"id":"a","title":"A"}]}';
    const issue = '{"id":"a","title":"A","status":"open","priority":1,"created_at":"2026-01-01T00:00:00Z"}';
    expect(readPlan({ fileName: 'plan', content: json }).format).toBe('neolith');
    expect(readPlan({ fileName: 'plan', content: `${head}tasks: []` }).format).toBe('neolith');
    expect(readPlan({ fileName: 'issues.json', content: `${issue}\n` }).format).toBe('beads');
    expect(readPlan({ fileName: 'plan.yaml', content: json }).plan?.tasks).toHaveLength(1);
  });

  test('an unknown format is refused with the ones there are', () => {
    const expected =
      'plan.txt looks like none of the plan formats; name its format if it is one. Formats that can be read: beads (beads JSONL), task-master (tasks.json of task-master), backlog-md (folder of Backlog.md), neolith (Neolith plan (YAML or JSON)), markdown (Markdown plan or PRD).';
    expect(listProblems(readPlan({ fileName: 'plan.txt', content: 'Buy milk' }))).toEqual([
      `1 error FORMAT_UNKNOWN ${expected}`,
    ]);
  });

  test('a format that is named is taken, and one that does not exist is refused', () => {
    const content = '{"id":"a","title":"A"}';
    expect(readPlan({ fileName: 'plan.jsonl', content, format: 'neolith' }).format).toBe('neolith');
    expect(readPlan({ fileName: 'plan.txt', content, format: 'beads' }).format).toBe('beads');
    const unknown = readPlan({ fileName: 'plan.yaml', content, format: JSON.parse('"jira"') });
    expect(unknown.problems[0]?.message).toMatch(
      /^There is no plan format "jira"\. Formats that can be read: beads/,
    );
  });

  test('UTF-16 and files above the limit are refused', () => {
    const utf16 = Buffer.from(`\uFEFF${head}`, 'utf16le');
    expect(readPlan({ fileName: 'plan.yaml', content: utf16 }).problems).toMatchObject([
      { code: 'FILE_ENCODING' },
    ]);
    const huge = Buffer.alloc(50 * 1024 * 1024 + 1, 0x20);
    expect(listProblems(readPlan({ fileName: 'plan.json', content: huge }))).toEqual([
      '1 error FILE_TOO_LARGE plan.json has 50.0 MB; a plan may have 50 MB. Split it.',
    ]);
    const yaml = `${head}tasks: []\n#${'x'.repeat(5 * 1024 * 1024)}`;
    expect(readYaml(yaml).problems).toMatchObject([{ code: 'FILE_TOO_LARGE' }]);
  });
});
