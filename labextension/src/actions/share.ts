/** From a notebook of the home to a contribution before the team's curators. */
import { PathExt } from '@jupyterlab/coreutils';
import type { TranslationBundle } from '@jupyterlab/translation';
import type { ICatalogApi } from '../api';
import { askToShare, type IShareForm, tagsOf } from '../dialogs/share';
import { messageOf } from '../models/state';
import { tellError, tellSuccess } from '../notices';
import type { Session } from '../models/session';
import type { IContribution } from '../types';

/** The notebook's own metadata, as far as it says something of itself. */
export type NotebookMetadata = Readonly<Record<string, unknown>>;

export interface IShareSource {
  path: string;
  metadata: NotebookMetadata;
  /** Write what is on the screen to the file, if there is something to write. */
  save: () => Promise<void>;
}

export interface IShareOptions {
  api: ICatalogApi;
  session: Session;
  showMine: () => void;
  trans: TranslationBundle;
}

/** Ask, save, send; says itself what went wrong. */
export async function share(source: IShareSource, options: IShareOptions): Promise<void> {
  const { api, session, trans } = options;
  let contribution: IContribution | null = null;
  try {
    const me = await session.loadMe();
    const teams = me.teams.map(team => team.name);
    const own = session.state.settings?.team ?? '';
    const team = teams.includes(own) ? own : teams.length === 1 ? teams[0] : '';
    const send = async (form: IShareForm): Promise<void> => {
      await source.save();
      const { title, description, message } = form;
      const request = { path: source.path, title: title.trim(), description, message };
      contribution = await api.share({ ...request, team: form.team, tags: tagsOf(form.tags) });
    };
    const initial = { ...proposalOf(source), team, message: '' };
    await askToShare({ filename: PathExt.basename(source.path), initial, teams, send }, trans);
  } catch (error) {
    tellError(trans.__('The notebook cannot be shared: %1', messageOf(error)));
  }
  if (contribution) {
    confirm(contribution, options);
  }
}

/** What the notebook says of itself, to start the form with. */
export function proposalOf({
  path,
  metadata
}: Pick<IShareSource, 'path' | 'metadata'>): Omit<IShareForm, 'team' | 'message'> {
  const properties = (metadata.properties ?? {}) as Record<string, unknown>;
  const stem = PathExt.basename(path, '.ipynb').replace(/[-_]+/g, ' ').trim();
  const tags = Array.isArray(properties.tags) ? properties.tags : [];
  return {
    title: text(properties.name) || text(metadata.title) || stem,
    description: text(properties.description),
    tags: tags.filter(tag => typeof tag === 'string').join(', ')
  };
}

function text(value: unknown): string {
  return typeof value === 'string' ? value : '';
}

/** Say that it is under way, what the checks found, and where to follow it. */
function confirm(contribution: IContribution, { showMine, trans }: IShareOptions): void {
  const { title, team, findings } = contribution;
  const sent = trans.__('“%1” now waits for the curators of “%2”.', title, team);
  const found = findings.map(finding => `• ${finding.message}`);
  const message = [sent, ...found].join('\n');
  const serious = findings.some(finding => finding.severity !== 'info');
  tellSuccess(message, [{ label: trans.__('My contributions'), callback: showMine }], serious);
}
