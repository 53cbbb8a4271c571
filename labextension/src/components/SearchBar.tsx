/** What narrows the catalogue down: words, a team, tags. */
import type { TranslationBundle } from '@jupyterlab/translation';
import { closeIcon, searchIcon } from '@jupyterlab/ui-components';
import * as React from 'react';
import type { ICount, INotebookQuery } from '../types';
import { teamLabel } from './labels';

export interface ISearchBarProps {
  query: INotebookQuery;
  teams: ICount[];
  onText: (text: string) => void;
  onTeam: (team: string | null) => void;
  trans: TranslationBundle;
}

export function SearchBar(props: ISearchBarProps): JSX.Element {
  const { query, onText, trans } = props;
  return (
    <div className="fh-SearchBar" role="search">
      <div className="fh-SearchBar-field">
        <searchIcon.react className="fh-SearchBar-icon" tag="span" aria-hidden="true" />
        <input
          type="search"
          className="fh-Input"
          value={query.text}
          placeholder={trans.__('Search notebooks')}
          aria-label={trans.__('Search notebooks')}
          spellCheck={false}
          maxLength={200}
          onChange={event => onText(event.target.value)}
        />
        {query.text && (
          <button
            type="button"
            className="fh-IconButton"
            title={trans.__('Clear search')}
            aria-label={trans.__('Clear search')}
            onClick={() => onText('')}
          >
            <closeIcon.react tag="span" aria-hidden="true" />
          </button>
        )}
      </div>
      <TeamFilter {...props} />
    </div>
  );
}

function TeamFilter({ query, teams, onTeam, trans }: ISearchBarProps): JSX.Element | null {
  const known = teams.some(team => team.name === query.team);
  if (teams.length < 2 && !query.team) {
    return null;
  }
  return (
    <select
      className="fh-Select"
      value={query.team ?? ''}
      aria-label={trans.__('Team')}
      onChange={event => onTeam(event.target.value || null)}
    >
      <option value="">{trans.__('All teams')}</option>
      {query.team && !known && <option value={query.team}>{teamLabel(query.team, trans)}</option>}
      {teams.map(team => (
        <option key={team.name} value={team.name}>
          {`${teamLabel(team.name, trans)} (${team.count})`}
        </option>
      ))}
    </select>
  );
}
