import { randomUUID } from 'node:crypto';
import { fileURLToPath } from 'node:url';
import { afterEach } from 'vitest';
import type { OutputLine, ProcessSpec } from '../../src/process/processSpec.js';
import { type SupervisedProcess, superviseProcess } from '../../src/process/superviseProcess.js';

export const FIXTURES = fileURLToPath(new URL('../fixtures/', import.meta.url));

const started: SupervisedProcess[] = [];

afterEach(async () => {
  await Promise.all(started.splice(0).map((child) => child.terminate('shutdown', { graceMs: 0 })));
});

export interface Supervision extends SupervisedProcess {
  readonly lines: OutputLine[];
}

/** Supervises a program with coherent defaults; it is ended after the test, however that went. */
export function supervise(spec: Partial<ProcessSpec> & Pick<ProcessSpec, 'command'>): Supervision {
  const lines: OutputLine[] = [];
  const child = superviseProcess(
    {
      args: [],
      cwd: FIXTURES,
      environment: { PATH: process.env.PATH ?? '' },
      timeoutMs: 30_000,
      graceMs: 400,
      runMarker: randomUUID(),
      ...spec,
    },
    { onLine: (line) => lines.push(line) },
  );
  started.push(child);
  return { ...child, lines };
}

/** A Node program of the fixtures folder. */
export function superviseFixture(name: string, spec: Partial<ProcessSpec> = {}): Supervision {
  return supervise({
    command: process.execPath,
    ...spec,
    args: [`${FIXTURES}${name}`, ...(spec.args ?? [])],
  });
}

/** A line for `/bin/sh -c`. */
export function superviseShell(script: string, spec: Partial<ProcessSpec> = {}): Supervision {
  return supervise({ command: '/bin/sh', args: ['-c', script], ...spec });
}
