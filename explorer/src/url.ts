/** The state of the page as the fragment of its address: one view has one address. Keys in a fixed order, defaults left out. */

export interface Compound {
  kind: 'compound';
  id: string;
  /** null: all doses. */
  dose: number | null;
}
export interface Well {
  kind: 'well';
  plate: string;
  well: string;
  /** null: the first with images. */
  site: string | null;
}
export type Item = Compound | Well;
export type Filter = { column: string; values: string[] } | { column: string; low: number; high: number };
export interface Channel {
  name: string;
  on: boolean;
  /** null: the plate's own. */
  window: [low: number, high: number] | null;
}
export type Point = [x: number, y: number];
export interface View {
  x: number;
  y: number;
  k: number;
}
export interface Ask {
  kind: string;
  words: string;
}
export type Level = 'wells' | 'perturbations';
export const TABS = ['map', 'list', 'plate', 'cells', 'card'] as const;
export type Tab = (typeof TABS)[number];

export interface State {
  q: string;
  ask: Ask | null;
  sel: Item | null;
  than: Well | null;
  space: string;
  level: Level;
  by: string;
  only: Filter[];
  lasso: Point[];
  map: View;
  plate: string;
  heat: string;
  ch: Channel[];
  split: boolean;
  tab: Tab;
}

export const START: State = {
  q: '',
  ask: null,
  sel: null,
  than: null,
  space: '',
  level: 'wells',
  by: 'control_type',
  only: [],
  lasso: [],
  map: { x: 0, y: 0, k: 1 },
  plate: '',
  heat: 'distance_z',
  ch: [],
  split: false,
  tab: 'map',
};
export const MOST_CORNERS = 64;

const encode = (text: string): string =>
  encodeURIComponent(text).replace(/[~*!'()]/g, (c) => '%' + c.charCodeAt(0).toString(16).toUpperCase()).replace(/%20/g, '+');
const decode = (text: string): string => decodeURIComponent(text.replace(/\+/g, ' '));
/** Four digits: what a place on the map is worth keeping. */
export const digits4 = (value: number): number => Number(value.toPrecision(4)) + 0;
export const decimals3 = (value: number): number => Number(value.toFixed(3)) + 0;
const NUMBER = '[+-]?(?:\\d+\\.?\\d*|\\.\\d+)(?:e[+-]?\\d+)?';
const RANGE = new RegExp(`^(${NUMBER})~(${NUMBER})$`, 'i');
const WELL = /^([A-Za-z]{1,2})0*(\d{1,2})$/;

/** "a1", "A001" -> "A01"; null where it is no well. */
export function wellName(text: string): string | null {
  const found = WELL.exec(text.trim());
  return found && found[2] !== '0' ? found[1].toUpperCase() + found[2].padStart(2, '0') : null;
}

function formatItem(item: Item): string {
  if (item.kind === 'compound') return `p:${encode(item.id)}${item.dose === null ? '' : '@' + item.dose}`;
  return `w:${encode(item.plate)}:${item.well}${item.site === null ? '' : ':' + encode(item.site)}`;
}

function parseItem(text: string): Item | null {
  if (text.startsWith('p:')) {
    const [id, dose, ...more] = text.slice(2).split('@');
    if (!id || more.length) return null;
    if (dose === undefined) return { kind: 'compound', id: decode(id), dose: null };
    return isNumber(dose) ? { kind: 'compound', id: decode(id), dose: Number(dose) } : null;
  }
  if (!text.startsWith('w:')) return null;
  const [plate, place, site, ...more] = text.slice(2).split(':');
  const well = wellName(place ?? '');
  if (!plate || well === null || more.length || site === '') return null;
  return { kind: 'well', plate: decode(plate), well, site: site === undefined ? null : decode(site) };
}

const isNumber = (text: string): boolean => new RegExp(`^${NUMBER}$`, 'i').test(text) && Number.isFinite(Number(text));

const formatFilter = (filter: Filter): string =>
  `${encode(filter.column)}:${'values' in filter ? filter.values.map(encode).join('|') : `${filter.low}~${filter.high}`}`;

function parseFilter(text: string): Filter | null {
  const at = text.indexOf(':');
  if (at < 1) return null;
  const column = decode(text.slice(0, at));
  const rest = text.slice(at + 1);
  const range = RANGE.exec(rest);
  if (range) return { column, low: Number(range[1]), high: Number(range[2]) };
  return { column, values: rest.split('|').map(decode) };
}

const formatChannel = (channel: Channel): string =>
  (channel.on ? '' : '-') + encode(channel.name).replace(/^-/, '%2D') + (channel.window ? `*${channel.window.join('~')}` : '');

function parseChannel(text: string): Channel | null {
  const on = !text.startsWith('-');
  const [name, window, ...more] = (on ? text : text.slice(1)).split('*');
  if (!name || more.length) return null;
  if (window === undefined) return { name: decode(name), on, window: null };
  const range = RANGE.exec(window);
  return range ? { name: decode(name), on, window: [Number(range[1]), Number(range[2])] } : null;
}

function parseLasso(text: string): Point[] | null {
  const corners = text.split(';').map((corner) => corner.split(','));
  if (corners.length < 3 || corners.length > MOST_CORNERS) return null;
  if (!corners.every((corner) => corner.length === 2 && corner.every(isNumber))) return null;
  return corners.map(([x, y]) => [decimals3(Number(x)), decimals3(Number(y))]);
}

function parseView(text: string): View | null {
  const numbers = text.split(',');
  if (numbers.length !== 3 || !numbers.every(isNumber)) return null;
  const [x, y, k] = numbers.map((value) => digits4(Number(value))) as [number, number, number];
  return k > 0 ? { x, y, k } : null;
}

/**
 * The fragment (without #) of a state.
 *
 * Equal states have equal fragments, and `parse(format(state)).state` equals `state` where its map has four digits and its lasso three decimals.
 */
export function format(state: State): string {
  const parts: string[] = [];
  const put = (key: keyof State, value: string, is: boolean): void => {
    if (is) parts.push(`${key}=${value}`);
  };
  put('q', encode(state.q), state.q !== '');
  if (state.ask) put('ask', `${encode(state.ask.kind)}:${encode(state.ask.words)}`, true);
  if (state.sel) put('sel', formatItem(state.sel), true);
  if (state.than) put('than', formatItem(state.than), true);
  put('space', encode(state.space), state.space !== START.space);
  put('level', state.level, state.level !== START.level);
  put('by', encode(state.by), state.by !== START.by);
  put('only', state.only.map(formatFilter).join(';'), state.only.length > 0);
  put('lasso', state.lasso.map((point) => point.map(decimals3).join(',')).join(';'), state.lasso.length > 0);
  const { x, y, k } = state.map;
  put('map', [x, y, k].map(digits4).join(','), digits4(x) !== 0 || digits4(y) !== 0 || digits4(k) !== 1);
  put('plate', encode(state.plate), state.plate !== START.plate);
  put('heat', encode(state.heat), state.heat !== START.heat);
  put('ch', state.ch.map(formatChannel).join(','), state.ch.length > 0);
  put('split', '1', state.split);
  put('tab', state.tab, state.tab !== START.tab);
  return parts.join('&');
}

function set<K extends keyof State>(state: State, key: K, value: State[K] | null): boolean {
  if (value === null) return false;
  state[key] = value;
  return true;
}

function every<T>(texts: string[], read: (text: string) => T | null): T[] | null {
  const values = texts.map(read);
  return values.includes(null) ? null : (values as T[]);
}

function read(state: State, key: string, value: string): boolean {
  switch (key) {
    case 'q':
    case 'space':
    case 'by':
    case 'plate':
    case 'heat':
      return set(state, key, decode(value));
    case 'ask': {
      const at = value.indexOf(':');
      return at > 0 && at < value.length - 1 && set(state, 'ask', { kind: decode(value.slice(0, at)), words: decode(value.slice(at + 1)) });
    }
    case 'sel':
      return set(state, 'sel', parseItem(value));
    case 'than': {
      const item = parseItem(value);
      return item?.kind === 'well' && set(state, 'than', item);
    }
    case 'level':
      return (value === 'wells' || value === 'perturbations') && set(state, 'level', value);
    case 'only':
      return set(state, 'only', every(value.split(';'), parseFilter));
    case 'lasso':
      return set(state, 'lasso', parseLasso(value));
    case 'map':
      return set(state, 'map', parseView(value));
    case 'ch':
      return set(state, 'ch', every(value.split(','), parseChannel));
    case 'split':
      return value === '1' && set(state, 'split', true);
    case 'tab':
      return TABS.includes(value as Tab) && set(state, 'tab', value as Tab);
    default:
      return false;
  }
}

/** The state of a fragment, and the parts that could not be read; those are shown to the person. */
export function parse(fragment: string): { state: State; unread: string[] } {
  const state: State = { ...START };
  const unread: string[] = [];
  for (const part of fragment.replace(/^#/, '').split('&')) {
    if (part === '') continue;
    const at = part.indexOf('=');
    try {
      if (at < 1 || !read(state, part.slice(0, at), part.slice(at + 1))) unread.push(part);
    } catch {
      unread.push(part); // a stray % that is no code
    }
  }
  return { state, unread };
}
