/** Which fields are shown: those of the selection, each beside a negative control of the same plate. */
import type { PlateImages } from '../data/types';
import type { Well } from '../url';

export interface Field {
  plate: string;
  well: string;
  site: string;
  /** One image a channel, in the order of the index; null where the channel is missing. */
  image: readonly (number | null)[];
  width: number | null;
  height: number | null;
}
export interface Pair {
  field: Field;
  /** null: the plate has no picture of a negative control. */
  control: Field | null;
}
export interface ImagedPlate {
  plate: string;
  images: PlateImages;
}

/** The fields of some wells of a plate, in the order of the index. */
export function fieldsOf({ plate, images }: ImagedPlate, wells: ReadonlySet<string>): Field[] {
  const { width, height } = images;
  return images.well.flatMap((well, i) =>
    wells.has(well) ? [{ plate, well, site: images.site[i], image: images.image[i], width, height }] : [],
  );
}

export const sameField = (a: Field, b: Field): boolean => a.plate === b.plate && a.well === b.well && a.site === b.site;

/** The field that an item of the address asks for: its site, or the first of its well. */
export function fieldOf(fields: readonly Field[], asked: Well | null): Field | null {
  if (!asked) return null;
  const own = fields.filter((field) => field.plate === asked.plate && field.well === asked.well);
  return own.find((field) => field.site === asked.site) ?? (asked.site === null ? (own[0] ?? null) : null);
}

/** First the asked field, then one of another plate, or of another well; at most `most`. */
export function chosenFields(fields: readonly Field[], asked: Well | null, most: number): Field[] {
  const first = fieldOf(fields, asked) ?? fields[0];
  if (!first) return [];
  const chosen = [first];
  const apart = [
    (field: Field) => chosen.every((other) => other.plate !== field.plate),
    (field: Field) => chosen.every((other) => other.plate !== field.plate || other.well !== field.well),
  ];
  for (const isApart of apart) {
    for (const field of fields) if (chosen.length < most && isApart(field)) chosen.push(field);
  }
  return chosen;
}

/** Each field beside a control of its plate: the asked one first, else controls spread evenly over those of the plate. */
export function paired(fields: readonly Field[], controls: readonly Field[], asked: Field | null): Pair[] {
  const used: Field[] = [];
  return fields.map((field, i) => {
    const own = controls.filter((control) => control.plate === field.plate && !sameField(control, field));
    const wanted = asked?.plate === field.plate && !used.includes(asked) ? asked : null;
    const control = wanted ?? own[Math.floor((own.length * (i + 1)) / (fields.length + 1))] ?? null;
    if (control) used.push(control);
    return { field, control };
  });
}

/** The field `by` steps after another, round the end. */
export function next(fields: readonly Field[], from: Field, by: number): Field {
  const at = fields.findIndex((field) => sameField(field, from));
  return fields[(at + by + fields.length) % fields.length] ?? from;
}

/** Stains that are on at first: the nucleus, the cell's body and mitochondria. Five at once add up to white. */
const FIRST: readonly (readonly string[])[] = [
  ['DNA'],
  ['AGP', 'Actin', 'ER'],
  ['Mito', 'RNA', 'Tubulin'],
];
export function shownFirst(channels: readonly string[]): string[] {
  const some = FIRST.map((kinds) => kinds.find((name) => channels.includes(name))).filter((name) => name !== undefined);
  return some.length ? some : channels.slice(0, 3);
}
