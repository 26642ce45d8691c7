/** What was read so far: about, the two tables, the fields of plates. Columns come when something first asks for them. */
import { batch, signal } from '@preact/signals';
import type { Table } from './data/columns';
import type { Source, TableName } from './data/source';
import type { About, PlateImages } from './data/types';
import type { State } from './url';

export const about = signal<About | null>(null);
export const wells = signal<Table | null>(null);
export const perturbations = signal<Table | null>(null);
/** Fields by the name of their plate. */
export const images = signal<ReadonlyMap<string, PlateImages>>(new Map());
/** What went wrong, in a sentence for the person. */
export const failure = signal('');

const TABLES = { wells, perturbations };
const LATER: readonly string[] = ['smiles', 'inchikey'];
const FIRST_OF_WELLS = ['plate', 'well', 'perturbation', 'control_type', 'name', 'concentration'];
const asked = new Set<string>();
let source: Source;

export const theSource = (): Source => source;

/** Say what went wrong. */
export function fail(error: unknown): void {
  failure.value = error instanceof Error ? error.message : String(error);
}

/** The columns that a table of the index has. */
export function has(table: TableName, column: string): boolean {
  return about.value?.columns[table].some(({ name }) => name === column) ?? false;
}

/** Read columns that are not there yet; those that the index lacks are left out. */
export async function need(name: TableName, columns: Iterable<string>): Promise<void> {
  const missing = [...new Set(columns)].filter((column) => has(name, column) && !asked.has(`${name}/${column}`));
  if (!missing.length) return;
  missing.forEach((column) => asked.add(`${name}/${column}`));
  try {
    const more = await source.columns(name, missing);
    const before = TABLES[name].peek();
    TABLES[name].value = { rows: more.rows, columns: new Map([...(before?.columns ?? []), ...more.columns]) };
  } catch (error) {
    missing.forEach((column) => asked.delete(`${name}/${column}`));
    fail(error);
  }
}

/** Read where the fields of a plate are. */
export async function needImages(plate: string): Promise<void> {
  const place = about.peek()?.plates.findIndex((known) => known.plate === plate) ?? -1;
  if (place < 0 || asked.has(`images/${plate}`)) return;
  asked.add(`images/${plate}`);
  try {
    const found = await source.images(place);
    images.value = new Map([...images.peek(), [plate, found]]);
  } catch (error) {
    fail(error);
  }
}

/** Read what the first view needs: the map's columns first, then the rest. */
export async function load(from: Source, state: State): Promise<void> {
  source = from;
  try {
    const told = await source.about();
    about.value = told;
    const inFilters = state.only.map(({ column }) => column);
    const second = told.columns.perturbations.map(({ name }) => name).filter((name) => !LATER.includes(name));
    if (state.level === 'perturbations') await need('perturbations', second);
    await need('wells', ['x', 'y', state.by, ...inFilters]);
    await Promise.all([need('wells', FIRST_OF_WELLS), need('perturbations', second)]);
  } catch (error) {
    batch(() => fail(error));
  }
}
