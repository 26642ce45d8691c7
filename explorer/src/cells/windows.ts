/** Which channels are on, and between which brightness each is shown. */
import type { Range } from '../data/types';
import type { Channel } from '../url';
import { shownFirst } from './choose';

/** Every channel of the index, as the address has it or as it is at first. */
export function channelsOf(all: readonly string[], asked: readonly Channel[]): Channel[] {
  const first = shownFirst(all);
  return all.map((name) => asked.find((channel) => channel.name === name) ?? { name, on: !asked.length && first.includes(name), window: null });
}

/** The channels after one was changed. */
export function changed(channels: readonly Channel[], name: string, change: Partial<Channel>): Channel[] {
  return channels.map((channel) => (channel.name === name ? { ...channel, ...change } : channel));
}

/** Only one channel on; all that were on at first where it was alone already. */
export function alone(channels: readonly Channel[], name: string): Channel[] {
  const isAlone = channels.every((channel) => channel.on === (channel.name === name));
  const first = shownFirst(channels.map((channel) => channel.name));
  return channels.map((channel) => ({ ...channel, on: isAlone ? first.includes(channel.name) : channel.name === name }));
}

const MOST = 65535;
export const SLIDER_STEPS = 1000;

/** Below this, steps of the slider are about even; above, each is a constant factor. */
const EVEN = 64;
const WHOLE = Math.log1p(MOST / EVEN);

/** A brightness as a step of a slider, and back. The dark end, where cells are, has most of the room; all 16 bits are within reach. */
export const toStep = (value: number): number => Math.round((SLIDER_STEPS * Math.log1p(Math.max(0, Math.min(MOST, value)) / EVEN)) / WHOLE);
export const fromStep = (step: number): number => Math.round(EVEN * Math.expm1((step / SLIDER_STEPS) * WHOLE));

/** The window after one handle was moved; low stays below high. */
export function moved(window: Range, handle: 'low' | 'high', value: number): Range {
  const [low, high] = window.map(Math.round) as [number, number];
  return handle === 'low' ? [Math.max(0, Math.min(value, high - 1)), high] : [low, Math.min(MOST, Math.max(value, low + 1))];
}
