const VARIABLES = ['ONLY', 'VARIANTS', 'RECEIVERS', 'IN_FLIGHT'];

/** Whether the environment picks out a part; then the pages, which hold the whole, stay as they are. */
export function isPart(): boolean {
  return VARIABLES.some((variable) => (process.env[variable] ?? '') !== '');
}

/** What the environment picks out of what a benchmark would do: a list with commas; unset is everything. */
export function wordsFrom<Word extends string>(variable: string, all: readonly Word[]): readonly Word[] {
  const given = process.env[variable];
  if (given === undefined || given === '') return all;
  const words = given.split(',').map((word) => word.trim());
  const unknown = words.find((word) => !all.some((known) => known === word));
  if (unknown !== undefined)
    throw new Error(`${variable}: there is no "${unknown}"; there are: ${all.join(', ')}`);
  return all.filter((word) => words.includes(word));
}

/** The same for numbers: unset is the default. */
export function numbersFrom(variable: string, standard: readonly number[]): readonly number[] {
  const given = process.env[variable];
  if (given === undefined || given === '') return standard;
  const numbers = given.split(',').map(Number);
  if (!numbers.every((number) => Number.isInteger(number) && number > 0)) {
    throw new Error(`${variable} is a list of whole numbers with commas between them, not "${given}"`);
  }
  return numbers;
}
