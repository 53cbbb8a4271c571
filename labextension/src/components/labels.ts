/** Words and dates as they stand on the screen. */
import type { TranslationBundle } from '@jupyterlab/translation';
import type { ContributionState, INotebook } from '../types';

export function teamLabel(team: string, trans: TranslationBundle): string {
  return team === 'public' ? trans.__('Public') : team;
}

export function stateLabel(state: ContributionState, trans: TranslationBundle): string {
  const labels: Record<ContributionState, string> = {
    submitted: trans.__('Waiting for review'),
    published: trans.__('Published'),
    declined: trans.__('Declined'),
    withdrawn: trans.__('Withdrawn')
  };
  return labels[state];
}

/** The kernel a notebook asks for, or nothing when it asks for none. */
export function kernelLabel(notebook: INotebook): string {
  const kernel = notebook.kernel;
  return kernel?.display_name || kernel?.name || kernel?.language || '';
}

export function dateLabel(iso: string): string {
  const date = new Date(iso);
  return Number.isNaN(date.valueOf())
    ? iso
    : date.toLocaleDateString(undefined, { dateStyle: 'medium' });
}

export function timeLabel(iso: string): string {
  const date = new Date(iso);
  return Number.isNaN(date.valueOf())
    ? iso
    : date.toLocaleString(undefined, { dateStyle: 'medium', timeStyle: 'short' });
}
