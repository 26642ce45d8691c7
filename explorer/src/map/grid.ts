/** A grid over points: which is nearest to a place, and which lie in a polygon. */
import type { Point } from '../url';

/** Rows in the order of their cells (counting sort); four bytes a point. */
export class Grid {
  readonly side: number;
  private readonly start: Uint32Array;
  private readonly order: Uint32Array;

  /** Of points x0, y0, x1, y1, ... in about -1..1; those beyond lie in the outermost cells. */
  constructor(readonly at: Float32Array) {
    const n = at.length / 2;
    this.side = Math.max(8, Math.min(512, Math.round(Math.sqrt(n / 4))));
    const cells = new Uint32Array(n);
    const start = new Uint32Array(this.side ** 2 + 1);
    for (let i = 0; i < n; i++) {
      const cell = this.bin(at[2 * i + 1]) * this.side + this.bin(at[2 * i]);
      cells[i] = cell;
      start[cell + 1]++;
    }
    for (let cell = 0; cell < this.side ** 2; cell++) start[cell + 1] += start[cell];
    const next = start.slice();
    this.order = new Uint32Array(n);
    for (let i = 0; i < n; i++) this.order[next[cells[i]]++] = i;
    this.start = start;
  }

  private bin(value: number): number {
    return Math.max(0, Math.min(this.side - 1, Math.floor(((value + 1) / 2) * this.side)));
  }

  /** Call `each` with every point of the cells that a box touches. */
  private within(x0: number, y0: number, x1: number, y1: number, each: (row: number) => void): void {
    for (let r = this.bin(y0); r <= this.bin(y1); r++) {
      const last = this.start[r * this.side + this.bin(x1) + 1];
      for (let k = this.start[r * this.side + this.bin(x0)]; k < last; k++) each(this.order[k]);
    }
  }

  /** The nearest allowed point within reach (the first of equals); -1 without one. */
  nearest(x: number, y: number, reach: number, allowed: (row: number) => boolean): number {
    let best = -1;
    let least = reach * reach;
    this.within(x - reach, y - reach, x + reach, y + reach, (i) => {
      const distance = (this.at[2 * i] - x) ** 2 + (this.at[2 * i + 1] - y) ** 2;
      if ((distance < least || (distance === least && i < best)) && allowed(i)) {
        least = distance;
        best = i;
      }
    });
    return best;
  }

  /** 1 for every point inside a polygon (non-zero winding). In cells that no edge crosses, all points lie on the same side. */
  inside(polygon: readonly Point[]): Uint8Array {
    const found = new Uint8Array(this.at.length / 2);
    const edges = Float64Array.from(polygon.flatMap((p, i) => [...polygon[(i + polygon.length - 1) % polygon.length], ...p]));
    const crossed = this.crossed(edges);
    const { side } = this;
    for (let cell = 0; cell < side ** 2; cell++) {
      const [first, last] = [this.start[cell], this.start[cell + 1]];
      if (first === last) continue;
      if (crossed[cell]) {
        for (let k = first; k < last; k++) {
          const i = this.order[k];
          if (winding(edges, this.at[2 * i], this.at[2 * i + 1]) !== 0) found[i] = 1;
        }
      } else if (winding(edges, this.middle(cell % side), this.middle(Math.floor(cell / side))) !== 0) {
        for (let k = first; k < last; k++) found[this.order[k]] = 1;
      }
    }
    return found;
  }

  private middle(bin: number): number {
    return ((bin + 0.5) / this.side) * 2 - 1;
  }

  /** 1 for every cell that an edge may cross, and for the lowest and highest rows, which hold points beyond the grid. */
  private crossed(edges: Float64Array): Uint8Array {
    const { side } = this;
    const crossed = new Uint8Array(side ** 2);
    crossed.fill(1, 0, side).fill(1, (side - 1) * side);
    for (let e = 0; e < edges.length; e += 4) {
      const [x0, y0, x1, y1] = edges.subarray(e, e + 4);
      const [low, high] = [Math.min(y0, y1), Math.max(y0, y1)];
      for (let row = this.bin(low); row <= this.bin(high); row++) {
        // Where the edge lies within the row's band, a little wider than it is.
        const [from, to] = [(row / side) * 2 - 1, ((row + 1) / side) * 2 - 1].map((y) => Math.max(low, Math.min(high, y)));
        const at = (y: number): number => (y1 === y0 ? x0 : x0 + ((x1 - x0) * (y - y0)) / (y1 - y0));
        const ends = y1 === y0 ? [x0, x1] : [at(from), at(to)];
        const [left, right] = [Math.min(...ends) - 1e-9, Math.max(...ends) + 1e-9];
        crossed.fill(1, row * side + this.bin(left), row * side + this.bin(right) + 1);
      }
    }
    return crossed;
  }
}

/** How often edges (x0, y0, x1, y1, ...) go round a point: a loop that crosses itself keeps its overlap. */
function winding(edges: Float64Array, x: number, y: number): number {
  let turns = 0;
  for (let e = 0; e < edges.length; e += 4) {
    const y0 = edges[e + 1];
    const y1 = edges[e + 3];
    if (y0 <= y === y1 <= y) continue;
    const side = (edges[e + 2] - edges[e]) * (y - y0) - (x - edges[e]) * (y1 - y0);
    if (y0 <= y && side > 0) turns++;
    else if (y0 > y && side < 0) turns--;
  }
  return turns;
}

/** At most `most` corners of a drawn line, evenly taken, rounded to three decimals. */
export function corners(trace: readonly Point[], most: number, round: (value: number) => number): Point[] {
  const every = Math.ceil(trace.length / most);
  return trace.filter((_, i) => i % every === 0).map(([x, y]) => [round(x), round(y)]);
}
