/** A contribution on a list: what it is, who sent it, what became of it. */
import type { TranslationBundle } from '@jupyterlab/translation';
import * as React from 'react';
import type { IContribution } from '../types';
import { Findings } from './Findings';
import { stateLabel, timeLabel } from './labels';
import { TagList, TeamBadge } from './Tile';

export interface IContributionCardProps {
  contribution: IContribution;
  /** Whose name to show; a member's own list needs none. */
  showAuthor: boolean;
  trans: TranslationBundle;
  /** The buttons, and what unfolds below them. */
  children?: React.ReactNode;
}

export function ContributionCard(props: IContributionCardProps): JSX.Element {
  const { contribution, showAuthor, trans, children } = props;
  const titleId = `fh-contribution-${contribution.cid}`;
  const sent = showAuthor
    ? trans.__('sent by %1, %2', contribution.author, timeLabel(contribution.submitted))
    : trans.__('sent %1', timeLabel(contribution.submitted));
  return (
    <li className="fh-Card" aria-labelledby={titleId}>
      <div className="fh-Tile-head">
        <h3 className="fh-Card-title" id={titleId}>
          {contribution.title || contribution.filename}
        </h3>
        <span className={`fh-State fh-mod-${contribution.state}`}>
          {stateLabel(contribution.state, trans)}
        </span>
      </div>
      <div className="fh-Card-line">
        <TeamBadge team={contribution.team} trans={trans} />
        <span className="fh-Quiet">
          {contribution.filename} · {sent}
        </span>
      </div>
      {contribution.description && <p className="fh-Card-text">{contribution.description}</p>}
      <TagList tags={contribution.tags} trans={trans} />
      {contribution.message && <blockquote className="fh-Quote">{contribution.message}</blockquote>}
      <Outcome contribution={contribution} trans={trans} />
      <Findings findings={contribution.findings} trans={trans} />
      {children}
    </li>
  );
}

interface IOutcomeProps {
  contribution: IContribution;
  trans: TranslationBundle;
}

/** Who decided, when, and what they said. */
function Outcome({ contribution, trans }: IOutcomeProps): JSX.Element | null {
  const { state, decided, decided_by: by, reason, note } = contribution;
  if (!decided || state === 'withdrawn') {
    return null;
  }
  const words = reason || note;
  return (
    <div className={`fh-Outcome fh-mod-${state}`}>
      <p>{trans.__('%1 by %2, %3', stateLabel(state, trans), by ?? '', timeLabel(decided))}</p>
      {words && <p className="fh-Outcome-words">{words}</p>}
    </div>
  );
}
