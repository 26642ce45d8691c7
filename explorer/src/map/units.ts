/** What is counted in a lasso: properties of a compound over compounds, those of a well over wells. Replicates are no evidence of their own. */
import { names, numbers, type Category, type Table } from '../data/columns';
import { partsOfAll } from '../data/parts';
import type { Level } from '../url';
import type { Asked } from './enrich';

export const OF_COMPOUND: readonly string[] = ['gene', 'moa', 'type'];
export const OF_WELL: readonly string[] = ['plate', 'batch', 'source', 'cell_line', 'control_type'];

/** The kept rows of a column that have a name. */
function byRow(column: string, found: Category | null, inside: Uint8Array, keeps: Uint8Array): Asked[] {
  if (!found) return [];
  const codes = Int32Array.from(found.codes, (code, row) => (keeps[row] && found.names[code] !== '' ? code : -1));
  return [{ column, parts: partsOfAll(column, found.names), inside, codes }];
}

/** By the code of a compound: whether any of its wells is kept, and whether more than half of those lie in the lasso. */
function compounds(ids: Category, inside: Uint8Array, keeps: Uint8Array): { kept: boolean[]; inside: boolean[] } {
  const all = new Uint32Array(ids.names.length);
  const here = new Uint32Array(ids.names.length);
  for (let row = 0; row < keeps.length; row++) {
    all[ids.codes[row]] += keeps[row];
    here[ids.codes[row]] += inside[row];
  }
  return { kept: Array.from(all, (n) => n > 0), inside: Array.from(here, (n, code) => 2 * n > all[code]) };
}

/** A property of compounds, where the lasso holds wells: one unit a compound. */
function byCompound(column: string, wells: Table, perturbations: Table, inside: Uint8Array, keeps: Uint8Array): Asked[] {
  const found = names(perturbations, column);
  const ids = names(perturbations, 'perturbation');
  const own = names(wells, 'perturbation');
  if (!found || !ids || !own) return [];
  const doses = numbers(perturbations, 'concentration');
  const held = compounds(own, inside, keeps);
  const codeOf = new Map(own.names.map((name, code) => [name, code]));
  const units = Array.from(ids.codes, (id, row) => ({ row, code: codeOf.get(ids.names[id]) ?? -1 })).filter(
    ({ row, code }) => code >= 0 && held.kept[code] && (!doses || Number.isNaN(doses[row])) && found.names[found.codes[row]] !== '',
  );
  const within = Uint8Array.from(units, ({ code }) => (held.inside[code] ? 1 : 0));
  return [{ column, parts: partsOfAll(column, found.names), inside: within, codes: units.map(({ row }) => found.codes[row]) }];
}

/** What to ask of a lasso over wells or over compounds. */
export function questions(level: Level, wells: Table | null, perturbations: Table | null, inside: Uint8Array, keeps: Uint8Array): Asked[] {
  if (level === 'perturbations') return OF_COMPOUND.flatMap((column) => byRow(column, names(perturbations, column), inside, keeps));
  if (!wells) return [];
  const wide = perturbations ? OF_COMPOUND.flatMap((column) => byCompound(column, wells, perturbations, inside, keeps)) : [];
  return [...wide, ...OF_WELL.flatMap((column) => byRow(column, names(wells, column), inside, keeps))];
}
