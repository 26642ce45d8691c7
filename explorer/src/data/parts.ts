/** Genes and mechanisms: a compound may have several, and tables part them by a bar. Every one of them counts. */

const PARTED: readonly string[] = ['gene', 'moa', 'targets'];
const BAR = '|';

/** What a value of a column names: itself, or each of several. */
export function partsOf(column: string, value: string): string[] {
  if (!PARTED.includes(column) || !value.includes(BAR)) return [value];
  return [...new Set(value.split(BAR).map((part) => part.trim()))].filter(Boolean);
}

/** Whether a value of a column is `wanted`, alone or among others. */
export const holds = (column: string, value: string, wanted: string): boolean => value === wanted || partsOf(column, value).includes(wanted);

export interface Parts {
  /** Every part once, in the order of their names. */
  names: string[];
  /** Code of a value -> the codes of its parts. */
  of: number[][];
}

/** The parts of all values of a column. */
export function partsOfAll(column: string, values: readonly string[]): Parts {
  const lists = values.map((value) => partsOf(column, value));
  const names = [...new Set(lists.flat())].sort();
  const codes = new Map(names.map((name, code) => [name, code]));
  return { names, of: lists.map((list) => list.map((name) => codes.get(name)!)) };
}

/** Several genes or mechanisms in words. */
export const several = (value: string): string => value.replaceAll(BAR, ', ');
