/** A notebook of the catalogue as a tile; everything it can do is passed in. */
import type { TranslationBundle } from '@jupyterlab/translation';
import * as React from 'react';
import type { INotebook } from '../types';
import { kernelLabel, teamLabel } from './labels';

export interface INotebookActions {
  /** Look at it. */
  preview: (notebook: INotebook) => void;
  /** Copy it into the home and open the copy. */
  open: (notebook: INotebook) => void;
}

export interface ITileProps {
  notebook: INotebook;
  selected: boolean;
  /** Whether its copy is being made. */
  opening: boolean;
  actions: INotebookActions;
  trans: TranslationBundle;
}

export function Tile(props: ITileProps): JSX.Element {
  const { notebook, selected, actions, trans } = props;
  const titleId = `fh-title-${notebook.id}`;
  return (
    <li className={`fh-Tile${selected ? ' fh-mod-selected' : ''}`} aria-labelledby={titleId}>
      <div className="fh-Tile-head">
        <h3 className="fh-Tile-title" id={titleId}>
          <button
            type="button"
            className="fh-Tile-main"
            aria-expanded={selected}
            title={notebook.title}
            onClick={() => actions.preview(notebook)}
            onDoubleClick={() => actions.open(notebook)}
          >
            {notebook.title}
          </button>
        </h3>
        <TeamBadge team={notebook.team} trans={trans} />
      </div>
      {notebook.description && <p className="fh-Tile-text">{notebook.description}</p>}
      <TagList tags={notebook.tags} trans={trans} />
      <TileFoot {...props} />
    </li>
  );
}

function TileFoot({ notebook, opening, actions, trans }: ITileProps): JSX.Element {
  const facts = [notebook.authors.join(', '), kernelLabel(notebook)].filter(Boolean);
  return (
    <div className="fh-Tile-foot">
      <ul className="fh-Tile-facts" aria-label={trans.__('Authors and kernel')}>
        {facts.map(fact => (
          <li key={fact} title={fact}>
            {fact}
          </li>
        ))}
      </ul>
      <OpenButton notebook={notebook} opening={opening} actions={actions} trans={trans} />
    </div>
  );
}

export function OpenButton({
  notebook,
  opening,
  actions,
  trans
}: Omit<ITileProps, 'selected'>): JSX.Element {
  return (
    <button
      type="button"
      className="fh-Button fh-mod-accept"
      disabled={opening}
      aria-label={trans.__('Open a copy of %1', notebook.title)}
      onClick={() => actions.open(notebook)}
    >
      {opening ? trans.__('Opening…') : trans.__('Open a copy')}
    </button>
  );
}

export function TeamBadge(props: { team: string; trans: TranslationBundle }): JSX.Element {
  const kind = props.team === 'public' ? ' fh-mod-public' : '';
  return <span className={`fh-Badge${kind}`}>{teamLabel(props.team, props.trans)}</span>;
}

export function TagList(props: { tags: string[]; trans: TranslationBundle }): JSX.Element | null {
  if (props.tags.length === 0) {
    return null;
  }
  return (
    <ul className="fh-TagList" aria-label={props.trans.__('Tags')}>
      {props.tags.map(tag => (
        <li key={tag} className="fh-Tag">
          {tag}
        </li>
      ))}
    </ul>
  );
}
