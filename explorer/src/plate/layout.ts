/** Where wells lie on a plate, and how large the plate is. */

export interface Place {
  row: number;
  column: number;
}
export interface Format {
  rows: number;
  columns: number;
}
const FORMATS: readonly Format[] = [
  { rows: 2, columns: 3 },
  { rows: 4, columns: 6 },
  { rows: 6, columns: 8 },
  { rows: 8, columns: 12 },
  { rows: 16, columns: 24 },
  { rows: 32, columns: 48 },
];

/** "A01" -> row 0, column 0; "AF48" -> row 31, column 47; null where it is no well. */
export function placeOf(well: string): Place | null {
  const found = /^([A-Z]{1,2})(\d+)$/.exec(well);
  if (!found) return null;
  const row = [...found[1]].reduce((sum, letter) => sum * 26 + letter.charCodeAt(0) - 64, 0) - 1;
  return { row, column: Number(found[2]) - 1 };
}

/** 0 -> "A", 26 -> "AA". */
export function rowName(row: number): string {
  return row < 26 ? String.fromCharCode(65 + row) : String.fromCharCode(64 + Math.floor(row / 26)) + String.fromCharCode(65 + (row % 26));
}

/** The smallest usual plate, of 96 wells or more, that holds all places; beyond 1536 wells as large as needed. */
export function formatOf(places: readonly Place[], smallest = 96): Format {
  const rows = Math.max(0, ...places.map((place) => place.row + 1));
  const columns = Math.max(0, ...places.map((place) => place.column + 1));
  const fits = (format: Format): boolean => format.rows >= rows && format.columns >= columns && format.rows * format.columns >= smallest;
  return FORMATS.find(fits) ?? { rows, columns };
}

const STEPS: Readonly<Record<string, readonly [number, number]>> = {
  ArrowLeft: [0, -1],
  ArrowRight: [0, 1],
  ArrowUp: [-1, 0],
  ArrowDown: [1, 0],
};

/** The next place with a well in the direction of an arrow key; null at the edge and for other keys. */
export function stepped(from: Place, key: string, format: Format, has: (place: Place) => boolean): Place | null {
  const step = STEPS[key];
  if (!step) return null;
  let { row, column } = from;
  for (;;) {
    row += step[0];
    column += step[1];
    if (row < 0 || column < 0 || row >= format.rows || column >= format.columns) return null;
    if (has({ row, column })) return { row, column };
  }
}

/** The median of the finite values at every place, over all plates: what the place alone gives. */
export function positional(wells: readonly string[], values: ArrayLike<number>, places: ReadonlyMap<string, readonly number[]>): number[] {
  return wells.map((well) => {
    const sorted = (places.get(well) ?? []).map((row) => values[row]).filter(Number.isFinite).sort((a, b) => a - b);
    if (!sorted.length) return NaN;
    const middle = (sorted.length - 1) / 2;
    return (sorted[Math.floor(middle)] + sorted[Math.ceil(middle)]) / 2;
  });
}
