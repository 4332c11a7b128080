import { readFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { pathToFileURL } from 'node:url';
import type { SchemaEngine } from '@prisma/schema-engine-wasm';

type SchemaEngineClass = typeof SchemaEngine;

interface WasmExports {
  __wbindgen_start(): void;
}

interface WasmBindings {
  SchemaEngine: SchemaEngineClass;
  __wbg_set_wasm(exports: WasmExports): void;
}

// Node has it; TypeScript declares it only among the types of a browser.
declare const WebAssembly: {
  instantiate(bytes: Uint8Array, imports: object): Promise<{ instance: { exports: WasmExports } }>;
};

let loaded: Promise<SchemaEngineClass> | undefined;

/** Prisma's migration engine as WebAssembly; compiled once a process, and only when migrations are asked for. */
export function loadSchemaEngine(): Promise<SchemaEngineClass> {
  loaded ??= instantiate();
  return loaded;
}

// The package's own entry imports its .wasm file as a module, which Node 20 doesn't do without a flag.
async function instantiate(): Promise<SchemaEngineClass> {
  const directory = dirname(createRequire(import.meta.url).resolve('@prisma/schema-engine-wasm'));
  const bindings = (await import(
    /* @vite-ignore */ pathToFileURL(join(directory, 'schema_engine_bg.js')).href
  )) as WasmBindings;
  const bytes = await readFile(join(directory, 'schema_engine_bg.wasm'));
  const { instance } = await WebAssembly.instantiate(bytes, {
    './schema_engine_bg.js': { ...bindings, ...timersThatLetTheProcessEnd(bindings) },
  });
  bindings.__wbg_set_wasm(instance.exports);
  instance.exports.__wbindgen_start();
  return bindings.SchemaEngine;
}

/**
 * The engine gives up waiting for its lock after ten seconds, and leaves that timer running when it gets the
 * lock: the process could not end before.
 */
function timersThatLetTheProcessEnd(bindings: object): Record<string, unknown> {
  const names = Object.keys(bindings).filter((name) => name.startsWith('__wbg_setTimeout_'));
  const setUnrefedTimeout = (callback: () => void, milliseconds: number) =>
    setTimeout(callback, milliseconds >>> 0).unref();
  return Object.fromEntries(names.map((name) => [name, setUnrefedTimeout]));
}
