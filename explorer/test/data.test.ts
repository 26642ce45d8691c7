import { tableFromArrays, tableToIPC, dictionary, int8, int16, int32, utf8, columnFromArray, tableFromColumns, float32 } from '@uwdata/flechette';
import { describe, expect, it } from 'vitest';
import { names, numbers, nameAt, numberAt, plain, read } from '../src/data/columns';
import { csv } from '../src/data/csv';
import { levels } from '../src/data/embedded';
import { table } from './tables';

describe('Arrow', () => {
  it('keeps codes of 8, 16 and 32 bits, and counts them', () => {
    const list = ['b', 'a', '', 'b', 'b'];
    for (const [type, kind] of [[int8(), Int8Array], [int16(), Int16Array], [int32(), Int32Array]] as const) {
      const column = columnFromArray(list, dictionary(utf8(), type));
      const bytes = tableToIPC(tableFromColumns({ moa: column, x: columnFromArray([1, 2, NaN, 4, 0.1], float32()) }), { format: 'file' })!;
      const of = read(bytes);
      expect(of.rows).toBe(5);
      const moa = names(of, 'moa')!;
      expect(moa.codes).toBeInstanceOf(kind);
      expect(list.map((_, i) => nameAt(of, 'moa', i))).toEqual(list);
      expect(Object.fromEntries(moa.names.map((name, code) => [name, moa.counts[code]]))).toEqual({ a: 1, b: 3, '': 1 });
      expect(numbers(of, 'x')).toBeInstanceOf(Float32Array);
      expect([0, 1, 2].map((i) => numberAt(of, 'x', i))).toEqual([1, 2, NaN]);
      expect(plain(numberAt(of, 'x', 4))).toBe(0.1);
    }
  });
  it('refuses nulls, and reads no column that is not there', () => {
    const column = columnFromArray(['a', null], dictionary(utf8(), int8()));
    expect(() => read(tableToIPC(tableFromColumns({ moa: column }), { format: 'file' })!)).toThrow('moa holds nulls');
    const of = read(tableToIPC(tableFromArrays({ n: [1, 2] }), { format: 'file' })!);
    expect([names(of, 'n'), names(of, 'x'), numbers(of, 'x'), nameAt(of, 'x', 0), numberAt(of, 'n', -1)]).toEqual([null, null, null, '', NaN]);
    expect([...numbers(of, 'n')!]).toEqual([1, 2]);
  });
});

it('CSV quotes what must be, and makes no formulas', () => {
  const of = table(3, { name: ['a,"b"', '=1+1', '-x'], n: [0.1, NaN, 3], w: ['two\nlines', '', '@y'] });
  expect(csv(of, [0, 1, 2])).toBe('name,n,w\r\n"a,""b""",0.1,"two\nlines"\r\n\'=1+1,,\r\n\'-x,3,\'@y\r\n');
  expect(csv(of, [])).toBe('name,n,w\r\n');
});

it('eight bits stand for the square of their share', () => {
  const back = levels(100, 1100);
  for (let v = 100; v <= 1100; v += 37) {
    const e = Math.round(255 * Math.sqrt((v - 100) / 1000));
    expect(Math.abs(back[e] - v)).toBeLessThanOrEqual(4.5);
  }
  expect([back[0], back[255]]).toEqual([100, 1100]);
  expect([levels(-50, 1e6)[0], levels(-50, 1e6)[255]]).toEqual([0, 65535]);
});
