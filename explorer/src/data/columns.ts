/** Columns of an Arrow file as typed arrays. Names keep their codes, so that 200,000 rows make no objects. */
import { tableFromIPC } from '@uwdata/flechette';

export interface Category {
  kind: 'category';
  codes: Int8Array | Int16Array | Int32Array;
  names: string[];
  /** Rows of each name. */
  counts: Uint32Array;
}
export interface Numbers {
  kind: 'number';
  values: Float32Array;
}
export type Column = Category | Numbers;
export interface Table {
  rows: number;
  columns: ReadonlyMap<string, Column>;
}

type Codes = Category['codes'];

function category(name: string, column: NonNullable<ReturnType<ReturnType<typeof tableFromIPC>['getChild']>>): Category {
  if (column.nullCount > 0) throw new Error(`the column ${name} holds nulls; make the index again: impasto index PROFILES --out INDEX`);
  const batches = column.data as unknown as { values: Codes; length: number; dictionary: { toArray(): ArrayLike<string> } }[];
  const parts = batches.map((batch) => batch.values.subarray(0, batch.length));
  const codes = parts.length === 1 ? parts[0] : Int32Array.from({ length: column.length });
  if (parts.length !== 1) {
    let at = 0;
    for (const part of parts) {
      codes.set(part, at);
      at += part.length;
    }
  }
  const names = batches.length ? Array.from(batches[0].dictionary.toArray()) : [];
  const counts = new Uint32Array(names.length);
  for (let i = 0; i < codes.length; i++) counts[codes[i]]++;
  return { kind: 'category', codes, names, counts };
}

/** The columns of an Arrow file. */
export function read(bytes: Uint8Array): Table {
  const table = tableFromIPC(bytes);
  const columns = new Map<string, Column>();
  for (const name of table.names as string[]) {
    const column = table.getChild(name);
    const first = column.data[0] as { dictionary?: unknown } | undefined;
    if (first?.dictionary) columns.set(name, category(name, column));
    else {
      const values = column.toArray() as ArrayLike<number>;
      columns.set(name, { kind: 'number', values: values instanceof Float32Array ? values : Float32Array.from(values) });
    }
  }
  return { rows: table.numRows, columns };
}

/** A column of names, or null where the table has none of that name. */
export function names(table: Table | null, column: string): Category | null {
  const found = table?.columns.get(column);
  return found?.kind === 'category' ? found : null;
}

/** A column of numbers, or null. */
export function numbers(table: Table | null, column: string): Float32Array | null {
  const found = table?.columns.get(column);
  return found?.kind === 'number' ? found.values : null;
}

/** What a row has in a column of names; "" where unknown. */
export function nameAt(table: Table | null, column: string, row: number): string {
  const found = names(table, column);
  return found && row >= 0 ? (found.names[found.codes[row]] ?? '') : '';
}

/** What a row has in a column of numbers; NaN where unknown. */
export function numberAt(table: Table | null, column: string, row: number): number {
  return row < 0 ? NaN : (numbers(table, column)?.[row] ?? NaN);
}

/** A stored float32 as people wrote it: 0.3, not 0.30000001192. */
export const plain = (value: number): number => Number(value.toPrecision(6));
