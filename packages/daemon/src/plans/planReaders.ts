import type { PlanReader } from './planReader.js';
import { backlogReader } from './readers/backlog/backlogReader.js';
import { beadsReader } from './readers/beadsReader.js';
import { markdownReader } from './readers/markdown/markdownReader.js';
import { neolithReader } from './readers/neolithReader.js';
import { taskMasterReader } from './readers/taskMaster/taskMasterReader.js';

/** Every format that can be read, the more particular first. */
export const planReaders: readonly PlanReader[] = [
  beadsReader,
  taskMasterReader,
  backlogReader,
  neolithReader,
  markdownReader,
];
