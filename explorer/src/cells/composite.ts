/** Channels of one field added up in colour: one table of packed colour a channel, ten bits for each of red, green and blue. */

export interface Ink {
  low: number;
  high: number;
  /** Red, green, blue in 0..1. */
  colour: readonly [number, number, number];
}

const LEVELS = 65536;
/** The most that ten bits hold. */
const MOST = 1023;

/** How much full red counts where so many channels are added: their sum still fits ten bits. */
const fullOf = (channels: number): number => Math.min(170, Math.floor(MOST / Math.max(1, channels)));

/** What each brightness adds, where `channels` are added up. */
export function packed(ink: Ink, channels: number): Uint32Array {
  const table = new Uint32Array(LEVELS);
  const full = fullOf(channels);
  const span = Math.max(ink.high - ink.low, 1e-9);
  const [r, g, b] = ink.colour.map((part) => part * full) as [number, number, number];
  const first = Math.max(0, Math.min(LEVELS, Math.ceil(ink.low)));
  const last = Math.max(first, Math.min(LEVELS, Math.ceil(ink.high)));
  for (let v = first; v < last; v++) {
    const share = (v - ink.low) / span;
    table[v] = Math.round(share * r) | (Math.round(share * g) << 10) | (Math.round(share * b) << 20);
  }
  return table.fill(Math.round(r) | (Math.round(g) << 10) | (Math.round(b) << 20), last);
}

const LIFTS = new Map<number, Uint8Array>();
function liftOf(full: number): Uint8Array {
  let lift = LIFTS.get(full);
  if (!lift) LIFTS.set(full, (lift = Uint8Array.from({ length: MOST + 1 }, (_, i) => Math.min(255, Math.round((i * 255) / full)))));
  return lift;
}

/** Opaque RGBA words of the sum of planes; what is beyond white is white. `tables` are `packed` for as many channels as there are planes. */
export function composite(planes: readonly Uint16Array[], tables: readonly Uint32Array[], out: Uint32Array): void {
  const lift = liftOf(fullOf(planes.length));
  const n = out.length;
  if (planes.length === 1) {
    const [[a], [ta]] = [planes, tables];
    for (let i = 0; i < n; i++) out[i] = opaque(ta[a[i]], lift);
  } else if (planes.length === 3) {
    const [[a, b, c], [ta, tb, tc]] = [planes, tables];
    for (let i = 0; i < n; i++) out[i] = opaque(ta[a[i]] + tb[b[i]] + tc[c[i]], lift);
  } else if (planes.length === 5) {
    const [[a, b, c, d, e], [ta, tb, tc, td, te]] = [planes, tables];
    for (let i = 0; i < n; i++) out[i] = opaque(ta[a[i]] + tb[b[i]] + tc[c[i]] + td[d[i]] + te[e[i]], lift);
  } else {
    for (let i = 0; i < n; i++) {
      let sum = 0;
      for (let k = 0; k < planes.length; k++) sum += tables[k][planes[k][i]];
      out[i] = opaque(sum, lift);
    }
  }
}

const opaque = (sum: number, lift: Uint8Array): number =>
  0xff000000 | lift[sum & MOST] | (lift[(sum >>> 10) & MOST] << 8) | (lift[(sum >>> 20) & MOST] << 16);
