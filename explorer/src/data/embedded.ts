/** What a report carries within itself. Pictures are crops of eight bits: the square root of brightness, over 1.5 windows of the plate. */
import { read, type Table } from './columns';
import type { Box, Pixels, Source, TableName } from './source';
import type { About, Asked, Card, Carried, Near, PlateImages, Why } from './types';

function bytes(base64: string): Uint8Array<ArrayBuffer> {
  return Uint8Array.from(atob(base64), (c) => c.charCodeAt(0));
}

function carried<T>(value: T | undefined, what: string): T {
  if (value === undefined) throw new Error(`this report does not carry ${what}; its index has all of it: impasto explore DIR`);
  return value;
}

/** The brightness that each of 256 grey levels stands for. */
export function levels(low: number, high: number): Uint16Array {
  return Uint16Array.from({ length: 256 }, (_, e) => Math.max(0, Math.min(65535, Math.round(low + (e / 255) ** 2 * (high - low)))));
}

/** The red of every pixel of an image file. */
async function grey(file: Uint8Array<ArrayBuffer>, width: number, height: number): Promise<Uint8Array> {
  const bitmap = await createImageBitmap(new Blob([file], { type: 'image/webp' }));
  const canvas = document.createElement('canvas');
  canvas.width = width;
  canvas.height = height;
  const context = canvas.getContext('2d', { willReadFrequently: true })!;
  context.drawImage(bitmap, 0, 0);
  const { data } = context.getImageData(0, 0, width, height);
  return Uint8Array.from({ length: width * height }, (_, i) => data[4 * i]);
}

export class Embedded implements Source {
  private readonly tables = new Map<TableName, Table>();

  constructor(private readonly kept: Carried) {}

  async about(): Promise<About> {
    return this.kept.about;
  }

  async columns(table: TableName, names: readonly string[]): Promise<Table> {
    let whole = this.tables.get(table);
    if (!whole) this.tables.set(table, (whole = read(bytes(this.kept.columns[table]))));
    const { rows, columns } = whole;
    return { rows, columns: new Map([...columns].filter(([name]) => names.includes(name))) };
  }

  async card(row: number): Promise<Card> {
    return carried(this.kept.cards[row], 'this compound');
  }

  async near(row: number, space: string): Promise<Near> {
    const near = carried(this.kept.near[row], 'the neighbours of this compound');
    if (space && space !== near.space) throw new Error(`this report carries neighbours by ${near.space} only`);
    return near;
  }

  async why(a: number, b: number): Promise<Why> {
    return carried(this.kept.why[`${a}/${b}`], 'the reasons for this pair');
  }

  async ask(): Promise<Asked> {
    return carried<Asked>(undefined, 'a trained run that answers questions');
  }

  structure(row: number): string {
    const svg = this.kept.structures[row];
    return svg ? 'data:image/svg+xml,' + encodeURIComponent(svg) : '';
  }

  async montage(): Promise<never> {
    throw new Error('single cells are in the report above, and in impasto explore');
  }

  async images(plate: number): Promise<PlateImages> {
    return this.kept.images[plate] ?? { well: [], site: [], image: [], width: null, height: null };
  }

  async pixels(image: number, _channel: string, box: Box | null): Promise<Pixels> {
    const picture = carried(this.kept.pictures[image], 'this picture');
    const { width, height } = picture;
    const back = levels(picture.low, picture.high);
    const values = Uint16Array.from(await grey(bytes(picture.webp), width, height), (e) => back[e]);
    if (!box) return { width, height, values };
    const [x, y, w, h] = box;
    const cut = new Uint16Array(w * h);
    for (let row = 0; row < h; row++) cut.set(values.subarray((y + row) * width + x, (y + row) * width + x + w), row * w);
    return { width: w, height: h, values: cut };
  }

  download(): string | null {
    return null;
  }
}
