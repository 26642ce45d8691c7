/** The files of an assay: in the head of the page, and on a phone above the hits. */
import { about, theSource } from './tables';

export function Downloads() {
  const names = about.value?.hits?.downloads ?? [];
  const files = names.flatMap((name) => theSource().download(name) ?? []);
  if (!files.length) return null;
  return (
    <span class="downloads">
      {files.map((address, i) => (
        <a key={address} class="button" href={address} download={names[i]}>
          {names[i]}
        </a>
      ))}
    </span>
  );
}
