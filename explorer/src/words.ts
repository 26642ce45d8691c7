/** How values are written for people. */
import { plain } from './data/columns';
import { several } from './data/parts';
import type { About } from './data/types';

const CONTROL_TYPES: Readonly<Record<string, string>> = {
  negcon: 'negative control',
  poscon: 'positive control',
  trt: 'treatment',
  empty: 'empty',
  unknown: 'unknown',
};
const COLUMNS: Readonly<Record<string, string>> = {
  moa: 'mechanism',
  perturbation: 'identifier',
  name: 'compound',
  type: 'perturbation type',
  concentration: 'dose',
  time_h: 'hours',
  distance_z: 'distance to controls',
  cell_count: 'cells',
  n_wells: 'wells',
  n_plates: 'plates',
  q: 'corrected p',
  smiles: 'SMILES',
  inchikey: 'InChIKey',
};

/** A value of a column of names. */
export function valueWords(column: string, name: string): string {
  return column === 'control_type' ? (CONTROL_TYPES[name] ?? name) : several(name) || 'unknown';
}

/** A column, as the index calls it or as the field does. */
export function columnWords(about: About | null, column: string): string {
  const known = [...(about?.columns.wells ?? []), ...(about?.columns.perturbations ?? [])].find(({ name }) => name === column);
  return known?.label ?? COLUMNS[column] ?? column.replaceAll('_', ' ');
}

/** A p-value or share below 1: ".034"; "<.001". */
export function small(value: number | null): string {
  if (value === null || Number.isNaN(value)) return '–';
  if (value < 0.001) return '<.001';
  return value >= 0.9995 ? '1' : value.toFixed(3).replace(/^0/, '');
}

/** A share as a percentage that is never rounded to 0. */
export function percent(share: number): string {
  if (share === 0) return '0 %';
  if (share < 0.001) return '<0.1 %';
  return `${(share * 100).toFixed(share < 0.1 ? 1 : 0)} %`;
}

/** A number of the table: three significant digits, whole numbers whole. */
export function figure(value: number): string {
  if (Number.isNaN(value)) return '–';
  if (Number.isInteger(value)) return value.toLocaleString('en');
  return Math.abs(value) >= 1000 ? Math.round(value).toLocaleString('en') : String(Number(value.toPrecision(3)));
}

/** "0.3 µM"; "" without a dose, and for the 0 of a control. */
export function doseWords(about: About | null, dose: number): string {
  return Number.isNaN(dose) || dose === 0 ? '' : `${plain(dose)} ${about?.dose_unit ?? ''}`.trim();
}

/** "1 well", "3 wells". */
export const counted = (n: number, one: string, many = one + 's'): string => `${n.toLocaleString('en')} ${n === 1 ? one : many}`;
