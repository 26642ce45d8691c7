/** The two axes of a dose curve: logarithmic doses, and responses about 0. */
import type { Response } from '../data/types';

export interface Axes {
  width: number;
  height: number;
  left: number;
  bottom: number;
  x(dose: number): number;
  y(response: number): number;
  /** Doses that carry a label. */
  doses: number[];
  /** Responses that carry a label. */
  responses: number[];
}
const [WIDTH, HEIGHT, LEFT, BOTTOM, TOP, RIGHT] = [340, 190, 34, 28, 10, 12];
/** Within which 95 % of controls lie, in standard deviations. */
export const CONTROLS = 1.96;
const LABEL = 34;

/** Round steps of about a fourth of a range. */
function stepOf(range: number): number {
  const power = 10 ** Math.floor(Math.log10(range / 4));
  return [1, 2, 5, 10].map((factor) => factor * power).find((step) => range / step <= 5)!;
}

/** Labels that do not touch: the last of the doses first. */
function apart(doses: readonly number[], x: (dose: number) => number): number[] {
  const kept: number[] = [];
  for (const dose of [...doses].sort((a, b) => b - a)) {
    if (kept.every((other) => Math.abs(x(other) - x(dose)) >= LABEL)) kept.push(dose);
  }
  return kept.reverse();
}

/** Axes that hold every well and the curve, and of the band as much as the wells need. */
export function axesOf(response: Response): Axes {
  const { points, curve } = response;
  const doses = [...points.map(({ dose }) => dose), ...(curve?.dose ?? [])].filter((dose) => dose > 0);
  const [first, last] = [Math.log10(Math.min(...doses)), Math.log10(Math.max(...doses))];
  const margin = Math.max(0.08, (last - first) * 0.04);
  const [x0, x1] = [first - margin, last + margin];
  const seen = [...points.map((point) => point.response), ...(curve?.response ?? [])];
  const [low, high] = [Math.min(-2.5, ...seen), Math.max(2.5, ...seen)];
  const room = 0.25 * (high - low);
  const band = [...(curve?.low ?? []), ...(curve?.high ?? [])].filter(Number.isFinite);
  const y0 = Math.max(low - room, Math.min(low, ...band)) - 0.03 * (high - low);
  const y1 = Math.min(high + room, Math.max(high, ...band)) + 0.03 * (high - low);
  const clamp = (value: number): number => Math.max(y0, Math.min(y1, value));
  const x = (dose: number): number => LEFT + ((Math.log10(dose) - x0) / (x1 - x0)) * (WIDTH - LEFT - RIGHT);
  const y = (value: number): number => TOP + (1 - (clamp(value) - y0) / (y1 - y0)) * (HEIGHT - BOTTOM - TOP);
  const step = stepOf(y1 - y0);
  const responses: number[] = [];
  for (let k = Math.ceil(y0 / step); k * step <= y1; k++) responses.push(Number((k * step).toPrecision(6)) + 0);
  return { width: WIDTH, height: HEIGHT, left: LEFT, bottom: HEIGHT - BOTTOM, x, y, doses: apart([...new Set(points.map(({ dose }) => dose))], x), responses };
}

/** A line through points as the `d` of an SVG path. */
export function line(axes: Axes, doses: readonly number[], values: readonly number[]): string {
  return doses.map((dose, i) => `${i ? 'L' : 'M'}${axes.x(dose).toFixed(1)} ${axes.y(values[i]).toFixed(1)}`).join('');
}

/** The area between two lines. */
export function area(axes: Axes, doses: readonly number[], low: readonly number[], high: readonly number[]): string {
  const back = [...doses].reverse();
  return `${line(axes, doses, low)}${line(axes, back, [...high].reverse()).replace('M', 'L')}Z`;
}
