import { describe, expect, it } from 'vitest';
import { decimals3, digits4, format, parse, START, TABS, wellName, type Channel, type Filter, type Item, type Point, type State, type Well } from '../src/url';
import { one, random, whole } from './random';

const LETTERS = ['a', 'Z', '0', ' ', '+', '&', '=', '#', '@', ':', ';', ',', '|', '~', '*', '-', '%', '/', '\\', '"', "'", '(', ')', '.', 'µ', 'é', '中', '😀', '\u0000', '\n', '?'];

function text(next: () => number): string {
  return Array.from({ length: 1 + whole(next, 8) }, () => one(next, LETTERS)).join('');
}
function number(next: () => number): number {
  return one(next, [0, 1, -1, 0.1, 1e-7, 123456.789, -3.25e12, next(), -next() * 1e6]);
}
function well(next: () => number): Well {
  return { kind: 'well', plate: text(next), well: one(next, ['A01', 'P24', 'AF48']), site: one(next, [null, text(next)]) };
}
function item(next: () => number): Item {
  return one(next, [well(next), { kind: 'compound', id: text(next), dose: one(next, [null, Math.abs(number(next))]) }]);
}
function filter(next: () => number): Filter {
  const values = Array.from({ length: 1 + whole(next, 3) }, () => one(next, [text(next), '', '1~2', '-1~3e5']));
  return one<Filter>(next, [{ column: text(next), values }, { column: text(next), low: number(next), high: number(next) }]);
}
function channel(next: () => number): Channel {
  return { name: one(next, [text(next), '-DNA']), on: next() < 0.5, window: one(next, [null, [whole(next, 900), 1000 + whole(next, 6000)]]) };
}
function state(next: () => number): State {
  const some = <T>(make: () => T): T[] => Array.from({ length: whole(next, 4) }, make);
  const corners = one(next, [0, 3, 64]);
  return {
    q: one(next, ['', text(next)]),
    ask: one(next, [null, { kind: one(next, ['text', 'smiles']), words: text(next) }]),
    sel: one(next, [null, item(next)]),
    than: one(next, [null, well(next)]),
    space: one(next, ['', text(next)]),
    level: one(next, ['wells', 'perturbations']),
    by: one(next, [START.by, text(next)]),
    only: some(() => filter(next)),
    lasso: Array.from({ length: corners }, (): Point => [decimals3(2 * next() - 1), decimals3(2 * next() - 1)]),
    map: one(next, [START.map, { x: digits4(next() - 0.5), y: digits4(next() * 1e-6), k: digits4(0.7 + 300 * next()) }]),
    plate: one(next, ['', '*', text(next)]),
    heat: one(next, [START.heat, text(next)]),
    ch: some(() => channel(next)),
    split: next() < 0.5,
    tab: one(next, TABS),
  };
}

describe('the address', () => {
  it('keeps every state, and has one form for it', () => {
    const next = random(1);
    for (let i = 0; i < 600; i++) {
      const before = state(next);
      const fragment = format(before);
      expect(parse('#' + fragment)).toEqual({ state: before, unread: [] });
      expect(format(parse(fragment).state)).toBe(fragment);
    }
  });
  it('survives the address of a browser', () => {
    const next = random(2);
    for (let i = 0; i < 150; i++) {
      const before = state(next);
      const address = new URL('http://127.0.0.1:8000/#' + format(before));
      expect(parse(address.hash).state).toEqual(before);
    }
  });
  it('leaves the defaults out', () => expect(format(START)).toBe(''));
  it('has the keys in one order', () => {
    const all: State = {
      q: 'amg 900',
      ask: { kind: 'text', words: 'kinase inhibitor' },
      sel: { kind: 'compound', id: 'BRD-1@2', dose: 0.3 },
      than: { kind: 'well', plate: 'P:1', well: 'D14', site: '2' },
      space: 'joint',
      level: 'perturbations',
      by: 'moa',
      only: [{ column: 'moa', values: ['a|b', 'c'] }, { column: 'cells', low: -1, high: 2e4 }],
      lasso: [[0, 0], [1, 0], [0.5, 1]],
      map: { x: 0.25, y: -0.1, k: 4 },
      plate: 'P',
      heat: 'cells',
      ch: [{ name: 'DNA', on: true, window: null }, { name: 'ER', on: false, window: null }, { name: 'Mito', on: true, window: [300, 5900] }],
      split: true,
      tab: 'cells',
    };
    expect(format(all)).toBe(
      'q=amg+900&ask=text:kinase+inhibitor&sel=p:BRD-1%402@0.3&than=w:P%3A1:D14:2&space=joint&level=perturbations&by=moa' +
        '&only=moa:a%7Cb|c;cells:-1~20000&lasso=0,0;1,0;0.5,1&map=0.25,-0.1,4&plate=P&heat=cells&ch=DNA,-ER,Mito*300~5900&split=1&tab=cells',
    );
  });
  it('says what it cannot read, and reads the rest', () => {
    const read = parse('#sel=x:1&by=plate&nonsense=1&lasso=1,2;3,4&map=1,2,0&level=cells&than=p:a&plate=%E0%A4%A&tab=moon&ch=DNA*1&only=moa&split=2&q&map=1,2&sel=w:P:99&sel=w:P:A0');
    expect(read.state).toEqual({ ...START, by: 'plate' });
    expect(read.unread).toEqual([
      'sel=x:1', 'nonsense=1', 'lasso=1,2;3,4', 'map=1,2,0', 'level=cells', 'than=p:a', 'plate=%E0%A4%A', 'tab=moon', 'ch=DNA*1', 'only=moa', 'split=2', 'q',
      'map=1,2', 'sel=w:P:99', 'sel=w:P:A0',
    ]); // prettier-ignore
  });
  it('refuses lassos of more than 64 corners and numbers that are none', () => {
    const corners = (n: number): string => 'lasso=' + Array.from({ length: n }, (_, i) => `${i},0`).join(';');
    expect(parse(corners(64)).unread).toEqual([]);
    expect(parse(corners(65)).unread).toHaveLength(1);
    for (const bad of ['lasso=1,2;3,x;5,6', 'lasso=1,;2,3;4,5', 'map=NaN,0,1', 'map=Infinity,0,1', 'sel=p:a@', 'sel=p:a@x', 'sel=p:']) expect(parse(bad).unread).toEqual([bad]);
  });
  it('reads addresses that people typed', () => {
    expect(parse('sel=w:P1:a1').state.sel).toEqual({ kind: 'well', plate: 'P1', well: 'A01', site: null });
    expect(parse('&&sel=p:amg%20900&').state.sel).toEqual({ kind: 'compound', id: 'amg 900', dose: null });
  });
});

it('a well has a letter or two and two digits', () => {
  expect(['a1', 'A001', 'af48', ' p24 '].map(wellName)).toEqual(['A01', 'A01', 'AF48', 'P24']);
  expect(['A0', 'A', '1', 'ABC1', 'A123', 'A1B', ''].map(wellName)).toEqual(Array(7).fill(null));
});
