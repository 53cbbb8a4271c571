/** What the checks of a contribution brought to light. */
import type { TranslationBundle } from '@jupyterlab/translation';
import * as React from 'react';
import type { IFinding } from '../types';

export interface IFindingsProps {
  findings: IFinding[];
  trans: TranslationBundle;
}

export function Findings({ findings, trans }: IFindingsProps): JSX.Element | null {
  if (findings.length === 0) {
    return null;
  }
  const severities: Record<IFinding['severity'], string> = {
    error: trans.__('Error'),
    warning: trans.__('Warning'),
    info: trans.__('Note')
  };
  return (
    <ul className="fh-Findings" aria-label={trans.__('Findings')}>
      {findings.map((finding, index) => (
        <li key={index} className={`fh-Finding fh-mod-${finding.severity}`}>
          <strong>{severities[finding.severity]}</strong> {finding.message}
        </li>
      ))}
    </ul>
  );
}
