import { findFilePaths } from './findFilePaths.js';
import { readText, type TaskText } from './taskText.js';
import { TECHNOLOGIES } from './technologies.js';

/** Technologies that a task names, by word, tag or file, in the order of our table. */
export function findTechnologies(task: TaskText): string[] {
  const text = readText(task);
  const extensions = new Set(findFilePaths(text).map((path) => path.slice(path.lastIndexOf('.') + 1)));
  const tags = new Set(task.tags.map((tag) => tag.trim().toLowerCase()));
  return TECHNOLOGIES.filter(
    ({ name, words, extensions: ends = [] }) =>
      tags.has(name.toLowerCase()) || words?.test(text) === true || ends.some((end) => extensions.has(end)),
  ).map(({ name }) => name);
}
