/** One notebook looked at closely: its facts, its parameters, its preview. */
import type { TranslationBundle } from '@jupyterlab/translation';
import { closeIcon } from '@jupyterlab/ui-components';
import * as React from 'react';
import type { INotebook, IParameter } from '../types';
import { Frame } from './Frame';
import { dateLabel, kernelLabel } from './labels';
import { type INotebookActions, OpenButton, TagList, TeamBadge } from './Tile';

export interface IDetailsProps {
  notebook: INotebook;
  opening: boolean;
  actions: INotebookActions;
  fetchPreview: (id: string) => Promise<string>;
  onClose: () => void;
  trans: TranslationBundle;
}

export function Details(props: IDetailsProps): JSX.Element {
  const { notebook, trans } = props;
  const pane = React.useRef<HTMLElement>(null);
  // Who opens the details with the keyboard reads on here; Escape leads back to the tile.
  React.useEffect(() => pane.current?.focus({ preventScroll: true }), [notebook.id]);
  const onKeyDown = (event: React.KeyboardEvent): void => {
    if (event.key === 'Escape') {
      event.stopPropagation();
      props.onClose();
    }
  };
  return (
    <section
      ref={pane}
      className="fh-Details"
      aria-label={notebook.title}
      tabIndex={-1}
      onKeyDown={onKeyDown}
    >
      <DetailsHead {...props} />
      <Facts notebook={notebook} trans={trans} />
      {notebook.parameters.length > 0 && (
        <Parameters parameters={notebook.parameters} trans={trans} />
      )}
      <Frame
        title={notebook.title}
        name={`${notebook.id}@${notebook.version}`}
        fetch={() => props.fetchPreview(notebook.id)}
        trans={trans}
      />
    </section>
  );
}

function DetailsHead(props: IDetailsProps): JSX.Element {
  const { notebook, opening, actions, onClose, trans } = props;
  return (
    <header className="fh-Details-head">
      <div className="fh-Details-line">
        <h2 className="fh-Details-title">{notebook.title}</h2>
        <button
          type="button"
          className="fh-IconButton"
          title={trans.__('Close the preview')}
          aria-label={trans.__('Close the preview')}
          onClick={onClose}
        >
          <closeIcon.react tag="span" aria-hidden="true" />
        </button>
      </div>
      <div className="fh-Details-line">
        <TeamBadge team={notebook.team} trans={trans} />
        <OpenButton notebook={notebook} opening={opening} actions={actions} trans={trans} />
      </div>
      <TagList tags={notebook.tags} trans={trans} />
      {notebook.description && <p className="fh-Details-text">{notebook.description}</p>}
    </header>
  );
}

function Facts({
  notebook,
  trans
}: {
  notebook: INotebook;
  trans: TranslationBundle;
}): JSX.Element {
  const facts: [string, string][] = [
    [trans.__('Authors'), notebook.authors.join(', ')],
    [trans.__('Kernel'), kernelLabel(notebook)],
    [trans.__('License'), notebook.license ?? ''],
    [trans.__('Changed'), dateLabel(notebook.modified)]
  ];
  return (
    <dl className="fh-Facts">
      {facts
        .filter(([, value]) => value)
        .map(([name, value]) => (
          <div key={name}>
            <dt>{name}</dt>
            <dd>{value}</dd>
          </div>
        ))}
    </dl>
  );
}

interface IParametersProps {
  parameters: IParameter[];
  trans: TranslationBundle;
}

function Parameters({ parameters, trans }: IParametersProps): JSX.Element {
  return (
    <details className="fh-Parameters">
      <summary>
        {trans._n('%1 parameter', '%1 parameters', parameters.length, parameters.length)}
      </summary>
      <ul>
        {parameters.map(parameter => (
          <li key={parameter.name}>
            <code>{parameter.name}</code> <span className="fh-Quiet">{parameter.type}</span>{' '}
            <code>{JSON.stringify(parameter.default)}</code>
            {parameter.help && <span className="fh-Quiet"> {parameter.help}</span>}
          </li>
        ))}
      </ul>
    </details>
  );
}
