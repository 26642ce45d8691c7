/** Stains: on or off, and a window each. */
import { stain } from '../colour';
import { rangeOf } from '../data/source';
import { go, slide, state } from '../state';
import { about } from '../tables';
import type { Channel } from '../url';
import { alone, changed, channelsOf, fromStep, moved, SLIDER_STEPS, toStep } from './windows';

export const channelsShown = (): Channel[] => channelsOf(about.value?.channels ?? [], state.value.ch);

const cssOf = (channel: string, place: number): string => `rgb(${stain(channel, place).map((part) => Math.round(part * 255)).join()})`;

function Handles({ channel, plate }: { channel: Channel; plate: string }) {
  const window = channel.window ?? rangeOf(about.value!, plate, channel.name);
  const [low, high] = window.map(toStep) as [number, number];
  const handle = (which: 'low' | 'high') => (
    <input
      type="range"
      min={0}
      max={SLIDER_STEPS}
      value={which === 'low' ? low : high}
      aria-label={`${channel.name} ${which === 'low' ? 'darkest' : 'brightest'}`}
      aria-valuetext={String(Math.round(window[which === 'low' ? 0 : 1]))}
      onInput={(event) => {
        const to = moved(window, which, fromStep(Number(event.currentTarget.value)));
        slide({ ch: changed(channelsShown(), channel.name, { window: to }) });
      }}
    />
  );
  return (
    <div class="handles" style={{ '--low': `${low / 10}%`, '--high': `${high / 10}%` }}>
      {handle('low')}
      {handle('high')}
    </div>
  );
}

export function Channels({ plate }: { plate: string }) {
  const channels = channelsShown();
  return (
    <div class="channels" role="group" aria-label="channels">
      {channels.map((channel, place) => (
        <div key={channel.name} class="channel" style={{ '--stain': cssOf(channel.name, place) }}>
          <button
            aria-pressed={channel.on}
            title="double click: only this one"
            onClick={() => go({ ch: changed(channels, channel.name, { on: !channel.on }) })}
            onDblClick={() => go({ ch: alone(channels, channel.name) })}
          >
            {channel.name}
          </button>
          <Handles channel={channel} plate={plate} />
        </div>
      ))}
      {state.value.ch.length > 0 && (
        <button class="quiet" onClick={() => go({ ch: [] })}>
          reset
        </button>
      )}
    </div>
  );
}
