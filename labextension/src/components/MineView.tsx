/** What the member sent in, and what became of it. */
import type { TranslationBundle } from '@jupyterlab/translation';
import * as React from 'react';
import type { ContributionsModel } from '../models/contributions';
import type { IContribution } from '../types';
import { ContributionCard } from './ContributionCard';
import { ContributionList } from './ContributionList';

export interface IMineViewProps {
  model: ContributionsModel;
  /** Asks first, then takes it back. */
  withdraw: (contribution: IContribution) => Promise<void>;
  /** Opens a copy of what was published. */
  openPublished: (id: string) => Promise<void>;
  trans: TranslationBundle;
}

export function MineView({ model, withdraw, openPublished, trans }: IMineViewProps): JSX.Element {
  const empty = {
    title: trans.__('You have not shared a notebook yet.'),
    text: trans.__('Open a notebook and choose File → Share notebook…')
  };
  return (
    <ContributionList
      model={model}
      label={trans.__('My contributions')}
      empty={empty}
      trans={trans}
    >
      {contribution => (
        <ContributionCard
          key={contribution.cid}
          contribution={contribution}
          showAuthor={false}
          trans={trans}
        >
          <Actions
            contribution={contribution}
            withdraw={withdraw}
            openPublished={openPublished}
            trans={trans}
          />
        </ContributionCard>
      )}
    </ContributionList>
  );
}

type ActionsProps = Omit<IMineViewProps, 'model'> & { contribution: IContribution };

function Actions(props: ActionsProps): JSX.Element | null {
  const { contribution, withdraw, openPublished, trans } = props;
  const { state, notebook_id: published } = contribution;
  if (state === 'submitted') {
    return (
      <div className="fh-Actions">
        <button type="button" className="fh-Button" onClick={() => void withdraw(contribution)}>
          {trans.__('Withdraw')}
        </button>
      </div>
    );
  }
  if (state === 'published' && published) {
    return (
      <div className="fh-Actions">
        <button type="button" className="fh-Button" onClick={() => void openPublished(published)}>
          {trans.__('Open a copy')}
        </button>
      </div>
    );
  }
  return null;
}
