import { execFileSync } from 'node:child_process';
import { expect, it } from 'vitest';
import { describeGoOn, EXECUTE_DEFAULTS, type GoOnFlags } from '../src/execute/describeGoOn.js';
import { reportExecution } from '../src/execute/reportExecution.js';
import { summariseError } from '../src/execute/summariseError.js';
import { waitsForPerson } from '../src/execute/tellStuck.js';
import { drawInAscii, drawsUnicode } from '../src/output/ascii.js';
import { columnsOf, fitEnd, padLine, wrapLine } from '../src/output/fitLine.js';
import { quoteArgument } from '../src/output/quoteArgument.js';
import { formatTable } from '../src/output/table.js';
import { openTerminal, plainLine } from '../src/output/terminal.js';
import { openLiveBlock } from '../src/watch/liveBlock.js';
import { describeRemedies, remediesOf } from '../src/watch/runEnding.js';

it('counts columns as terminals do: wide characters, pictures, flags, marks', () => {
  const columns = ['a', '解', '한', 'é', '🎉', '✅', '⏰', '🇩🇪', '✓', '🖥', '\u00ad', '\u200b', 'ｗ'].map(
    columnsOf,
  );
  expect(columns).toEqual([1, 2, 2, 1, 2, 2, 2, 2, 1, 1, 1, 0, 2]);
});

it('draws what terminals disagree about in the way of all of them', () => {
  expect(plainLine('👨\u200d👩\u200d👧 ❤\ufe0f 👍🏽 a\u200db')).toBe('👨👩👧 ❤ 👍 a\u200db');
  expect(plainLine('one\ntwo\u001b[2J')).toBe('one two');
});

it('aligns a table of wide characters, breaks lines at words, and keeps the ends of ids', () => {
  expect(
    formatTable(
      ['Name', 'N'],
      [
        ['解析器', 5],
        ['abc', 12],
      ],
    ),
  ).toEqual(['Name     N', '解析器   5', 'abc     12']);
  expect(wrapLine('one two three', 9, '  ')).toEqual(['  one two', '  three']);
  expect(wrapLine('a-word-longer-than-that x', 8)).toEqual(['a-word-longer-than-that', 'x']);
  expect([fitEnd('phase-1/parser', 8), fitEnd('abc', 3), fitEnd('解析器', 5)]).toEqual([
    '…/parser',
    'abc',
    '…析器',
  ]);
  expect(padLine('解', 4)).toBe('解  ');
});

it('draws its own signs in ASCII where the terminal has no others, one column each', () => {
  const signs = '✓✗⊘⇢▸·█░…–─→│×’';
  expect(drawInAscii(signs)).toMatch(/^[ -~]{15}$/);
  expect(drawInAscii('✓ 解')).toBe('+ 解');
  const locales = [{}, { LANG: 'C' }, { LANG: 'de_DE.UTF-8' }, { LANG: 'en_US.utf8', LC_ALL: 'POSIX' }];
  expect(locales.map(drawsUnicode)).toEqual([true, false, true, false]);
  expect(drawsUnicode({ TERM: 'linux', LANG: 'C.UTF-8' })).toBe(false);
});

it('quotes arguments so that a shell gives them back', () => {
  for (const argument of ['plain', "it's", 'two words', '$(touch x)', '', '*', 'a;b', '\\', 'ä', '-r']) {
    expect(
      execFileSync('/bin/sh', ['-c', `printf %s ${quoteArgument(argument)}`], { encoding: 'utf8' }),
    ).toBe(argument);
  }
});

const FLAGS: GoOnFlags = { agent: [], ...EXECUTE_DEFAULTS };

it('goes on in the way that was begun: agents, repository, limits; what is as usual is not repeated', () => {
  expect(describeGoOn('run_1', FLAGS)).toBe('neolith execute --run run_1 --resume');
  expect(
    describeGoOn('run_1', {
      ...FLAGS,
      ...{
        agent: ['claude', 'codex'],
        repoPath: '../my shop',
        check: "npm test -- --grep 'x'",
        target: 'main',
      },
      ...{
        merge: 'merge',
        maxConcurrent: 2,
        timeout: 90,
        cache: true,
        tokenFile: 'token',
        server: 'http://h:1',
      },
    }),
  ).toBe(
    "neolith execute --run run_1 --resume --agent claude --agent codex -r '../my shop' --target main --merge merge --check 'npm test -- --grep '\\''x'\\''' -c 2 -t 90s --server http://h:1 --token-file token --cache",
  );
});

it('says of a conflict which files, and of other errors the first paragraph', () => {
  expect(
    summariseError(
      'The work conflicts, in:\n- src/a.ts\n- src/b.ts\nCONFLICT (content): Merge conflict in src/a.ts\n\nsrc/a.ts:\n<<<<',
    ),
  ).toBe('The work conflicts, in: src/a.ts, src/b.ts');
  expect(summariseError('Red.\nline two\n\nmore')).toBe('Red. line two');
  expect(summariseError('x'.repeat(1_000))).toHaveLength(401);
});

it('puts each command alone on its line, so that it can be pasted', () => {
  for (const status of ['FAILED', 'QUARANTINED', 'CANCELLED'] as const) {
    const lines = describeRemedies(remediesOf({ id: 'run_1', status }));
    expect(lines.length).toBeGreaterThan(0);
    for (const line of lines) expect(line).toMatch(/^ {2}\S.*:$|^ {4}neolith runs [a-z]+ run_1$/);
  }
});

it('knows when everything that is left waits for a person', () => {
  const counts = {
    total: 3,
    blocked: 2,
    todo: 0,
    inProgress: 0,
    merging: 0,
    done: 1,
    failed: 0,
    cancelled: 0,
  };
  expect(waitsForPerson({ status: 'RUNNING', counts })).toBe(true);
  expect(waitsForPerson({ status: 'PAUSED', counts })).toBe(false);
  expect(waitsForPerson({ status: 'RUNNING', counts: { ...counts, todo: 1 } })).toBe(false);
  expect(waitsForPerson({ status: 'RUNNING', counts: { ...counts, merging: 1 } })).toBe(false);
  expect(waitsForPerson({ status: 'RUNNING', counts: { ...counts, blocked: 0 } })).toBe(false);
});

it('goes up over as many rows as a terminal that was made narrower has made of its lines', () => {
  const written: string[] = [];
  const stream = { columns: 40, write: (text: string | Uint8Array) => written.push(String(text)) > 0 };
  const block = openLiveBlock(stream);
  block.draw(['x'.repeat(39), 'short']);
  stream.columns = 20;
  written.length = 0;
  block.draw(['x'.repeat(19), 'short']);
  block.end();
  expect(written.join('')).toContain('\u001b[3A');
});

/** A terminal that keeps what is printed. */
function keepingTerminal() {
  const pieces: string[] = [];
  const write = (piece: string) => pieces.push(piece) > 0;
  const streams = { stdout: { write, isTTY: true, columns: 80 }, stderr: { write } };
  return { terminal: openTerminal({ NO_COLOR: '1' }, streams as never), text: () => pieces.join('') };
}

it('reports each task with its reason and its branch, within the width, and what to do next', () => {
  const at = new Date('2026-11-21T12:00:00Z');
  const record = {
    ...{
      taskId: 't',
      attemptId: 'att_1',
      title: 'T',
      number: 2,
      startedAt: at,
      planPhase: null,
      endsAt: null,
    },
    ...{
      phase: 'ended',
      agent: 'claude',
      pid: 1,
      branch: 'neolith/attempt_1',
      directory: '/w',
      commit: 'c',
      files: 1,
    },
    ...{ progress: 100, message: null, usage: { inputTokens: 1_000 }, durationMs: 5_000 },
    ...{
      result: 'merge_failed',
      error: 'In:\n- src/a.ts\nCONFLICT',
      kept: 'It is not merged.',
      reusedFrom: null,
    },
  };
  const task = { id: 't', sourceId: null, wave: 0, blockedReason: null, waitsFor: [], record: null };
  const summary = {
    run: {
      ...{ id: 'run_1', name: 'R', status: 'FAILED', reason: 'A task can not be reached.' },
      counts: { total: 3, blocked: 1, todo: 0, inProgress: 0, merging: 0, done: 1, failed: 1, cancelled: 0 },
    },
    tasks: [
      {
        ...task,
        title: '解析器を書く: 構文木とエラー回復、それから行番号をすべてのトークンに付けて説明する',
        status: 'DONE',
      },
      { ...task, title: 'Conflicting', status: 'FAILED', record },
      { ...task, title: 'After it', status: 'BLOCKED', waitsFor: ['Conflicting', 'Another'] },
    ],
    usage: { inputTokens: 1_000 },
    keptBranches: ['neolith/attempt_1'],
    durationMs: 61_000,
  };
  const { terminal, text } = keepingTerminal();
  reportExecution(terminal, summary as never, {
    ...{ json: false, exitCode: 5, isOwnServer: true, repositoryFlags: ' -r /shop' },
    merged: { branch: 'neolith/run_1', git: 'git -C /shop', isOfRun: true },
    goOn: 'neolith execute --run run_1 --resume',
  });
  const lines = text().split('\n');
  for (const line of lines) expect(columnsOf(line)).toBeLessThanOrEqual(80);
  expect(lines.slice(1)).toEqual([
    '✓ 解析器を書く: 構文木とエラー回復、それから行番号をすべてのトークンに付けて説…',
    expect.stringMatching(/^✗ Conflicting +claude {2}5 s {2}1 file {2}try 2$/),
    '    In: src/a.ts',
    '    kept: neolith/attempt_1, It is not merged.',
    '· After it',
    '    waits for Conflicting and 1 more',
    '',
    'failed after 1 min 1 s: 1/3 done, 1 waiting, 1 failed, 1.0k tokens',
    '  A task can not be reached.',
    '  The work, merged:',
    '    git -C /shop log --oneline HEAD..neolith/run_1',
    '  Take it over into the branch that is checked out:',
    '    git -C /shop merge neolith/run_1',
    '  Go on with what is not done:',
    '    neolith execute --run run_1 --resume',
    '  What became of 1 kept worktree, and what can go:',
    '    neolith cleanup --dry-run -r /shop',
    '',
  ]);
});
