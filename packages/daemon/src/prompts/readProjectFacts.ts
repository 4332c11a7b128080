import { readdir, realpath } from 'node:fs/promises';
import { parseJson } from '../agents/parseJson.js';
import { listCommands } from './projectCommands.js';
import { readStandards } from './projectStandards.js';
import { listTechnologies } from './projectTechnologies.js';
import type { ProjectFacts } from './promptParts.js';
import { readRepositoryFile } from './readRepositoryFile.js';

const MANIFEST_BYTES_MAX = 512 * 1024;
/** What `npm init` writes there is no test. */
const NO_TEST = /no test specified/;

/**
 * What the files at the top of a repository tell about it: its name, what it is made with, how one writes in it,
 * and how it is checked. Nothing is run, and nothing outside of the directory is read. Rejects when the directory
 * can't be listed; whatever else is missing or can't be understood is left out.
 */
export async function readProjectFacts(directory: string): Promise<ProjectFacts> {
  const root = await realpath(directory);
  const fileNames = (await readdir(root)).sort();
  const read = async (name: string) =>
    fileNames.includes(name) ? ((await readRepositoryFile(root, name, MANIFEST_BYTES_MAX))?.text ?? '') : '';
  const manifest = readManifest(await read('package.json'));
  const pyproject = await read('pyproject.toml');
  const requirements = await read('requirements.txt');
  const name =
    manifest.name ??
    findNameIn(pyproject) ??
    findNameIn(await read('Cargo.toml')) ??
    findModule(await read('go.mod'));
  return {
    ...(name === undefined ? {} : { name }),
    technologies: listTechnologies(fileNames, manifest.packages, `${pyproject}\n${requirements}`),
    standards: await readStandards(root),
    commands: listCommands({
      fileNames,
      npmScripts: manifest.scripts,
      pyproject,
      requirements,
      makefile: await read('Makefile'),
    }),
  };
}

interface Manifest {
  readonly name: string | undefined;
  readonly packages: ReadonlySet<string>;
  readonly scripts: ReadonlySet<string>;
}

function readManifest(text: string): Manifest {
  const parsed = parseJson(text);
  const value = parsed.ok ? toRecord(parsed.value) : {};
  const scripts = Object.entries(toRecord(value.scripts)).filter(
    ([, script]) => typeof script === 'string' && script.trim() !== '' && !NO_TEST.test(script),
  );
  const packages = ['dependencies', 'devDependencies', 'peerDependencies'].flatMap((field) =>
    Object.keys(toRecord(value[field])),
  );
  return {
    name: typeof value.name === 'string' && value.name !== '' ? value.name : undefined,
    packages: new Set(packages),
    scripts: new Set(scripts.map(([script]) => script)),
  };
}

function toRecord(value: unknown): Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
    ? (value as Record<string, unknown>)
    : {};
}

/** `name = "…"` as it stands in pyproject.toml and Cargo.toml. */
function findNameIn(toml: string): string | undefined {
  return /^name[ \t]{0,8}=[ \t]{0,8}["']([^"'\n]{1,200})["']/m.exec(toml)?.[1];
}

function findModule(goMod: string): string | undefined {
  return /^module[ \t]{1,8}(\S{1,200})/m.exec(goMod)?.[1];
}
