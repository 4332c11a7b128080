import { existsSync, mkdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs';
import { createServer, type RequestListener, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { JsonValue } from '../../src/agents/agentAdapter.js';
import { createAgent } from '../../src/agents/registry.js';
import type { ToolAgentConfiguration } from '../../src/agents/tool.js';
import { makeFolder, makeWorktree, runAttempt } from './support/runInWorktree.js';

let root: string;

beforeEach(() => {
  root = makeFolder();
});

async function call(metadata: JsonValue, configuration: ToolAgentConfiguration = {}, directory = root) {
  const hostEnvironment = {
    PATH: process.env.PATH,
    HOME: root,
    NEOLITH_TOKEN: 'neo_token',
    HTTP_PROXY: 'http://127.0.0.1:1',
  };
  const adapter = createAgent('tool', { hostEnvironment, baseDirectory: root }, { tool: configuration });
  return runAttempt(adapter, { root, directory }, { context: { task: { metadata } } });
}

const refused = (why: RegExp) => ({
  status: 'failed',
  failureClass: 'task',
  error: expect.stringMatching(why),
});

it.each([[{}], [{ tool: 'rm' }], [{ tool: '__proto__' }], [{ tool: 'toString' }], [{ tool: null }]])(
  'refuses %j and names the tools there are',
  async (metadata) => {
    expect((await call(metadata)).report.verdict).toMatchObject(
      refused(/write_file, run_tests, http_request/),
    );
  },
);

describe('write_file', () => {
  it('writes below the working directory, making folders, and replaces what is there', async () => {
    const { report } = await call({ tool: 'write_file', path: 'a/b/c.txt', content: 'ä' });
    expect(report.verdict).toEqual({ status: 'completed', output: { path: 'a/b/c.txt', bytes: 2 } });
    await call({ tool: 'write_file', path: 'a/b/c.txt', content: 'AAE=', encoding: 'base64' });
    expect(readFileSync(join(root, 'a/b/c.txt'))).toEqual(Buffer.from([0, 1]));
  });

  it.each([
    '../out.txt',
    'a/../../out.txt',
    '/etc/out.txt',
    'a//b',
    './a',
    '',
    'a\0b',
    'C:\\x',
    '..\\out.txt',
    '.git/hooks/post-commit',
    '.GIT/config',
    'a/.git/x',
    '.git',
    'GIT~1/x',
    '.git /x',
    '.git\u200c/config',
  ])('refuses the path %j', async (path) => {
    const before = existsSync(join(root, '..', 'out.txt'));
    expect((await call({ tool: 'write_file', path, content: 'x' })).report.verdict).toMatchObject(
      refused(/was not written/),
    );
    expect(existsSync(join(root, '..', 'out.txt'))).toBe(before);
    expect(existsSync(join(root, '.git'))).toBe(false);
  });

  it('follows no link, as a folder or as the file', async () => {
    const elsewhere = makeFolder();
    writeFileSync(join(elsewhere, 'kept.txt'), 'kept');
    symlinkSync(elsewhere, join(root, 'folder'));
    symlinkSync(join(elsewhere, 'kept.txt'), join(root, 'file.txt'));
    for (const path of ['folder/kept.txt', 'folder/new.txt', 'file.txt']) {
      expect((await call({ tool: 'write_file', path, content: 'x' })).report.verdict).toMatchObject(
        refused(/link/),
      );
    }
    expect(readFileSync(join(elsewhere, 'kept.txt'), 'utf8')).toBe('kept');
    expect(existsSync(join(elsewhere, 'new.txt'))).toBe(false);
  });

  it('leaves the .git of a worktree as it is', async () => {
    const worktree = makeWorktree();
    const before = readFileSync(join(worktree.directory, '.git'), 'utf8');
    await call({ tool: 'write_file', path: '.git', content: 'x' }, {}, worktree.directory);
    expect(readFileSync(join(worktree.directory, '.git'), 'utf8')).toBe(before);
  });

  it('writes no more than it may', async () => {
    const content = 'x'.repeat(11);
    expect(
      (await call({ tool: 'write_file', path: 'a', content }, { maxBytes: 10 })).report.verdict,
    ).toMatchObject(refused(/longer than 10 bytes/));
    mkdirSync(join(root, 'folder'));
    expect((await call({ tool: 'write_file', path: 'folder', content: 'x' })).report.verdict).toMatchObject(
      refused(/was not written/),
    );
  });
});

describe('run_tests', () => {
  const node = (code: string) => ({ testCommand: [process.execPath, '-e', code] });

  it('runs the configured command, whatever the task names', async () => {
    const { report, log } = await call(
      { tool: 'run_tests', testCommand: ['touch', 'pwned'] },
      node('console.log("3 passed")'),
    );
    expect(report.verdict).toEqual({
      status: 'completed',
      output: { exitCode: 0, durationMs: expect.any(Number) },
    });
    expect(log).toEqual(['stderr: 3 passed']);
    expect(existsSync(join(root, 'pwned'))).toBe(false);
  });

  it('fails when they are red, with their last words', async () => {
    const { report } = await call({ tool: 'run_tests' }, node('console.log("1 failed"); process.exit(3)'));
    expect(report.verdict).toMatchObject({
      status: 'failed',
      code: 'EXIT_CODE',
      exitCode: 3,
      error: expect.stringMatching(/1 failed/),
    });
  });

  it('takes nothing they print for a report', async () => {
    const { report, signals } = await call(
      { tool: 'run_tests' },
      node(`console.log('::neolith {"output": "fake"}')`),
    );
    expect(report.verdict).toMatchObject({ status: 'completed', output: { exitCode: 0 } });
    expect(signals).toEqual([]);
  });

  it('is not there without a command', async () => {
    expect((await call({ tool: 'run_tests' })).report.verdict).toMatchObject(refused(/no test command/));
  });
});

describe('http_request', () => {
  const servers: Server[] = [];
  let asked: string[];

  beforeEach(() => {
    asked = [];
  });
  afterEach(async () => {
    for (const server of servers.splice(0)) {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    }
  });

  async function serve(answer: RequestListener): Promise<string> {
    const server = createServer((request, response) => {
      asked.push(`${request.method} ${request.url}`);
      answer(request, response);
    });
    servers.push(server);
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    return `127.0.0.1:${(server.address() as AddressInfo).port}`;
  }

  const own = (host: string, more: ToolAgentConfiguration = {}) => ({
    allowedHosts: [host],
    privateHosts: [host],
    ...more,
  });

  it('asks a host of the own network that is allowed as such', async () => {
    const host = await serve((request, response) => {
      response.setHeader('content-type', 'text/plain');
      request.pipe(response);
    });
    const { report } = await call(
      { tool: 'http_request', url: `http://${host}/a?b=c`, method: 'POST', body: 'hello' },
      own(host),
    );
    expect(report.verdict).toEqual({
      status: 'completed',
      output: { status: 200, contentType: 'text/plain', body: 'hello' },
    });
    expect(asked).toEqual(['POST /a?b=c']);
  });

  it('follows no redirect', async () => {
    const secret = await serve((_request, response) => response.end('secret'));
    const host = await serve((_request, response) =>
      response.writeHead(302, { location: `http://${secret}/` }).end(),
    );
    const { report } = await call(
      { tool: 'http_request', url: `http://${host}/` },
      { allowedHosts: [host, secret], privateHosts: [host, secret] },
    );
    expect(report.verdict).toMatchObject(refused(/redirect \(302\)/));
    expect(asked).toHaveLength(1);
  });

  it('reads no more than it may, and waits no longer', async () => {
    const long = await serve((_request, response) => response.end('x'.repeat(5_000)));
    expect(
      (await call({ tool: 'http_request', url: `http://${long}/` }, own(long, { maxBytes: 1_000 }))).report
        .verdict,
    ).toMatchObject(refused(/longer than 1000 bytes/));
    const slow = await serve((_request, response) => response.write('a'));
    expect(
      (await call({ tool: 'http_request', url: `http://${slow}/` }, own(slow, { requestTimeoutMs: 300 })))
        .report.verdict,
    ).toMatchObject(refused(/no answer within 300 ms/));
  });

  it('fails on an answer that is an error', async () => {
    const host = await serve((_request, response) => response.writeHead(503).end('later'));
    expect(
      (await call({ tool: 'http_request', url: `http://${host}/` }, own(host))).report.verdict,
    ).toMatchObject(refused(/answered with 503/));
  });

  it.each([
    'https://127.0.0.1/',
    'https://[::1]/',
    'https://10.1.2.3/',
    'https://192.168.0.1/',
    'https://169.254.169.254/latest',
    'https://[::ffff:127.0.0.1]/',
    'https://[fd00::1]/',
    'https://0.0.0.0/',
    'https://2130706433/',
    'https://0x7f.1/',
    'https://localhost/',
    'https://[64:ff9b::7f00:1]/',
    'https://100.64.0.1/',
  ])('dials no private address: %s', async (url) => {
    // Allowed by name, as an operator may by mistake, or as a name may come to lead there.
    const { host } = new URL(url);
    const { report } = await call({ tool: 'http_request', url }, { allowedHosts: [host] });
    expect(report.verdict).toMatchObject(refused(/private address/));
  });

  it.each([
    ['a host that is not allowed', 'https://other.example/', /not among the tool agent's allowed hosts/],
    ['another port', 'https://api.example:8443/', /port 8443/],
    ['no TLS', 'http://api.example/', /must begin with https/],
    ['a password', 'https://u:p@api.example/', /password/],
    ['a file', 'file:///etc/passwd', /allowed hosts/],
    ['nonsense', 'nonsense', /must be an address/],
    ['a name within another', 'https://api.example.evil.example/', /allowed hosts/],
  ])('refuses %s', async (_what, url, why) => {
    expect(
      (await call({ tool: 'http_request', url }, { allowedHosts: ['api.example'] })).report.verdict,
    ).toMatchObject(refused(why));
  });

  it('refuses headers that are not for tasks to set, and odd methods', async () => {
    const host = await serve((_request, response) => response.end());
    for (const more of [
      { headers: { Host: 'evil.example' } },
      { headers: { a: 1 } },
      { method: 'CONNECT' },
      { body: {} },
    ]) {
      const { report } = await call(
        { tool: 'http_request', url: `http://${host}/`, ...more } as JsonValue,
        own(host),
      );
      expect(report.verdict).toMatchObject(refused(/was refused/));
    }
    expect(asked).toEqual([]);
  });
});

it.each([[{ testCommand: [''] }], [{ testCommand: ['a\0'] }], [{ privateHosts: ['x'] }]])(
  'refuses the configuration %j',
  (configuration) => {
    expect(() =>
      createAgent('tool', { hostEnvironment: {}, baseDirectory: root }, { tool: configuration }),
    ).toThrow(expect.objectContaining({ code: 'AGENT_CONFIGURATION_INVALID' }));
  },
);
