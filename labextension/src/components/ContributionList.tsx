/** Contributions below each other, with every state that such a list can be in. */
import type { TranslationBundle } from '@jupyterlab/translation';
import * as React from 'react';
import type { ContributionsModel } from '../models/contributions';
import type { IContribution } from '../types';
import { Message, Skeleton, Trouble } from './States';
import { useModel } from './useModel';

export interface IContributionListProps {
  model: ContributionsModel;
  label: string;
  empty: { title: string; text: string };
  /** What to show of each. */
  children: (contribution: IContribution) => JSX.Element;
  trans: TranslationBundle;
}

export function ContributionList(props: IContributionListProps): JSX.Element {
  const { model, label, empty, children, trans } = props;
  const { progress, contributions } = useModel(model);
  const refresh = React.useCallback(() => void model.refresh(), [model]);
  const what = trans.__('The contributions cannot be read.');
  return (
    <div className="fh-Contributions">
      <div className={contributions.length > 0 ? 'fh-Banner' : 'fh-Contributions-room'}>
        <Trouble progress={progress} what={what} retry={refresh} trans={trans} />
      </div>
      {contributions.length === 0 && progress.kind === 'loading' && (
        <Skeleton count={3} label={trans.__('Loading contributions')} />
      )}
      {contributions.length === 0 && progress.kind === 'ready' && <Message {...empty} />}
      {contributions.length > 0 && (
        <ul className="fh-Cards" aria-label={label}>
          {contributions.map(children)}
        </ul>
      )}
    </div>
  );
}
