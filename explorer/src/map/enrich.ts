/** Which values of a column stand in a lasso more often than chance gives: hypergeometric, corrected over all values (Benjamini-Hochberg). */

import type { Parts } from '../data/parts';

export interface Enriched {
  column: string;
  name: string;
  /** Units in the lasso with the value, and in all that is shown. */
  inside: number;
  all: number;
  p: number;
  q: number;
}
/** One column to ask: the code of each unit's value, or -1 where it has none. */
export interface Asked {
  column: string;
  codes: ArrayLike<number>;
  /** What values hold: one of several genes is counted as if it stood alone. */
  parts: Parts;
  /** 1: the unit is in the lasso. */
  inside: Uint8Array;
}

const FACTORIALS = 256;
const SMALL = new Float64Array(FACTORIALS);
for (let n = 2; n < FACTORIALS; n++) SMALL[n] = SMALL[n - 1] + Math.log(n);

/** log n!, by Stirling's series beyond 255 (error below 1e-12). */
export function logFactorial(n: number): number {
  if (n < FACTORIALS) return SMALL[n];
  return (n + 0.5) * Math.log(n) - n + 0.5 * Math.log(2 * Math.PI) + 1 / (12 * n) - 1 / (360 * n ** 3);
}

const logChoose = (n: number, k: number): number => logFactorial(n) - logFactorial(k) - logFactorial(n - k);

/** The chance that `drawn` of `total` units hold `inside` or more of the `all` that have a value. */
export function upperTail(inside: number, drawn: number, all: number, total: number): number {
  if (inside <= Math.max(0, drawn + all - total)) return 1;
  const whole = logChoose(total, drawn);
  let sum = 0;
  for (let k = inside; k <= Math.min(drawn, all); k++) {
    const term = Math.exp(logChoose(all, k) + logChoose(total - all, drawn - k) - whole);
    sum += term;
    if (term < sum * 1e-17) break;
  }
  return Math.min(1, sum);
}

/** Benjamini and Hochberg's corrected p-values. */
export function corrected(p: readonly number[]): number[] {
  const order = p.map((_, i) => i).sort((a, b) => p[b] - p[a]);
  const q = new Array<number>(p.length);
  let least = 1;
  order.forEach((i, fromLast) => {
    least = Math.min(least, (p[i] * p.length) / (p.length - fromLast));
    q[i] = least;
  });
  return q;
}

/** Every value that two units or more have, with how often the lasso has it; the surest first. */
export function enriched(columns: readonly Asked[]): Enriched[] {
  const found: Enriched[] = [];
  for (const { column, codes, parts, inside } of columns) {
    const { names, of } = parts;
    const all = new Uint32Array(names.length);
    const here = new Uint32Array(names.length);
    let total = 0;
    let drawn = 0;
    for (let i = 0; i < codes.length; i++) {
      if (codes[i] < 0) continue;
      total++;
      drawn += inside[i];
      for (const part of of[codes[i]]) {
        all[part]++;
        here[part] += inside[i];
      }
    }
    names.forEach((name, code) => {
      if (name === '' || all[code] < 2) return;
      found.push({ column, name, inside: here[code], all: all[code], p: upperTail(here[code], drawn, all[code], total), q: 1 });
    });
  }
  corrected(found.map((row) => row.p)).forEach((q, i) => (found[i].q = q));
  return found.sort((a, b) => a.p - b.p || b.inside - a.inside || (a.name < b.name ? -1 : 1));
}
