/** The catalogue: search above, tiles below, the chosen notebook beside them. */
import type { TranslationBundle } from '@jupyterlab/translation';
import * as React from 'react';
import { type CatalogModel, type ICatalogState, isNarrowed } from '../models/catalog';
import type { INotebook } from '../types';
import { Details } from './Details';
import { SearchBar } from './SearchBar';
import { Message, Skeleton, Trouble } from './States';
import { Tags } from './Tags';
import type { INotebookActions } from './Tile';
import { TileGrid } from './TileGrid';
import { useModel } from './useModel';

export interface ICatalogViewProps {
  model: CatalogModel;
  /** Copies the notebook and opens the copy; settles when that is done or given up. */
  openCopy: (id: string) => Promise<void>;
  fetchPreview: (id: string) => Promise<string>;
  trans: TranslationBundle;
}

export function CatalogView(props: ICatalogViewProps): JSX.Element {
  const { model, fetchPreview, trans } = props;
  const state = useModel(model);
  const [opening, open] = useOpening(props.openCopy);
  const actions: INotebookActions = {
    preview: notebook => model.select(notebook.id === state.selected?.id ? null : notebook),
    open
  };
  const { selected } = state;
  return (
    <div className={`fh-Catalog${selected ? ' fh-mod-details' : ''}`}>
      <div className="fh-Catalog-list">
        <Filters model={model} state={state} trans={trans} />
        <Found model={model} state={state} opening={opening} actions={actions} trans={trans} />
      </div>
      {selected && (
        <Details
          notebook={selected}
          opening={opening.has(selected.id)}
          actions={actions}
          fetchPreview={fetchPreview}
          onClose={() => close(model, selected)}
          trans={trans}
        />
      )}
    </div>
  );
}

interface IPartProps {
  model: CatalogModel;
  state: ICatalogState;
  trans: TranslationBundle;
}

function Filters({ model, state, trans }: IPartProps): JSX.Element {
  return (
    <div className="fh-Catalog-filters">
      <SearchBar
        query={state.query}
        teams={state.teams}
        onText={text => model.search(text)}
        onTeam={team => void model.chooseTeam(team)}
        trans={trans}
      />
      <Tags
        tags={state.tags}
        chosen={state.query.tags}
        onToggle={tag => void model.toggleTag(tag)}
        trans={trans}
      />
      <p className="fh-Catalog-count" role="status" aria-live="polite">
        {countOf(state, trans)}
      </p>
    </div>
  );
}

interface IFoundProps extends IPartProps {
  opening: ReadonlySet<string>;
  actions: INotebookActions;
}

function Found({ model, state, opening, actions, trans }: IFoundProps): JSX.Element {
  const { notebooks, progress, total } = state;
  const refresh = React.useCallback(() => void model.refresh(), [model]);
  const what = trans.__('The catalogue cannot be read.');
  const trouble = <Trouble progress={progress} what={what} retry={refresh} trans={trans} />;
  if (notebooks.length === 0) {
    return <Nothing model={model} state={state} trouble={trouble} trans={trans} />;
  }
  const loading = progress.kind === 'loading';
  return (
    <div className="fh-Catalog-found" aria-busy={loading}>
      <div className="fh-Banner">{trouble}</div>
      <TileGrid
        notebooks={notebooks}
        selected={state.selected?.id ?? null}
        opening={opening}
        actions={actions}
        trans={trans}
      />
      {notebooks.length < total && (
        <button
          type="button"
          className="fh-Button fh-Catalog-more"
          disabled={loading}
          onClick={() => void model.more()}
        >
          {trans.__('Show more (%1 of %2)', notebooks.length, total)}
        </button>
      )}
    </div>
  );
}

interface INothingProps extends IPartProps {
  trouble: JSX.Element;
}

function Nothing({ model, state, trouble, trans }: INothingProps): JSX.Element {
  if (state.progress.kind === 'loading') {
    return <Skeleton count={6} label={trans.__('Loading notebooks')} />;
  }
  if (state.progress.kind !== 'ready') {
    return trouble;
  }
  if (isNarrowed(state.query)) {
    return (
      <Message
        title={trans.__('No notebook matches.')}
        text={trans.__('Try fewer words or fewer tags.')}
        action={{ label: trans.__('Clear the search'), run: () => void model.clear() }}
      />
    );
  }
  return (
    <Message
      title={trans.__('There are no notebooks here yet.')}
      text={trans.__('Notebooks that your team or everyone shares will appear in this place.')}
    />
  );
}

function countOf({ progress, notebooks, total }: ICatalogState, trans: TranslationBundle): string {
  if (progress.kind !== 'ready' || notebooks.length === 0) {
    return '';
  }
  return trans._n('%1 notebook', '%1 notebooks', total, total);
}

/** Close the details and give the keyboard back to the tile that they belong to. */
function close(model: CatalogModel, notebook: INotebook): void {
  model.select(null);
  const title = document.getElementById(`fh-title-${notebook.id}`);
  title?.querySelector('button')?.focus();
}

type Opening = [ReadonlySet<string>, (notebook: INotebook) => void];

/** Which copies are being made, so that a second click does not make a second one. */
function useOpening(openCopy: (id: string) => Promise<void>): Opening {
  const [opening, setOpening] = React.useState<ReadonlySet<string>>(new Set());
  const open = ({ id }: INotebook): void => {
    if (opening.has(id)) {
      return;
    }
    setOpening(current => new Set(current).add(id));
    const done = (): void =>
      setOpening(current => new Set([...current].filter(other => other !== id)));
    void openCopy(id).finally(done);
  };
  return [opening, open];
}
