/** The fields that the pane of cells shows. */
import { computed } from '@preact/signals';
import { members, wellRow } from '../chosen';
import { nameAt, names } from '../data/columns';
import { go, state } from '../state';
import { about, images, wells } from '../tables';
import type { Well } from '../url';
import { chosenFields, fieldOf, fieldsOf, next, paired, type Field, type Pair } from './choose';

const MOST_PAIRS = 2;
/** Wells of so many plates with images are looked at: controls lie on all of them. */
const MOST_PLATES = 6;
const WHITE: readonly [number, number, number] = [1, 1, 1];
export const GREY = WHITE;

/** Plates with images that hold the selection; that of the selected well first. */
export const imagedPlates = computed<string[]>(() => {
  const column = names(wells.value, 'plate');
  if (!column) return [];
  const own = new Set(Array.from(members.value, (row) => column.codes[row]));
  const first = nameAt(wells.value, 'plate', wellRow.value);
  const known = about.value?.plates.filter(({ plate, imaged }) => imaged > 0 && own.has(column.names.indexOf(plate))) ?? [];
  const plates = known.map(({ plate }) => plate);
  return [...plates.filter((plate) => plate === first), ...plates.filter((plate) => plate !== first)].slice(0, MOST_PLATES);
});

/** The fields of wells that a rule keeps, plate by plate. */
function fieldsWhere(isKept: (row: number) => boolean, rows: Iterable<number>): Field[] {
  const byPlate = new Map<string, Set<string>>();
  for (const row of rows) {
    if (!isKept(row)) continue;
    const plate = nameAt(wells.value, 'plate', row);
    byPlate.set(plate, (byPlate.get(plate) ?? new Set()).add(nameAt(wells.value, 'well', row)));
  }
  return imagedPlates.value.flatMap((plate) => {
    const found = images.value.get(plate);
    return found ? fieldsOf({ plate, images: found }, byPlate.get(plate) ?? new Set()) : [];
  });
}

/** All fields of the selection. */
export const fields = computed<Field[]>(() => fieldsWhere(() => true, members.value));

/** All fields of negative controls on the same plates. */
export const controls = computed<Field[]>(() => {
  const types = names(wells.value, 'control_type');
  const plates = names(wells.value, 'plate');
  if (!types || !plates) return [];
  const negcon = types.names.indexOf('negcon');
  const wanted = new Set(imagedPlates.value.map((plate) => plates.names.indexOf(plate)));
  return fieldsWhere((row) => types.codes[row] === negcon && wanted.has(plates.codes[row]), plates.codes.keys());
});

/** The field that the address compares with: any well of a plate that is shown. */
const than = computed<Field | null>(() => {
  const asked = state.value.than;
  const found = asked && images.value.get(asked.plate);
  return found ? fieldOf(fieldsOf({ plate: asked.plate, images: found }, new Set([asked.well])), asked) : null;
});

export const pairs = computed<Pair[]>(() => {
  const { sel } = state.value;
  const asked = sel?.kind === 'well' ? sel : null;
  return paired(chosenFields(fields.value, asked, MOST_PAIRS), controls.value, than.value);
});

const item = ({ plate, well, site }: Field): Well => ({ kind: 'well', plate, well, site });

/** Another field of the selection in the place of the first. */
export function stepField(by: number): void {
  const first = pairs.value[0];
  if (first) go({ sel: item(next(fields.value, first.field, by)) });
}

/** Another control in the place of that of a pair. */
export function stepControl(by: number, pair: Pair | undefined = pairs.value[0]): void {
  if (!pair?.control) return;
  const own = controls.value.filter(({ plate }) => plate === pair.field.plate);
  go({ than: item(next(own, pair.control, by)) });
}
