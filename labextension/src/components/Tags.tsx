/** The tags of what was found, as switches with counts. */
import type { TranslationBundle } from '@jupyterlab/translation';
import * as React from 'react';
import type { ICount } from '../types';

export interface ITagsProps {
  tags: ICount[];
  chosen: string[];
  onToggle: (tag: string) => void;
  trans: TranslationBundle;
}

/** As many as fit two lines of a narrow panel. */
const FEW = 10;

export function Tags({ tags, chosen, onToggle, trans }: ITagsProps): JSX.Element | null {
  const [all, setAll] = React.useState(false);
  const ordered = chosenFirst(tags, chosen);
  if (ordered.length === 0) {
    return null;
  }
  const shown = all ? ordered : ordered.slice(0, Math.max(FEW, chosen.length));
  return (
    <div className="fh-Tags" role="group" aria-label={trans.__('Tags')}>
      {shown.map(tag => (
        <button
          key={tag.name}
          type="button"
          className="fh-Tag fh-mod-toggle"
          aria-pressed={chosen.includes(tag.name)}
          onClick={() => onToggle(tag.name)}
        >
          {tag.name} <span className="fh-Tag-count">{tag.count}</span>
        </button>
      ))}
      {ordered.length > FEW && (
        <button type="button" className="fh-Link" aria-expanded={all} onClick={() => setAll(!all)}>
          {all ? trans.__('Fewer tags') : trans.__('All %1 tags', ordered.length)}
        </button>
      )}
    </div>
  );
}

/** A chosen tag stays in sight, even when nothing that was found carries it. */
function chosenFirst(tags: ICount[], chosen: string[]): ICount[] {
  const counts = new Map(tags.map(tag => [tag.name, tag.count]));
  const first = chosen.map(name => ({ name, count: counts.get(name) ?? 0 }));
  return [...first, ...tags.filter(tag => !chosen.includes(tag.name))];
}
