// The docs must hold together: links between files lead somewhere, a link to a test is named by the title of a test in
// that file, and nothing names a path of one machine.
import { execFileSync } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { root } from './prepare.mjs';

const files = execFileSync('git', ['ls-files', '-z', '*.md'], { cwd: root, encoding: 'utf8' })
  .split('\0')
  .filter(Boolean);
const problems = [];

const anchorOf = (heading) =>
  heading
    .trim()
    .toLowerCase()
    .replace(/[`*_]/g, '')
    .replace(/[^\p{L}\p{N}\s-]/gu, '')
    .replace(/\s/g, '-');

function headingsOf(path) {
  const text = readFileSync(path, 'utf8').replace(/^```[\s\S]*?^```/gm, '');
  return new Set([...text.matchAll(/^#{1,6}\s+(.+)$/gm)].map(([, heading]) => anchorOf(heading)));
}

/** Whether a file has a test, or a group of tests, of exactly this title. */
function hasTest(path, title) {
  const source = readFileSync(path, 'utf8').replaceAll("\\'", "'");
  return ["'", '"', '`'].some((quote) => source.includes(`${quote}${title}${quote}`));
}

for (const file of files) {
  const text = readFileSync(join(root, file), 'utf8');
  text.split('\n').forEach((line, index) => {
    for (const [, label, target] of line.matchAll(/\[((?:[^[\]]|\[[^[\]]*\])*)\]\(([^)\s]+)\)/g)) {
      if (/^[a-z]+:/i.test(target)) continue;
      const [path, anchor] = target.split('#');
      const resolved = path === '' ? join(root, file) : join(root, dirname(file), path);
      if (!existsSync(resolved)) problems.push(`${file}:${index + 1}: ${target} leads nowhere`);
      else if (anchor && resolved.endsWith('.md') && !headingsOf(resolved).has(anchor))
        problems.push(`${file}:${index + 1}: ${target} has no such heading`);
      else if (/\.(test|proof)\.ts$/.test(resolved) && !hasTest(resolved, label))
        problems.push(`${file}:${index + 1}: ${target} has no test "${label}"`);
    }
    if (/\/(root|home|Users|work)\/[a-z]/.test(line))
      problems.push(`${file}:${index + 1}: names a path of one machine`);
  });
}

for (const problem of problems) console.error(problem);
console.log(`${files.length} documents, ${problems.length} problems`);
process.exit(problems.length === 0 ? 0 : 1);
