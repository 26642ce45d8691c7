/** Where data come from: the server on loopback, or the report that carries them. */
import type { Table } from './columns';
import type { About, Asked, Card, Near, PlateImages, Range, Why } from './types';

export interface Pixels {
  width: number;
  height: number;
  values: Uint16Array;
}
export interface Montage {
  picture: Blob;
  /** What its rows show, from the top. */
  rows: string[];
}
/** x, y, width and height in pixels of the unshrunken field. */
export type Box = readonly [x: number, y: number, width: number, height: number];
export type TableName = 'wells' | 'perturbations';

export interface Source {
  about(): Promise<About>;
  /** The named columns of a table. */
  columns(table: TableName, names: readonly string[]): Promise<Table>;
  card(row: number): Promise<Card>;
  near(row: number, space: string): Promise<Near>;
  why(a: number, b: number): Promise<Why>;
  ask(kind: string, words: string, space: string): Promise<Asked>;
  /** An address for an <img>. */
  structure(row: number, dark: boolean): string;
  /** Single cells of a perturbation beside those of controls, a row a kind. */
  montage(row: number): Promise<Montage>;
  /** The fields of a plate, by its place in `about.plates`. */
  images(plate: number): Promise<PlateImages>;
  /** One channel of a field, or of a box of it; each step of `shrink` halves it. */
  pixels(image: number, channel: string, box: Box | null, shrink: number): Promise<Pixels>;
  /** The address of a download, or null where there is none. */
  download(name: string): string | null;
}

/** The range of a channel on a plate; the whole range of 16 bits where none is known. */
export function rangeOf(about: About, plate: string, channel: string): Range {
  return about.windows[plate]?.[about.channels.indexOf(channel)] ?? [0, 65535];
}
