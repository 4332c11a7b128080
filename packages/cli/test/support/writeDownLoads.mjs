// Given to Node by `--import`: each module that is loaded is written down in the file that LOADS names.
import { appendFileSync } from 'node:fs';
import { register } from 'node:module';
import { isMainThread } from 'node:worker_threads';

// Hooks run on a thread of their own, which loads this file once more.
if (isMainThread) register(import.meta.url);

export function load(url, context, nextLoad) {
  appendFileSync(process.env.LOADS, `${url}\n`);
  return nextLoad(url, context);
}
