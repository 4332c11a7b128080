// A whole daemon in a process of its own: claims over HTTP, worktrees, agents, merges. What it is to be comes in a file.
import { readFileSync } from 'node:fs';
import { createClient } from '../../../../contracts/dist/index.js';
import {
  createAgent,
  createDaemon,
  createGitMerger,
  createLog,
  gitWorkplace,
  openRepository,
} from '../../../dist/index.js';

const {
  url,
  token,
  agent,
  repository: where,
  targetBranch,
  check,
  level,
  ...options
} = JSON.parse(readFileSync(process.argv[2], 'utf8'));
const repository = await openRepository(where);
const daemon = createDaemon({
  ...options,
  client: createClient({ baseUrl: url, token }),
  agent: createAgent(
    agent.name,
    { hostEnvironment: process.env, baseDirectory: process.cwd() },
    { [agent.name]: agent.configuration },
  ),
  workplace: gitWorkplace({ repository, targetBranch }),
  merger: createGitMerger({
    repository,
    strategy: 'rebase',
    check: check === null ? null : { command: check, hostEnvironment: process.env },
  }),
  log: createLog({
    form: 'json',
    level,
    secrets: options.secrets,
    write: (line) => process.stderr.write(line),
  }),
});
let signals = 0;
process.on('SIGTERM', () => {
  signals += 1;
  void (signals === 1 ? daemon.drain() : daemon.stop());
});
await daemon.start();
console.log(JSON.stringify({ serving: daemon.id() }));
const report = await daemon.finished;
console.log(JSON.stringify({ ...report, memoryBytesMax: process.resourceUsage().maxRSS * 1_024 }));
