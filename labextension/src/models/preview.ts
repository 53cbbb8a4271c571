/** One preview at a time: fetched, kept for as long as it is looked at, stale ones dropped. */
import { AskingModel, LOADING, type Progress } from './state';

export interface IPreviewState {
  progress: Progress;
  html: string;
}

export class PreviewModel extends AskingModel<IPreviewState> {
  constructor() {
    super({ progress: LOADING, html: '' });
  }

  show(fetch: () => Promise<string>): Promise<void> {
    this.patch({ progress: LOADING, html: '' });
    return this.latest(fetch, html => ({ html }));
  }
}
