/** What the plugins share with each other, and the names of the commands. */
import type { ITranslator, TranslationBundle } from '@jupyterlab/translation';
import { Token } from '@lumino/coreutils';
import type { ICatalogApi } from './api';
import type { ContributionsModel } from './models/contributions';
import type { Session } from './models/session';

export const CommandIDs = {
  openCatalog: 'fairihub:open-catalog',
  openCopy: 'fairihub:open-copy',
  share: 'fairihub:share',
  myContributions: 'fairihub:my-contributions',
  review: 'fairihub:review',
  followLink: 'fairihub:follow-link'
} as const;

/** The catalogue, for every plugin that does something with it. */
export interface ICatalog {
  readonly api: ICatalogApi;
  readonly session: Session;
  readonly mine: ContributionsModel;
  readonly trans: TranslationBundle;
}

export const ICatalog = new Token<ICatalog>(
  '@fairihub/lab:ICatalog',
  'The notebook catalogue: its API, who is asking, and the words in their language.'
);

export function translationOf(translator: ITranslator): TranslationBundle {
  return translator.load('fairihub');
}
