import { openDatabase } from '@neolith/database';
import { createWorkEngine } from '@neolith/work-engine';
import { planTasks } from './planOf.js';

// A process of its own, so that its memory is that of the import alone: node importStream.js URL ORCHESTRATOR TASKS EDGES
const [url = '', orchestratorId = '', tasks = '0', edges = '0'] = process.argv.slice(2);
const database = openDatabase(url, { poolSize: 2 });
const engine = createWorkEngine(database);
const rss: number[] = [];
const look = setInterval(() => rss.push(process.memoryUsage.rss()), 20);
const start = performance.now();
const { created } = await engine.importTasks(planTasks(Number(tasks), Number(edges)), {
  source: 'stream',
  orchestratorId,
});
const ms = performance.now() - start;
clearInterval(look);
await engine.close();
await database.close();
process.send?.({ ms, created, rss });
process.disconnect();
