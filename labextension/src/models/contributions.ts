/** Contributions on a list: the member's own, or those that wait for the member's decision. */
import type { Decision, ICatalogApi } from '../api';
import type { IContribution } from '../types';
import { AskingModel, LOADING, type Progress } from './state';

export interface IContributionsState {
  progress: Progress;
  contributions: IContribution[];
}

/** A list that is loaded by `_load` and asked again after each decision. */
export class ContributionsModel extends AskingModel<IContributionsState> {
  constructor(
    private readonly _api: ICatalogApi,
    private readonly _load: () => Promise<IContribution[]>
  ) {
    super({ progress: LOADING, contributions: [] });
  }

  refresh(): Promise<void> {
    return this.latest(this._load, found => ({ contributions: found.sort(newestFirst) }));
  }

  /** Decide, then ask again, whether it went well or somebody else was faster. */
  async decide(cid: string, decision: Decision, text = ''): Promise<IContribution> {
    try {
      return await this._api.decide(cid, decision, text);
    } finally {
      await this.refresh();
    }
  }
}

/** What the member sent in, decided or not. */
export function myContributions(api: ICatalogApi): ContributionsModel {
  return new ContributionsModel(api, () => api.mine());
}

/** What waits for a decision in the teams that `curated` names. */
export function contributionsToReview(
  api: ICatalogApi,
  curated: () => string[]
): ContributionsModel {
  return new ContributionsModel(api, async () => {
    const lists = await Promise.all(curated().map(team => api.contributionsOf(team)));
    return lists.flat().filter(contribution => contribution.state === 'submitted');
  });
}

function newestFirst(one: IContribution, other: IContribution): number {
  return other.submitted.localeCompare(one.submitted);
}
