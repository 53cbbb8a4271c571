/** The notebooks that were found, as a grid that the arrow keys walk through. */
import type { TranslationBundle } from '@jupyterlab/translation';
import * as React from 'react';
import type { INotebook } from '../types';
import { type INotebookActions, Tile } from './Tile';

export interface ITileGridProps {
  notebooks: INotebook[];
  selected: string | null;
  opening: ReadonlySet<string>;
  actions: INotebookActions;
  trans: TranslationBundle;
}

export function TileGrid(props: ITileGridProps): JSX.Element {
  const { notebooks, selected, opening, actions, trans } = props;
  return (
    <ul className="fh-Grid" aria-label={trans.__('Notebooks')} onKeyDown={walk}>
      {notebooks.map(notebook => (
        <Tile
          key={notebook.id}
          notebook={notebook}
          selected={notebook.id === selected}
          opening={opening.has(notebook.id)}
          actions={actions}
          trans={trans}
        />
      ))}
    </ul>
  );
}

const STEPS: Record<string, (columns: number) => number> = {
  ArrowRight: () => 1,
  ArrowLeft: () => -1,
  ArrowDown: columns => columns,
  ArrowUp: columns => -columns
};

function walk(event: React.KeyboardEvent<HTMLUListElement>): void {
  const step = STEPS[event.key];
  const tiles = [...event.currentTarget.querySelectorAll<HTMLElement>('.fh-Tile-main')];
  const here = tiles.indexOf(event.target as HTMLElement);
  if (!step || here < 0) {
    return;
  }
  event.preventDefault();
  tiles[here + step(columnsOf(event.currentTarget))]?.focus();
}

/** How many tiles stand in the first row just now. */
function columnsOf(grid: HTMLElement): number {
  const tiles = [...grid.children] as HTMLElement[];
  return tiles.filter(tile => tile.offsetTop === tiles[0].offsetTop).length;
}
