/** What waits for a curator: look at it, then publish or decline it. */
import type { TranslationBundle } from '@jupyterlab/translation';
import * as React from 'react';
import type { ContributionsModel } from '../models/contributions';
import type { IContribution } from '../types';
import { ContributionCard } from './ContributionCard';
import { ContributionList } from './ContributionList';
import { Frame } from './Frame';

export interface IReviewActions {
  /** Asks for a note, then publishes. */
  publish: (contribution: IContribution) => Promise<void>;
  /** Asks for a reason, then declines. */
  decline: (contribution: IContribution) => Promise<void>;
}

export interface IReviewViewProps {
  model: ContributionsModel;
  actions: IReviewActions;
  fetchPreview: (cid: string) => Promise<string>;
  trans: TranslationBundle;
}

export function ReviewView(props: IReviewViewProps): JSX.Element {
  const { model, trans } = props;
  const empty = {
    title: trans.__('Nothing waits for your review.'),
    text: trans.__('Notebooks that members of your teams share will appear here.')
  };
  return (
    <ContributionList model={model} label={trans.__('To review')} empty={empty} trans={trans}>
      {contribution => (
        <ContributionCard
          key={contribution.cid}
          contribution={contribution}
          showAuthor={true}
          trans={trans}
        >
          <Decisions {...props} contribution={contribution} />
        </ContributionCard>
      )}
    </ContributionList>
  );
}

type DecisionsProps = IReviewViewProps & { contribution: IContribution };

function Decisions(props: DecisionsProps): JSX.Element {
  const { contribution, actions, fetchPreview, trans } = props;
  const [preview, setPreview] = React.useState(false);
  return (
    <>
      <DecisionButtons
        preview={preview}
        onPreview={() => setPreview(!preview)}
        publish={() => void actions.publish(contribution)}
        decline={() => void actions.decline(contribution)}
        trans={trans}
      />
      {preview && (
        <Frame
          title={contribution.title || contribution.filename}
          name={contribution.cid}
          fetch={() => fetchPreview(contribution.cid)}
          trans={trans}
        />
      )}
    </>
  );
}

interface IDecisionButtonsProps {
  preview: boolean;
  onPreview: () => void;
  publish: () => void;
  decline: () => void;
  trans: TranslationBundle;
}

function DecisionButtons(props: IDecisionButtonsProps): JSX.Element {
  const { preview, onPreview, publish, decline, trans } = props;
  return (
    <div className="fh-Actions">
      <button type="button" className="fh-Button" aria-expanded={preview} onClick={onPreview}>
        {preview ? trans.__('Hide the preview') : trans.__('Preview')}
      </button>
      <button type="button" className="fh-Button fh-mod-warn" onClick={decline}>
        {trans.__('Decline…')}
      </button>
      <button type="button" className="fh-Button fh-mod-accept" onClick={publish}>
        {trans.__('Publish…')}
      </button>
    </div>
  );
}
