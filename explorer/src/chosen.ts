/** What is selected, as rows of the tables; and what the address asks for that this index lacks. */
import { computed } from '@preact/signals';
import { nameAt, names, numberAt, numbers, plain, type Table } from './data/columns';
import { go, state } from './state';
import { about, has, perturbations, wells } from './tables';
import type { Item, State, Well } from './url';
import { doseWords } from './words';

const CLOSE = 1e-5;
export const sameDose = (a: number, b: number): boolean => Math.abs(a - b) <= CLOSE * Math.max(Math.abs(a), Math.abs(b));

/** The row of a well; -1 where the table has none. */
export function wellRowOf(table: Table | null, item: Pick<Well, 'plate' | 'well'>): number {
  const plate = names(table, 'plate');
  const well = names(table, 'well');
  if (!plate || !well) return -1;
  const plateCode = plate.names.indexOf(item.plate);
  const wellCode = well.names.indexOf(item.well);
  if (plateCode < 0 || wellCode < 0) return -1;
  for (let i = 0; i < plate.codes.length; i++) if (plate.codes[i] === plateCode && well.codes[i] === wellCode) return i;
  return -1;
}

/** The row of a perturbation: of its dose, else of the whole; -1 where there is none. */
export function perturbationRowOf(table: Table | null, id: string, dose: number | null): number {
  const ids = names(table, 'perturbation');
  const code = ids?.names.indexOf(id) ?? -1;
  if (!ids || code < 0 || id === '') return -1;
  const doses = numbers(table, 'concentration');
  for (let i = 0; i < ids.codes.length; i++) {
    if (ids.codes[i] !== code) continue;
    const own = doses ? doses[i] : NaN;
    if (dose === null ? Number.isNaN(own) : sameDose(own, dose)) return i;
  }
  return -1;
}

/** Row of the selected well; -1 without one. */
export const wellRow = computed(() => {
  const { sel } = state.value;
  return sel?.kind === 'well' ? wellRowOf(wells.value, sel) : -1;
});

/** Identifier and dose of what is selected; a well stands for what was done to it. */
export const selected = computed<{ id: string; dose: number | null } | null>(() => {
  const { sel } = state.value;
  if (sel?.kind === 'compound') return { id: sel.id, dose: sel.dose };
  const id = nameAt(wells.value, 'perturbation', wellRow.value);
  if (id === '') return null;
  const dose = numberAt(wells.value, 'concentration', wellRow.value);
  const own = Number.isNaN(dose) ? null : plain(dose);
  return { id, dose: own !== null && perturbationRowOf(perturbations.value, id, own) >= 0 ? own : null };
});

/** Row of the selection in the table of perturbations; -1 without one. */
export const chosen = computed(() => {
  const of = selected.value;
  return of ? perturbationRowOf(perturbations.value, of.id, of.dose) : -1;
});

/** Row of the whole compound of the selection. */
export const compound = computed(() => {
  const of = selected.value;
  return of ? perturbationRowOf(perturbations.value, of.id, null) : -1;
});

/** The wells of the selection, at its dose where it has one. */
export const members = computed<Uint32Array>(() => {
  const of = selected.value;
  const ids = names(wells.value, 'perturbation');
  const code = of ? (ids?.names.indexOf(of.id) ?? -1) : -1;
  if (!of || !ids || code < 0) return new Uint32Array();
  const doses = numbers(wells.value, 'concentration');
  const rows: number[] = [];
  for (let i = 0; i < ids.codes.length; i++) {
    if (ids.codes[i] === code && (of.dose === null || !doses || sameDose(doses[i], of.dose))) rows.push(i);
  }
  return Uint32Array.from(rows);
});

/** Name and dose of a row of perturbations. */
export function label(row: number): string {
  const table = perturbations.value;
  const name = nameAt(table, 'name', row) || nameAt(table, 'perturbation', row);
  return [name, doseWords(about.value, numberAt(table, 'concentration', row))].filter(Boolean).join(' ');
}

/** Name and dose of a well; what it is where it has no name. */
export function wellLabel(row: number): string {
  const table = wells.value;
  const name = nameAt(table, 'name', row) || nameAt(table, 'perturbation', row);
  return [name, doseWords(about.value, numberAt(table, 'concentration', row))].filter(Boolean).join(' ');
}

/** The address of a row of perturbations. */
export function itemOf(row: number): Item {
  const dose = numberAt(perturbations.value, 'concentration', row);
  return { kind: 'compound', id: nameAt(perturbations.value, 'perturbation', row), dose: Number.isNaN(dose) ? null : plain(dose) };
}

/** Whether a perturbation has a well on a plate. */
function isOn(plate: string, id: string): boolean {
  const plates = names(wells.value, 'plate');
  const ids = names(wells.value, 'perturbation');
  if (!plates || !ids) return false;
  const [plateCode, code] = [plates.names.indexOf(plate), ids.names.indexOf(id)];
  for (let i = 0; i < ids.codes.length; i++) if (ids.codes[i] === code && plates.codes[i] === plateCode) return true;
  return false;
}

/** Select a row of perturbations. The plate stays where it has wells of it. */
export function pick(row: number, change: Partial<State> = {}): void {
  const sel = itemOf(row);
  const { plate } = state.value;
  const stays = plate !== '' && sel.kind === 'compound' && isOn(plate, sel.id);
  go({ sel, than: null, ask: null, q: '', plate: stays ? plate : '', ...change });
}

/** Select a well; what was done to it where the index does not say which well it is. */
export function pickWell(row: number, change: Partial<State> = {}): void {
  const plate = nameAt(wells.value, 'plate', row);
  const well = nameAt(wells.value, 'well', row);
  if (!plate || !well) {
    const done = perturbationRowOf(perturbations.value, nameAt(wells.value, 'perturbation', row), null);
    if (done >= 0) pick(done, change);
    return;
  }
  go({ sel: { kind: 'well', plate, well, site: null }, than: null, ask: null, q: '', plate, ...change });
}

/** What is selected, in words; "" without a selection. */
export const selectedWords = computed(() => (chosen.value >= 0 ? label(chosen.value) : wellRow.value >= 0 ? wellLabel(wellRow.value) : ''));

function lackingFilters(s: State): string[] {
  const table = s.level === 'wells' ? wells.value : perturbations.value;
  return s.only.flatMap((filter) => {
    if (!has(s.level, filter.column)) return [`no column “${filter.column}” of ${s.level} to filter by`];
    const column = names(table, filter.column);
    if (!column || !('values' in filter)) return [];
    return filter.values.filter((value) => !column.names.includes(value)).map((value) => `no ${filter.column} “${value}”`);
  });
}

function lackingSelection(s: State): string[] {
  const told: string[] = [];
  if (!wells.value?.columns.has('plate') || !perturbations.value) return told;
  if (s.sel?.kind === 'compound' && chosen.value < 0) {
    const dose = s.sel.dose === null ? '' : ` at ${doseWords(about.value, s.sel.dose)}`;
    told.push(`no compound “${s.sel.id}”${dose}`);
  }
  for (const well of [s.sel, s.than]) {
    if (well?.kind === 'well' && wellRowOf(wells.value, well) < 0) told.push(`no well ${well.plate}:${well.well}`);
  }
  return told;
}

/** The space that neighbours are asked in; "" for the first of the index, also where the address asks for one that is not there. */
export const spaceShown = computed(() => {
  const { space } = state.value;
  return about.value?.spaces.includes(space) ? space : '';
});

/** What the address asks for and this index lacks, each in a few words. */
export const lacking = computed<string[]>(() => {
  const told = about.value;
  const s = state.value;
  if (!told) return [];
  const lacks: string[] = [...lackingSelection(s), ...lackingFilters(s)];
  if (s.by !== 'control_type' && !has(s.level, s.by)) lacks.push(`no column “${s.by}” of ${s.level} to colour by`);
  if (s.heat !== 'distance_z' && !has('wells', s.heat)) lacks.push(`no number “${s.heat}” of wells`);
  if (s.plate && s.plate !== '*' && !told.plates.some(({ plate }) => plate === s.plate)) lacks.push(`no plate “${s.plate}”`);
  if (s.space && !told.spaces.includes(s.space)) lacks.push(`no space “${s.space}”`);
  if (s.ask && !told.questions.includes(s.ask.kind)) lacks.push(`no answers to questions of the kind “${s.ask.kind}”`);
  for (const { name } of s.ch) if (!told.channels.includes(name)) lacks.push(`no channel “${name}”`);
  return lacks;
});
