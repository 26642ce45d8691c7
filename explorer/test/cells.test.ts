import { describe, expect, it } from 'vitest';
import { Cache } from '../src/cells/cache';
import { chosenFields, fieldOf, fieldsOf, next, paired, shownFirst, type Field } from '../src/cells/choose';
import { composite, packed, type Ink } from '../src/cells/composite';
import { bounded, cut, seen, toRead, type Look, type Read } from '../src/cells/frame';
import { scaleBar } from '../src/cells/scale';
import { alone, changed, channelsOf, fromStep, moved, toStep } from '../src/cells/windows';
import { random, whole } from './random';

describe('a composite', () => {
  it('is within 4 of 255 of sums in real numbers', () => {
    const next = random(11);
    let worst = 0;
    for (let channels = 1; channels <= 6; channels++) {
      for (let turn = 0; turn < 4; turn++) {
        const planes = Array.from({ length: channels }, () => Uint16Array.from({ length: 400 }, () => (next() < 0.1 ? 65535 * next() : 4000 * next())));
        const inks = planes.map((): Ink => ({ low: whole(next, 500), high: 600 + whole(next, 4000), colour: [next(), next(), next()] }));
        const out = new Uint32Array(400);
        composite(planes, inks.map((ink) => packed(ink, channels)), out);
        const bytes = new Uint8ClampedArray(out.buffer);
        for (let i = 0; i < 400; i++) {
          for (let c = 0; c < 3; c++) {
            const sum = inks.reduce((s, { low, high, colour }, k) => s + Math.min(1, Math.max(0, (planes[k][i] - low) / (high - low))) * colour[c] * 255, 0);
            worst = Math.max(worst, Math.abs(bytes[4 * i + c] - Math.min(255, sum)));
          }
          expect(bytes[4 * i + 3]).toBe(255);
        }
      }
    }
    expect(worst).toBeLessThanOrEqual(4);
  });
  it('of twelve full channels is white, and never turns over', () => {
    const planes = Array.from({ length: 12 }, () => Uint16Array.of(65535, 0));
    const out = new Uint32Array(2);
    composite(planes, planes.map(() => packed({ low: 0, high: 100, colour: [1, 1, 1] }, 12)), out);
    expect([...out]).toEqual([0xffffffff, 0xff000000]);
  });
  it('takes windows beyond the range of the pixels, and of no width', () => {
    const ramp = Uint16Array.from({ length: 65536 }, (_, v) => v);
    for (const [low, high] of [[-50.5, 70000], [100, 100], [65535, 70000], [0.5, 1.5], [300.2, 5900.7]]) {
      const table = packed({ low, high, colour: [1, 0, 0] }, 1);
      const span = Math.max(high - low, 1e-9);
      expect(ramp.every((v) => Math.abs(table[v] - 170 * (v >= high ? 1 : Math.max(0, (v - low) / span))) <= 0.5 + 1e-6)).toBe(true);
    }
  });
});

describe('a scale bar', () => {
  it('is the longest round length within its share', () => {
    const next = random(12);
    for (let i = 0; i < 500; i++) {
      const [pixels, um] = [50 + 3000 * next(), 10 ** (2 * next() - 1.5)];
      const bar = scaleBar(pixels, um)!;
      const lengths: number[] = [];
      for (let e = -6; e < 6; e++) for (const step of [1, 2, 5]) lengths.push(step * 10 ** e);
      const most = Math.max(...lengths.filter((length) => length <= pixels * um * 0.3));
      expect(bar.share).toBeCloseTo(most / (pixels * um), 9);
      const [value, unit] = bar.label.split(' ');
      expect(Number(value) * (unit === 'mm' ? 1000 : 1)).toBeCloseTo(most, 9);
    }
    expect(scaleBar(400, 0.598)).toEqual({ share: 50 / (400 * 0.598), label: '50 µm' });
    expect(scaleBar(1000, 5)!.label).toBe('1 mm');
    expect(scaleBar(100, 10 / 3)!.label).toBe('100 µm'); // 30 % is 100 exactly
  });
  it('is absent where the size of a pixel is unknown', () => {
    for (const um of [null, 0, -1, NaN]) expect(scaleBar(400, um)).toBeNull();
    expect(scaleBar(0, 1)).toBeNull();
  });
});

const field = (plate: string, well: string, site: string): Field => ({ plate, well, site, image: [0], width: null, height: null });
const names = (fields: readonly (Field | null)[]): string[] => fields.map((one) => (one ? `${one.plate}:${one.well}:${one.site}` : '-'));

describe('fields', () => {
  const fields = [field('P', 'A01', '1'), field('P', 'A01', '2'), field('P', 'B01', '1'), field('Q', 'A01', '1')];
  const controls = ['C01', 'C02', 'C03', 'C04', 'C05'].map((well) => field('P', well, '1'));

  it('come from the wells that are asked for, in their order', () => {
    const images = { well: ['A01', 'B01', 'A01'], site: ['1', '1', '2'], image: [[0, null], [1, 2], [3, 4]], width: 10, height: 20 };
    expect(fieldsOf({ plate: 'P', images }, new Set(['A01']))).toEqual([
      { plate: 'P', well: 'A01', site: '1', image: [0, null], width: 10, height: 20 },
      { plate: 'P', well: 'A01', site: '2', image: [3, 4], width: 10, height: 20 },
    ]);
  });
  it('are first of another plate, then of another well, and the asked one first', () => {
    expect(names(chosenFields(fields, null, 2))).toEqual(['P:A01:1', 'Q:A01:1']);
    expect(names(chosenFields(fields, null, 3))).toEqual(['P:A01:1', 'Q:A01:1', 'P:B01:1']);
    expect(names(chosenFields(fields.slice(0, 2), null, 2))).toEqual(['P:A01:1']);
    expect(names(chosenFields(fields, { kind: 'well', plate: 'P', well: 'A01', site: '2' }, 2))).toEqual(['P:A01:2', 'Q:A01:1']);
    expect(fieldOf(fields, { kind: 'well', plate: 'P', well: 'A01', site: '9' })).toBeNull();
    expect(chosenFields([], null, 2)).toEqual([]);
  });
  it('stand beside a control of their own plate, never of another, never themselves', () => {
    expect(names(paired([fields[0], fields[3]], controls, null).map(({ control }) => control))).toEqual(['P:C02:1', '-']);
    expect(names(paired([fields[0], fields[2]], controls, null).map(({ control }) => control))).toEqual(['P:C02:1', 'P:C04:1']);
    expect(names(paired([controls[0]], [controls[0]], null).map(({ control }) => control))).toEqual(['-']);
    expect(names(paired([fields[0], fields[2]], controls, controls[4]).map(({ control }) => control))).toEqual(['P:C05:1', 'P:C04:1']);
    expect(names(paired([fields[3]], controls, controls[4]).map(({ control }) => control))).toEqual(['-']);
  });
  it('follow each other in a circle', () => {
    expect(names([next(fields, fields[3], 1), next(fields, fields[0], -1), next(fields, fields[1], 1)])).toEqual(['P:A01:1', 'Q:A01:1', 'P:B01:1']);
    expect(next([], fields[0], 1)).toBe(fields[0]);
  });
});

describe('channels', () => {
  const all = ['DNA', 'ER', 'RNA', 'AGP', 'Mito'];
  const on = (channels: { name: string; on: boolean }[]): string[] => channels.filter((one) => one.on).map(({ name }) => name);
  it('are three at first', () => {
    expect(on(channelsOf(all, []))).toEqual(['DNA', 'AGP', 'Mito']);
    expect(shownFirst(['DNA', 'Actin', 'Tubulin'])).toEqual(['DNA', 'Actin', 'Tubulin']);
    expect(shownFirst(['w1', 'w2', 'w3', 'w4'])).toEqual(['w1', 'w2', 'w3']);
  });
  it('are as the address has them', () => {
    expect(channelsOf(all, [{ name: 'ER', on: true, window: [1, 2] }])).toEqual(all.map((name) => ({ name, on: name === 'ER', window: name === 'ER' ? [1, 2] : null })));
  });
  it('can be changed, alone, and back', () => {
    const first = channelsOf(all, []);
    expect(on(changed(first, 'ER', { on: true }))).toEqual(['DNA', 'ER', 'AGP', 'Mito']);
    expect(on(alone(first, 'ER'))).toEqual(['ER']);
    expect(on(alone(alone(first, 'ER'), 'ER'))).toEqual(['DNA', 'AGP', 'Mito']);
  });
  it('have windows whose ends do not cross', () => {
    expect(moved([100, 200], 'low', 500)).toEqual([199, 200]);
    expect(moved([100, 200], 'high', 5)).toEqual([100, 101]);
    expect(moved([100.4, 200.6], 'low', -5)).toEqual([0, 201]);
    expect(moved([100, 200], 'high', 1e9)).toEqual([100, 65535]);
    for (let step = 0; step <= 1000; step++) expect(Math.abs(toStep(fromStep(step)) - step)).toBeLessThanOrEqual(step < 300 ? 1 : 0);
    expect([fromStep(0), fromStep(1000)]).toEqual([0, 65535]);
  });
});

describe('the frame', () => {
  const look = (zoom: number, x = 0.5, y = 0.5): Look => ({ zoom, x, y });
  it('stays within the field', () => {
    const rand = random(21);
    for (let i = 0; i < 300; i++) {
      const [width, height] = [1 + whole(rand, 3000), 1 + whole(rand, 3000)];
      const [x, y, w, h] = seen(bounded(look(20 * rand(), 3 * rand() - 1, 3 * rand() - 1), width, height), width, height);
      expect(w).toBe(h);
      expect(Math.min(x, y, width - x - w, height - y - h)).toBeGreaterThanOrEqual(0);
    }
    expect(seen(look(1), 1080, 768)).toEqual([156, 0, 768, 768]);
    expect(seen(look(2, 0, 1), 1000, 1000)).toEqual([0, 500, 500, 500]);
  });
  it('reads a field of 1080 pixels whole, and a larger one shrunken until more is seen of it', () => {
    expect(toRead(look(8), 1080, 1080, 2000)).toEqual({ box: null, shrink: 0 });
    expect(toRead(look(1), 2160, 2160, 500)).toEqual({ box: null, shrink: 1 });
    expect(toRead(look(4), 2160, 2160, 500)).toEqual({ box: [768, 768, 640, 640], shrink: 0 });
    expect(toRead(look(1), 2160, 2160, 1500)).toEqual({ box: [0, 0, 2160, 2160], shrink: 0 });
  });
  it('shows the same pixels, whatever was read', () => {
    const rand = random(22);
    const [width, height] = [2200, 1900];
    const whole_ = Uint16Array.from({ length: width * height }, (_, i) => i % 65521);
    for (let turn = 0; turn < 6; turn++) {
      const at = look(1.5 + 6 * rand(), rand(), rand());
      const box = seen(at, width, height);
      const read: Read = toRead(at, width, height, 5000);
      const [l, t, w, h] = read.box!;
      expect(read.shrink).toBe(0);
      expect(l <= box[0] && t <= box[1] && box[0] + box[2] <= l + w && box[1] + box[3] <= t + h).toBe(true);
      const values = Uint16Array.from({ length: w * h }, (_, i) => whole_[(t + Math.floor(i / w)) * width + l + (i % w)]);
      const part = cut({ width: w, height: h, values }, read, box);
      expect(part.side).toBe(box[2]);
      expect(part.values[0]).toBe(whole_[box[1] * width + box[0]]);
      expect(part.values[part.side ** 2 - 1]).toBe(whole_[(box[1] + box[3] - 1) * width + box[0] + box[2] - 1]);
    }
  });
  it('cuts shrunken planes at half the places', () => {
    const plane = { width: 4, height: 4, values: Uint16Array.from({ length: 16 }, (_, i) => i) };
    expect(cut(plane, { box: null, shrink: 1 }, [2, 4, 4, 4])).toEqual({ side: 2, values: Uint16Array.of(9, 10, 13, 14) });
  });
});

describe('the cache', () => {
  it('keeps what was used last, and nothing that failed', async () => {
    let reads = 0;
    const cache = new Cache<string>(5, (text) => text.length);
    const get = (text: string): Promise<string> => cache.get(text, async () => (reads++, text));
    await get('aa');
    await get('bb');
    await get('aa');
    await get('cc'); // 6 > 5: bb goes
    await get('aa');
    expect(reads).toBe(3);
    await get('bb');
    expect(reads).toBe(4);
    await expect(cache.get('x', () => Promise.reject(new Error('no')))).rejects.toThrow('no');
    expect(await cache.get('x', async () => 'yes')).toBe('yes');
  });
});
