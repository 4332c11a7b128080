// Does one call of a built-in tool. Started by the agent `tool`, with the call and the operator's settings as JSON on
// stdin. What it brings is written to NEOLITH_RESULT_FILE; a refusal goes to stderr, with exit code 1.
import { spawn } from 'node:child_process';
import { lookup } from 'node:dns';
import { closeSync, constants, lstatSync, mkdirSync, openSync, readFileSync, writeFileSync } from 'node:fs';
import http from 'node:http';
import https from 'node:https';
import { BlockList, isIP } from 'node:net';
import { join } from 'node:path';

class Refusal extends Error {}

const tools = { write_file: writeFile, run_tests: runTests, http_request: requestHttp };

/** Addresses that lead to this machine, its network, or nowhere. */
const privateAddresses = new BlockList();
for (const [network, prefix] of [
  ['0.0.0.0', 8],
  ['10.0.0.0', 8],
  ['100.64.0.0', 10],
  ['127.0.0.0', 8],
  ['169.254.0.0', 16],
  ['172.16.0.0', 12],
  ['192.0.0.0', 24],
  ['192.0.2.0', 24],
  ['192.168.0.0', 16],
  ['198.18.0.0', 15],
  ['198.51.100.0', 24],
  ['203.0.113.0', 24],
  ['224.0.0.0', 3],
]) {
  privateAddresses.addSubnet(network, prefix, 'ipv4');
}
for (const [network, prefix] of [
  ['::', 96],
  // An IPv4 address in the dress of an IPv6 one, by any of the ways there are.
  ['::ffff:0:0', 96],
  ['64:ff9b::', 96],
  ['64:ff9b:1::', 48],
  ['100::', 64],
  ['2001::', 23],
  ['2001:db8::', 32],
  ['2002::', 16],
  ['fc00::', 7],
  ['fe80::', 10],
  ['fec0::', 10],
  ['ff00::', 8],
]) {
  privateAddresses.addSubnet(network, prefix, 'ipv6');
}

try {
  const { call, settings } = JSON.parse(readFileSync(0, 'utf8'));
  if (!Object.hasOwn(tools, call.tool)) {
    throw new Refusal(
      `The task's metadata has no tool that there is: ${JSON.stringify(call.tool ?? null)}. Set "tool" to one of ${Object.keys(tools).join(', ')}.`,
    );
  }
  const { output, exitCode = 0 } = await tools[call.tool](call, settings);
  writeFileSync(process.env.NEOLITH_RESULT_FILE, JSON.stringify(output));
  process.exitCode = exitCode;
} catch (error) {
  console.error(error instanceof Refusal ? error.message : `The tool failed: ${error?.stack ?? error}`);
  process.exitCode = 1;
}

function writeFile({ path, content, encoding = 'utf8' }, { maxBytes }) {
  const refuse = (why) => new Refusal(`The file ${JSON.stringify(path)} was not written: ${why}.`);
  if (typeof path !== 'string' || typeof content !== 'string')
    throw refuse('"path" and "content" must be text');
  if (encoding !== 'utf8' && encoding !== 'base64') throw refuse('"encoding" must be utf8 or base64');
  const bytes = Buffer.from(content, encoding);
  if (bytes.length > maxBytes) throw refuse(`it is longer than ${maxBytes} bytes`);
  const parts = path.split(/[/\\]/);
  if (path.length > 4_096 || path.includes('\0') || /^[A-Za-z]:/.test(path))
    throw refuse('its name is not usable');
  if (parts.some((part) => part === '' || part === '.' || part === '..')) {
    throw refuse('its path must lead down from the working directory, by names alone');
  }
  // Where case doesn't count, or some characters are skipped, git's folder has other names as well.
  const plain = parts.map((part) => part.replace(/[^\x21-\x7e]|[. ]+$/g, '').toLowerCase());
  if (plain.some((part) => part === '.git' || part === 'git~1')) throw refuse("it is one of git's own");

  let directory = process.cwd();
  for (const part of parts.slice(0, -1)) {
    directory = join(directory, part);
    try {
      mkdirSync(directory);
    } catch (error) {
      if (error.code !== 'EEXIST') throw error;
    }
    if (!lstatSync(directory).isDirectory()) throw refuse(`${JSON.stringify(part)} is a link, or no folder`);
  }
  const { O_CREAT, O_WRONLY, O_TRUNC, O_NOFOLLOW, O_NONBLOCK } = constants;
  let file;
  try {
    file = openSync(
      join(directory, parts.at(-1)),
      O_CREAT | O_WRONLY | O_TRUNC | O_NOFOLLOW | O_NONBLOCK,
      0o644,
    );
  } catch (error) {
    if (error.code === 'ELOOP') throw refuse('it is a link');
    throw refuse(error.message);
  }
  try {
    writeFileSync(file, bytes);
  } finally {
    closeSync(file);
  }
  return { output: { path: parts.join('/'), bytes: bytes.length } };
}

async function runTests(_call, { testCommand }) {
  const [program, ...args] = testCommand;
  if (program === undefined) {
    throw new Refusal("There is no test command. Give the tool agent one in the daemon's configuration.");
  }
  const startedMs = performance.now();
  // On stdout its output could pass for reports of ours.
  const child = spawn(program, args, { stdio: ['ignore', 2, 2], shell: false });
  const exitCode = await new Promise((resolve, reject) => {
    child.once('error', (error) =>
      reject(new Refusal(`The test command can't be started: ${error.message}.`)),
    );
    child.once('exit', (code, signal) => resolve(code ?? 128 + (signal === 'SIGKILL' ? 9 : 15)));
  });
  const durationMs = Math.round(performance.now() - startedMs);
  return { output: { exitCode, durationMs }, exitCode };
}

async function requestHttp(call, settings) {
  const { url: address, method = 'GET', headers = {}, body } = call;
  const refuse = (why) => new Refusal(`The request to ${JSON.stringify(address)} was refused: ${why}.`);
  if (typeof address !== 'string' || !URL.canParse(address)) throw refuse('"url" must be an address');
  const url = new URL(address);
  const isPrivate = settings.privateHosts.includes(url.host) || settings.privateHosts.includes(url.hostname);
  if (!settings.allowedHosts.includes(url.host) && !settings.allowedHosts.includes(url.hostname)) {
    throw refuse(`${url.host} is not among the tool agent's allowed hosts`);
  }
  // A host without a port is allowed at the port of its scheme alone.
  if (url.port !== '' && !settings.allowedHosts.includes(url.host))
    throw refuse(`port ${url.port} is not allowed`);
  if (url.protocol !== 'https:' && !(isPrivate && url.protocol === 'http:'))
    throw refuse('it must begin with https:');
  if (url.username !== '' || url.password !== '') throw refuse('a password in an address ends up in logs');
  if (!/^(?:GET|HEAD|POST|PUT|PATCH|DELETE)$/.test(method))
    throw refuse(`its method ${JSON.stringify(method)} is unknown`);
  if (body !== undefined && typeof body !== 'string') throw refuse('"body" must be text');
  if (
    headers === null ||
    typeof headers !== 'object' ||
    Object.values(headers).some((v) => typeof v !== 'string')
  ) {
    throw refuse('"headers" must be an object of texts');
  }
  const hostHeader = Object.keys(headers).find((name) =>
    /^(?:host|connection|transfer-encoding|upgrade)$/i.test(name),
  );
  if (hostHeader !== undefined) throw refuse(`the header ${hostHeader} is not for tasks to set`);
  const literal = url.hostname.replace(/^\[|\]$/g, '');
  const isForbidden = (ip) => !isPrivate && privateAddresses.check(ip, isIP(ip) === 6 ? 'ipv6' : 'ipv4');
  if (isIP(literal) !== 0 && isForbidden(literal)) throw refuse(`${literal} is a private address`);

  /** The address that was judged is the one that is dialled: a second look-up could bring another. */
  const lookUp = (hostname, options, callback) => {
    lookup(hostname, { ...options, all: true }, (error, addresses) => {
      if (error !== null) return callback(error);
      const forbidden = addresses.find((found) => isForbidden(found.address));
      if (forbidden !== undefined)
        return callback(refuse(`${hostname} leads to the private address ${forbidden.address}`));
      if (options.all) return callback(null, addresses);
      const [first] = addresses;
      return callback(null, first.address, first.family);
    });
  };

  const { request } = url.protocol === 'https:' ? https : http;
  const timeout = AbortSignal.timeout(settings.requestTimeoutMs);
  const answer = await new Promise((resolve, reject) => {
    const asking = request(url, { method, headers, lookup: lookUp, agent: false, signal: timeout }, resolve);
    asking.on('error', (error) => {
      if (error instanceof Refusal) return reject(error);
      return reject(
        refuse(timeout.aborted ? `no answer within ${settings.requestTimeoutMs} ms` : error.message),
      );
    });
    asking.end(body);
  });
  const status = answer.statusCode;
  if (status >= 300 && status < 400) {
    answer.destroy();
    throw refuse(`it answered with a redirect (${status}), and those are not followed`);
  }
  const chunks = [];
  let bytes = 0;
  try {
    for await (const chunk of answer) {
      bytes += chunk.length;
      if (bytes > settings.maxBytes) throw refuse(`its answer is longer than ${settings.maxBytes} bytes`);
      chunks.push(chunk);
    }
  } catch (error) {
    answer.destroy();
    if (error instanceof Refusal) throw error;
    throw refuse(timeout.aborted ? `no answer within ${settings.requestTimeoutMs} ms` : error.message);
  }
  const output = {
    status,
    contentType: answer.headers['content-type'] ?? null,
    body: Buffer.concat(chunks).toString('utf8'),
  };
  if (status >= 400) console.error(`The request to ${url.host} was answered with ${status}.`);
  return { output, exitCode: status >= 400 ? 1 : 0 };
}
