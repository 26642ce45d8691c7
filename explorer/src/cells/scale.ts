/** A scale bar: the longest round length within a share of a picture's width. */

export interface Bar {
  /** Of the picture's width, in 0..1. */
  share: number;
  label: string;
}

/** Null where the size of a pixel is unknown. */
export function scaleBar(pixels: number, micrometres: number | null, most = 0.3): Bar | null {
  if (micrometres === null || !(micrometres > 0) || !(pixels > 0)) return null;
  const width = pixels * micrometres;
  const power = 10 ** Math.floor(Math.log10(width * most) + 1e-12);
  const length = [5, 2, 1].map((step) => step * power).find((value) => value <= width * most * (1 + 1e-12))!;
  const label = length >= 1000 ? `${Number((length / 1000).toPrecision(1))} mm` : `${Number(length.toPrecision(1))} µm`;
  return { share: length / width, label };
}
