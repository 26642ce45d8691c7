/** What the search field offers for what was typed: names first, then questions to a trained run, which are predictions. */
import { names, numbers, type Category, type Table } from '../data/columns';
import { partsOfAll } from '../data/parts';
import { wellName } from '../url';
import { match, prepare, type Found, type Names } from './match';

export type Option =
  | { of: 'name'; found: Found }
  | { of: 'well'; plate: string; well: string }
  | { of: 'ask'; question: string; words: string };

/** Kind of a name -> the column of perturbations that has it. */
export const COLUMN_OF: Readonly<Record<string, string>> = {
  compound: 'name',
  identifier: 'perturbation',
  InChIKey: 'inchikey',
  gene: 'gene',
  mechanism: 'moa',
};
/** What text may be a molecule or a gene. */
const MAYBE: Readonly<Record<string, RegExp>> = {
  text: /\S/,
  smiles: /^(?=.*[A-Za-z])[A-Za-z0-9@+\-[\]()=#$%/\\.:*~]{2,}$/,
  gene: /^[A-Za-z][A-Za-z0-9-]{1,11}$/,
};

/** How often each value stands, without the rows of single doses. */
function countsOfWholes({ codes, names }: Category, doses: Float32Array | null): Uint32Array {
  const counts = new Uint32Array(names.length);
  for (let row = 0; row < codes.length; row++) if (!doses || Number.isNaN(doses[row])) counts[codes[row]]++;
  return counts;
}

/** The names of a table of perturbations and of wells, ready to be searched; each gene and mechanism of several by itself. */
export function searchable(perturbations: Table | null, wells: Table | null): Names[] {
  const of = (kind: string, table: Table | null, column: string): Names[] => {
    const found = names(table, column);
    if (!found) return [];
    const whole = table === perturbations ? countsOfWholes(found, numbers(perturbations, 'concentration')) : found.counts;
    const { names: parts, of: codes } = partsOfAll(column, found.names);
    const counts = new Uint32Array(parts.length);
    codes.forEach((own, code) => own.forEach((part) => (counts[part] += whole[code])));
    return [prepare(kind, parts, counts)];
  };
  return [...Object.entries(COLUMN_OF).flatMap(([kind, column]) => of(kind, perturbations, column)), ...of('plate', wells, 'plate')];
}

/** "PLATE:A1", or "A1" on the plate that is shown. */
export function wellIn(text: string, plates: readonly string[], plate: string): { plate: string; well: string } | null {
  const at = text.lastIndexOf(':');
  const well = wellName(text.slice(at + 1));
  const asked = at < 0 ? plate : text.slice(0, at).trim();
  const known = plates.find((name) => name.toLowerCase() === asked.toLowerCase());
  return well !== null && known !== undefined ? { plate: known, well } : null;
}

/** A name stands once, as what a person calls it first. */
function once(found: readonly Found[]): Found[] {
  const seen = new Set<string>();
  return found.filter(({ kind, name }) => {
    const own = COLUMN_OF[kind] === 'perturbation' || kind === 'compound';
    const key = own ? `compound ${name.toLowerCase()}` : `${kind} ${name}`;
    return seen.has(key) ? false : (seen.add(key), true);
  });
}

/** Up to `top` names, a well before them, and questions after them. */
export function optionsOf(text: string, index: readonly Names[], well: Option | null, questions: readonly string[], top = 12): Option[] {
  const words = text.trim();
  if (!words) return [];
  const asks = questions.filter((kind) => MAYBE[kind]?.test(words)).map((question): Option => ({ of: 'ask', question, words }));
  const found = once(match(words, index, 2 * top)).slice(0, top);
  return [...(well ? [well] : []), ...found.map((name): Option => ({ of: 'name', found: name })), ...asks];
}
