import { describe, expect, it } from 'vitest';
import { area, axesOf, line } from '../src/card/axes';
import { hitRows, stepHit } from '../src/card/hits';
import { CONTROL, heat, heatOf, NAMES, OTHER, paletteOf, spread, word } from '../src/colour';
import type { Response } from '../src/data/types';
import { bounded, extent, kept, switched } from '../src/filters';
import { formatOf, placeOf, positional, rowName, stepped } from '../src/plate/layout';
import { counted, figure, percent, small } from '../src/words';
import { table } from './tables';

describe('colours', () => {
  it('of control types are fixed, whatever the index has', () => {
    const { entry, colours } = paletteOf('control_type', ['trt', 'odd', 'negcon'], [], false);
    expect([...entry].map((e) => colours[e])).toEqual([CONTROL['trt'][0], OTHER[0], CONTROL['negcon'][0]]);
    expect(CONTROL['negcon']).toEqual(['#5b6270', '#aab2bf']);
    expect(CONTROL['trt']).toEqual(['#0072b2', '#56b4e9']);
    expect(CONTROL['poscon']).toEqual(['#d55e00', '#e69f00']);
    expect(CONTROL['empty']).toEqual(['#c9ced6', '#4a5160']);
  });
  it('of names follow the list of the index, the rest one grey', () => {
    const { entry, colours, own } = paletteOf('moa', ['a', 'b', 'c'], ['c', 'gone', 'a'], true);
    expect([...entry].map((e) => colours[e])).toEqual([NAMES[2], OTHER[1], NAMES[0]]);
    expect(own).toEqual([2, 0]);
    const both = paletteOf('moa', ['a', 'c', 'x|c|a', 'x|y'], ['c', 'a'], false);
    expect([...both.entry]).toEqual([1, 0, 0, NAMES.length]); // of several names the first with a colour
    const many = Array.from({ length: 12 }, (_, i) => `m${i}`);
    expect([...paletteOf('moa', many, many, false).entry].slice(8)).toEqual([8, 9, 10, 10]);
  });
  it('are words of little-endian RGBA', () => {
    expect([...new Uint8Array(Uint32Array.of(word('#0172ff')).buffer)]).toEqual([0x01, 0x72, 0xff, 0xff]);
  });
  it('of numbers run from the stops, and grey where missing', () => {
    expect([heat(0), heat(0.35), heat(0.65), heat(1), heat(-1), heat(2)]).toEqual(['#f6efe1', '#f0b76e', '#cc5c3e', '#5e1842', '#f6efe1', '#5e1842']);
    expect(heat(0.175)).toBe('#f3d3a8');
    const { entry, colours, range } = heatOf(Float32Array.from([...Array(101).keys(), NaN, 1e9]), false);
    expect(range).toEqual([1, 100]);
    expect([entry[0], entry[1], entry[100], colours[entry[101]], entry[102]]).toEqual([0, 0, 63, OTHER[0], 63]);
    expect(heatOf(Float32Array.of(3, 3), false).entry).toEqual(Uint8Array.of(0, 0));
    expect(spread([NaN], 0.1)).toEqual([0, 1]);
  });
});

describe('filters', () => {
  const of = table(4, { moa: ['a', 'b', 'a', ''], n: [1, 2, NaN, 4] });
  it('keep what all of them keep', () => {
    expect([...kept(of, [{ column: 'moa', values: ['a', ''] }])]).toEqual([1, 0, 1, 1]);
    expect([...kept(of, [{ column: 'n', low: 1, high: 2 }])]).toEqual([1, 1, 0, 0]);
    expect([...kept(of, [{ column: 'moa', values: ['a'] }, { column: 'n', low: 0, high: 9 }])]).toEqual([1, 0, 0, 0]);
    expect([...kept(of, [{ column: 'moa', values: ['none'] }])]).toEqual([0, 0, 0, 0]);
    expect([...kept(of, [{ column: 'gone', values: ['x'] }])]).toEqual([1, 1, 1, 1]);
  });
  it('keep a compound for one of its several genes, and a name with a bar elsewhere only as a whole', () => {
    const several = table(4, { gene: ['AURKA|AURKB', 'AURKB', 'AURKB2', ''], plate: ['P|Q', 'P', 'Q', 'P'] });
    expect([...kept(several, [{ column: 'gene', values: ['AURKB'] }])]).toEqual([1, 1, 0, 0]);
    expect([...kept(several, [{ column: 'gene', values: ['AURKA|AURKB'] }])]).toEqual([1, 0, 0, 0]);
    expect([...kept(several, [{ column: 'plate', values: ['P'] }])]).toEqual([0, 1, 0, 1]);
  });
  it('of numbers take their bounds as the numbers are kept', () => {
    const doses = table(3, { dose: [0.1, 0.3, 1] });
    expect([...kept(doses, [{ column: 'dose', low: 0.1, high: 0.3 }])]).toEqual([1, 1, 0]);
  });
  it('of numbers are typed, an empty bound being the end of what there is', () => {
    const ends = extent(Float32Array.of(0.1, NaN, 0.7, 48.51234));
    expect(ends[0]).toBeLessThanOrEqual(Math.fround(0.1));
    expect(ends[1]).toBeGreaterThanOrEqual(Math.fround(48.51234));
    expect(ends[1]).toBeLessThan(48.52);
    expect(extent([NaN])).toEqual([0, 0]);
    expect(extent(Float32Array.of(-48.51234))[0]).toBeLessThanOrEqual(Math.fround(-48.51234));
    expect(bounded([], 'n', ['5', ''], [0, 9])).toEqual([{ column: 'n', low: 5, high: 9 }]);
    expect(bounded([], 'n', ['7', '3'], [0, 9])).toEqual([{ column: 'n', low: 3, high: 7 }]);
    expect(bounded([{ column: 'n', low: 5, high: 9 }, { column: 'm', values: ['a'] }], 'n', ['', ' '], [0, 9])).toEqual([{ column: 'm', values: ['a'] }]);
    expect(bounded([], 'n', ['x', '4'], [0, 9])).toEqual([{ column: 'n', low: 0, high: 4 }]);
  });
  it('are switched by value, and go with their last', () => {
    const one = switched([], 'moa', 'a');
    expect(one).toEqual([{ column: 'moa', values: ['a'] }]);
    expect(switched(one, 'moa', 'b')).toEqual([{ column: 'moa', values: ['a', 'b'] }]);
    expect(switched(one, 'moa', 'a')).toEqual([]);
    expect(switched([{ column: 'n', low: 0, high: 1 }], 'moa', 'a')).toHaveLength(2);
  });
});

describe('plates', () => {
  it('have rows beyond Z', () => {
    expect(['A01', 'H12', 'Z01', 'AA01', 'AF48'].map(placeOf)).toEqual([[0, 0], [7, 11], [25, 0], [26, 0], [31, 47]].map(([row, column]) => ({ row, column })));
    expect([0, 25, 26, 31, 51].map(rowName)).toEqual(['A', 'Z', 'AA', 'AF', 'AZ']);
    for (let row = 0; row < 52; row++) expect(placeOf(rowName(row) + '01')!.row).toBe(row);
    expect(placeOf('well 3')).toBeNull();
  });
  it('are of the smallest usual size that holds their wells, also without A01', () => {
    const size = (...wells: string[]): string => {
      const { rows, columns } = formatOf(wells.map((well) => placeOf(well)!));
      return `${rows}x${columns}`;
    };
    expect([size('B02'), size('H12'), size('B02', 'O23'), size('A13'), size('I01'), size('Q01'), size('AF48'), size()]).toEqual(
      ['8x12', '8x12', '16x24', '16x24', '16x24', '32x48', '32x48', '8x12'],
    );
    expect(formatOf([{ row: 40, column: 2 }])).toEqual({ rows: 41, columns: 3 });
  });
  it('are walked over gaps, and not beyond the edge', () => {
    const has = ({ row, column }: { row: number; column: number }): boolean => (row + column) % 3 === 0;
    const format = { rows: 8, columns: 12 };
    expect(stepped({ row: 0, column: 0 }, 'ArrowRight', format, has)).toEqual({ row: 0, column: 3 });
    expect(stepped({ row: 3, column: 3 }, 'ArrowUp', format, has)).toEqual({ row: 0, column: 3 });
    expect(stepped({ row: 0, column: 0 }, 'ArrowLeft', format, has)).toBeNull();
    expect(stepped({ row: 0, column: 0 }, 'Enter', format, has)).toBeNull();
  });
  it('by position have the median of a place', () => {
    const places = new Map([['A01', [0, 2, 4]], ['A02', [1, 3]], ['A03', [5]]]);
    expect(positional(['A01', 'A02', 'A03', 'A04'], [9, 1, 1, 2, 5, NaN], places)).toEqual([5, 1.5, NaN, NaN]);
  });
});

const response = (change: Partial<Response>): Response => ({
  p: 0.01, q: 0.02, why: '', ec50: 1, ec50_words: '1 µM', benchmark: 1, benchmark_low: null, benchmark_high: null, benchmark_response: 1.349, unit: 'sd',
  curve: { dose: [1, 10, 100], response: [0, 2, 4], low: [-1, 1, 3], high: [1, 3, 50] },
  points: [1, 10, 100].map((dose) => ({ dose, response: dose === 100 ? 4 : 0, plate: 'P', well: 'A01' })), ...change,
}); // prettier-ignore

describe('the axes of a dose curve', () => {
  it('hold every well, and of the band no more than is needed', () => {
    const axes = axesOf(response({}));
    expect(axes.y(4)).toBeGreaterThan(axes.y(50));
    expect(axes.y(4) - axes.y(50)).toBeLessThan(0.3 * (axes.y(-2.5) - axes.y(4)));
    expect(axes.x(10) - axes.x(1)).toBeCloseTo(axes.x(100) - axes.x(10), 9);
    expect(axes.x(1)).toBeGreaterThan(axes.left);
    expect(axes.x(100)).toBeLessThan(axes.width);
    expect(axes.responses).toContain(0);
    expect(axes.responses.every((value) => axes.y(value) >= 0 && axes.y(value) <= axes.bottom)).toBe(true);
  });
  it('label the doses that have room, the highest first', () => {
    const doses = [1, 1.1, 1.2, 10, 100];
    const axes = axesOf(response({ points: doses.map((dose) => ({ dose, response: 0, plate: 'P', well: 'A01' })) }));
    expect(axes.doses).toEqual([1.2, 10, 100]);
  });
  it('draw lines and closed areas', () => {
    const axes = axesOf(response({}));
    expect(line(axes, [1, 10], [0, 0])).toMatch(/^M[\d.]+ [\d.]+L[\d.]+ [\d.]+$/);
    expect(area(axes, [1, 10], [0, 0], [1, 1])).toMatch(/^M\S+ \S+L\S+ \S+L\S+ \S+L\S+ \S+Z$/);
  });
  it('stand with one dose, and without a curve', () => {
    const axes = axesOf(response({ curve: null, points: [{ dose: 3, response: 0, plate: 'P', well: 'A01' }] }));
    expect(Number.isFinite(axes.x(3))).toBe(true);
    expect(axes.doses).toEqual([3]);
  });
});

describe('hits', () => {
  const of = table(6, { perturbation: ['a', 'a', 'b', 'c', 'd', 'a'], concentration: [NaN, 1, NaN, NaN, NaN, 3], hit: ['yes', 'yes', 'yes', 'no', '', 'yes'], q: [0.01, 0.03, 0.02, 0.5, NaN, 0.03], p: [0.001, 0.003, 0.002, 0.4, NaN, 0.001] });
  it('come by corrected p, doses instead of their compound', () => expect(hitRows(of)).toEqual([2, 5, 1]));
  it('with equal p come by their distance', () => {
    const equal = table(3, { perturbation: ['a', 'b', 'c'], hit: ['yes', 'yes', 'yes'], q: [0.01, 0.01, 0.01], p: [0.001, 0.001, 0.001], distance_z: [2, 9, NaN] });
    expect(hitRows(equal).slice(0, 2)).toEqual([1, 0]);
  });
  it('are stepped through in a circle', () => {
    expect([stepHit([4, 7, 9], 9, 1), stepHit([4, 7, 9], 4, -1), stepHit([4, 7, 9], 5, 1), stepHit([4, 7, 9], 5, -1), stepHit([], 5, 1)]).toEqual([4, 9, 4, 9, null]);
  });
  it('are none where none were called', () => expect(hitRows(table(1, { p: [0.1] }))).toEqual([]));
});

it('numbers are written for people', () => {
  expect([small(0.0004), small(0.034), small(1), small(0.9999), small(0.5), small(null), small(NaN)]).toEqual(['<.001', '.034', '1', '1', '.500', '–', '–']);
  expect([percent(0.00001), percent(0.0123), percent(0.5), percent(0), percent(1)]).toEqual(['<0.1 %', '1.2 %', '50 %', '0 %', '100 %']);
  expect([figure(1234567), figure(0.12345), figure(-3.4567), figure(1234.56), figure(NaN)]).toEqual(['1,234,567', '0.123', '-3.46', '1,235', '–']);
  expect([counted(1, 'well'), counted(2000, 'well')]).toEqual(['1 well', '2,000 wells']);
});
