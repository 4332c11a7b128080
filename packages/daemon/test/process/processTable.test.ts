import { expect, it } from 'vitest';
import { findVariable, parseStat } from '../../src/process/linuxProcesses.js';
import type { ProcessEntry } from '../../src/process/processEntry.js';
import { readProcessTable } from '../../src/process/processTable.js';
import { findPsMarkers, parsePsTable, readPsTable } from '../../src/process/psProcesses.js';
import { processKey, selectAncestors, selectTree, type TreeRoots } from '../../src/process/selectTree.js';

function entry(pid: number, parentPid: number, over: Partial<ProcessEntry> = {}): ProcessEntry {
  return { pid, parentPid, groupId: 1, sessionId: 1, startedAt: 100, ended: false, ...over };
}

const NOBODY: TreeRoots = {
  leader: null,
  marked: new Set(),
  known: new Set(),
  excluded: new Set(),
  startTolerance: 0,
};
const pidsOf = (entries: ProcessEntry[]): number[] => entries.map(({ pid }) => pid).sort((a, b) => a - b);

it('selects group, session, children, and what children lead', () => {
  const table = [
    entry(50, 1, { groupId: 50, sessionId: 50 }),
    entry(51, 1, { groupId: 50, sessionId: 50 }),
    entry(52, 1, { groupId: 52, sessionId: 50 }),
    entry(53, 50, { groupId: 53, sessionId: 53 }),
    entry(54, 1, { groupId: 54, sessionId: 53 }),
    entry(60, 1, { groupId: 60, sessionId: 60 }),
  ];
  expect(pidsOf(selectTree(table, { ...NOBODY, leader: { pid: 50, startedAt: 100 } }))).toEqual([
    50, 51, 52, 53, 54,
  ]);
});

it("takes a group for somebody else's once another process has the leader's pid", () => {
  const table = [
    entry(50, 1, { groupId: 50, sessionId: 50, startedAt: 900 }),
    entry(51, 50, { groupId: 50, sessionId: 50, startedAt: 901 }),
  ];
  expect(selectTree(table, { ...NOBODY, leader: { pid: 50, startedAt: 100 } })).toEqual([]);
});

it('keeps members known from before, but not who has their pid now', () => {
  const known = new Set([processKey({ pid: 70, startedAt: 100 }), processKey({ pid: 71, startedAt: 100 })]);
  const table = [entry(70, 1), entry(71, 1, { startedAt: 900 })];
  expect(pidsOf(selectTree(table, { ...NOBODY, known }))).toEqual([70]);
});

it('never selects the daemon, its ancestors or init, whatever they carry', () => {
  const table = [entry(1, 0), entry(10, 1), entry(11, 10), entry(12, 11)];
  const excluded = selectAncestors(table, 11);
  expect([...excluded].sort()).toEqual([0, 1, 10, 11]);
  expect(pidsOf(selectTree(table, { ...NOBODY, excluded, marked: new Set([1, 10, 11, 12]) }))).toEqual([12]);
});

it('reads a stat line whose name holds blanks and parentheses', () => {
  const stat = `4711 (a) S 1 (b) Z 12 4700 4699 0 -1 ${'0 '.repeat(13)}98765 0`;
  expect(parseStat(stat)).toEqual({
    pid: 4711,
    parentPid: 12,
    groupId: 4700,
    sessionId: 4699,
    startedAt: 98765,
    ended: true,
  });
  expect(parseStat('')).toBeNull();
});

it('finds a variable as a whole entry only', () => {
  const environment = Buffer.from(
    'A=1\0XNEOLITH_ATTEMPT=no\0B=NEOLITH_ATTEMPT=no\0NEOLITH_ATTEMPT=yes\0C=3\0',
  );
  expect(findVariable(environment, 'NEOLITH_ATTEMPT')).toBe('yes');
  expect(findVariable(Buffer.from('B=NEOLITH_ATTEMPT=no\0'), 'NEOLITH_ATTEMPT')).toBeNull();
  expect(findVariable(Buffer.from('NEOLITH_ATTEMPT='), 'NEOLITH_ATTEMPT')).toBe('');
  expect(findVariable(Buffer.alloc(0), 'NEOLITH_ATTEMPT')).toBeNull();
});

it('reads the table of macOS', () => {
  const text = [
    '    1     0     1 Ss   Mon Nov  9 08:00:01 2026    ',
    ' 4711   312  4711 S+   Fri Nov 20 21:02:51 2026',
    ' 4712  4711  4711 Z    Fri Nov 20 21:02:52 2026',
    'nonsense',
  ].join('\n');
  expect(parsePsTable(text).slice(1)).toEqual([
    {
      pid: 4711,
      parentPid: 312,
      groupId: 4711,
      sessionId: null,
      startedAt: Date.UTC(2026, 10, 20, 21, 2, 51) / 1000,
      ended: false,
    },
    expect.objectContaining({ pid: 4712, ended: true }),
  ]);
});

it('takes the marker of macOS from the environment, not from the arguments', () => {
  const commands = '   10 node agent.js\n   11 grep NEOLITH_ATTEMPT=a1\n   12 node x\n';
  const withEnvironment =
    '   10 node agent.js PATH=/bin NEOLITH_ATTEMPT=a1 X=y\n   11 grep NEOLITH_ATTEMPT=a1 PATH=/bin\n   12 node x NEOLITH_ATTEMPT=a2\n';
  const found = findPsMarkers(new Set([10, 11]), commands, withEnvironment, 'NEOLITH_ATTEMPT');
  expect([...found]).toEqual([[10, 'a1']]);
});

it('reads the same from ps as from the platform', async () => {
  const [fromPlatform, fromPs] = [await readProcessTable(), await readPsTable()];
  const own = (entries: readonly ProcessEntry[]) => entries.find(({ pid }) => pid === process.pid);
  expect(own(fromPs.entries)).toMatchObject({
    pid: process.pid,
    parentPid: own(fromPlatform.entries)?.parentPid,
    groupId: own(fromPlatform.entries)?.groupId,
    ended: false,
  });
  expect(own(fromPs.entries)?.startedAt).toBeGreaterThan(Date.now() / 1000 - 3_600);
});
