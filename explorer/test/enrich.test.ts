import { describe, expect, it } from 'vitest';
import { partsOfAll } from '../src/data/parts';
import { corrected, enriched, logFactorial, upperTail } from '../src/map/enrich';
import { questions } from '../src/map/units';
import { table } from './tables';

function choose(n: bigint, k: bigint): bigint {
  if (k < 0n || k > n) return 0n;
  let value = 1n;
  for (let i = 1n; i <= k; i++) value = (value * (n - k + i)) / i;
  return value;
}
/** The hypergeometric tail in whole numbers. */
function exact(inside: number, drawn: number, all: number, total: number): number {
  let sum = 0n;
  for (let k = inside; k <= drawn; k++) sum += choose(BigInt(all), BigInt(k)) * choose(BigInt(total - all), BigInt(drawn - k));
  return Number((sum * 10n ** 18n) / choose(BigInt(total), BigInt(drawn))) / 1e18;
}

describe('enrichment', () => {
  it('has the tail of whole numbers', () => {
    for (const [total, all, drawn] of [[10, 4, 5], [60, 7, 20], [400, 30, 55], [1920, 320, 41]]) {
      for (let inside = 0; inside <= Math.min(all, drawn); inside++) {
        expect(upperTail(inside, drawn, all, total)).toBeCloseTo(exact(inside, drawn, all, total), 10);
      }
    }
    expect(upperTail(2, 3, 2, 4) * 2).toBeCloseTo(1, 12); // 2 of 2 in 3 of 4: 2 of 4 draws
  });
  it('stays exact where little is left to leave out', () => {
    expect(upperTail(3, 9, 4, 10)).toBe(1); // at least 3 of 4 lie among 9 of 10
    expect(upperTail(4, 9, 4, 10)).toBeCloseTo(0.6, 12);
  });
  it('has logarithms of factorials', () => {
    let sum = 0;
    for (let n = 1; n <= 3000; n++) {
      sum += Math.log(n);
      if (n % 37 === 0 || (n > 250 && n < 260)) expect(logFactorial(n) / sum).toBeCloseTo(1, 12);
    }
    expect([logFactorial(0), logFactorial(1)]).toEqual([0, 0]);
  });
  it('corrects as Benjamini and Hochberg write', () => {
    const p = [0.01, 0.04, 0.03, 0.005, 0.5, 0.03];
    const order = [...p].sort((a, b) => a - b);
    const plain = p.map((own) => Math.min(...order.flatMap((value, i) => (value >= own ? [(value * 6) / (i + 1)] : []))));
    corrected(p).forEach((q, i) => expect(q).toBeCloseTo(plain[i], 12));
    expect(corrected([])).toEqual([]);
  });
  it('counts units that have a value, and tests values of two units or more', () => {
    const inside = Uint8Array.of(1, 1, 1, 0, 0, 0, 1, 0);
    const codes = [0, 0, 1, 1, 1, 2, -1, 1];
    const found = enriched([{ column: 'moa', codes, parts: partsOfAll('moa', ['a', 'b', 'c']), inside }]);
    expect(found.map(({ name, inside: here, all }) => [name, here, all])).toEqual([['a', 2, 2], ['b', 1, 4]]);
    expect(found[0].p).toBeCloseTo(exact(2, 3, 2, 7), 12);
    expect(found[0].q).toBeCloseTo(2 * found[0].p, 12);
  });
  it('counts each of several genes, and the unit once', () => {
    const names = ['AURKA|AURKB', 'AURKB', 'TP53', 'AURKB|AURKB'];
    const codes = [0, 1, 2, 2, 3, 0];
    const inside = Uint8Array.of(1, 1, 0, 0, 1, 0);
    const found = enriched([{ column: 'gene', codes, parts: partsOfAll('gene', names), inside }]);
    expect(found.map(({ name, inside: here, all }) => [name, here, all])).toEqual([['AURKB', 3, 4], ['AURKA', 1, 2], ['TP53', 0, 2]]);
    expect(found[0].p).toBeCloseTo(exact(3, 3, 4, 6), 12);
    expect(enriched([{ column: 'plate', codes, parts: partsOfAll('plate', names), inside }]).map(({ name }) => name)).toEqual(['AURKA|AURKB', 'TP53']);
  });
});

describe('units', () => {
  const wells = table(7, { perturbation: ['x', 'x', 'x', 'y', 'y', 'z', 'DMSO'], plate: ['P', 'P', 'Q', 'P', 'Q', 'Q', ''] });
  const perturbations = table(5, { perturbation: ['x', 'x', 'y', 'z', 'DMSO'], concentration: [NaN, 3, NaN, NaN, NaN], moa: ['m', 'm', 'm', 'k', ''] });
  const inside = Uint8Array.of(1, 1, 0, 1, 0, 1, 1);

  it('of a mechanism are compounds, more than half of whose kept wells lie in the lasso', () => {
    const [moa, plate] = questions('wells', wells, perturbations, inside, new Uint8Array(7).fill(1));
    expect(moa.column).toBe('moa');
    expect(Array.from(moa.codes, (code) => moa.parts.names[moa.parts.of[code][0]])).toEqual(['m', 'm', 'k']);
    expect([...moa.inside]).toEqual([1, 0, 1]); // x 2 of 3, y 1 of 2, z 1 of 1; DMSO has none
    expect(plate.column).toBe('plate');
    expect(Array.from(plate.codes, (code) => (code < 0 ? null : plate.parts.names[plate.parts.of[code][0]]))).toEqual(['P', 'P', 'Q', 'P', 'Q', 'Q', null]);
  });
  it('leave out what the filters leave out', () => {
    const keeps = Uint8Array.of(1, 0, 1, 1, 0, 0, 1);
    const [moa] = questions('wells', wells, perturbations, inside.map((one, i) => one & keeps[i]), keeps);
    expect([...moa.inside]).toEqual([0, 1]); // x 1 of 2, y 1 of 1, z not kept
  });
  it('of a map of compounds are its points', () => {
    const keeps = Uint8Array.of(1, 0, 1, 1, 1);
    const [moa] = questions('perturbations', null, perturbations, Uint8Array.of(1, 0, 0, 1, 1), keeps);
    expect(Array.from(moa.codes, (code) => (code < 0 ? null : moa.parts.names[moa.parts.of[code][0]]))).toEqual(['m', null, 'm', 'k', null]);
  });
});
