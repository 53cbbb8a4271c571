/** The panel as a widget: it makes the models, keeps them fresh while it is seen, and draws. */
import { ReactWidget } from '@jupyterlab/apputils';
import type { Message } from '@lumino/messaging';
import { Poll } from '@lumino/polling';
import * as React from 'react';
import type { Decision } from './api';
import { type IPanelActions, type IPanelModels, Panel } from './components/Panel';
import { askToDecide } from './dialogs/decide';
import { CatalogModel } from './models/catalog';
import { type ContributionsModel, contributionsToReview } from './models/contributions';
import { PanelModel, type Section } from './models/panel';
import { tellSuccess } from './notices';
import type { ICatalog } from './tokens';
import type { IContribution } from './types';

/** How often a curator's panel asks whether something new waits. */
const REVIEW_INTERVAL = 60_000;

export class CatalogPanel extends ReactWidget {
  constructor(
    private readonly _catalog: ICatalog,
    private readonly _openCopy: (id: string) => Promise<void>,
    pageSize: number
  ) {
    super();
    this.addClass('fh-Panel');
    this._models = modelsOf(_catalog, pageSize);
    this._poll = new Poll({
      name: 'fairihub:review',
      factory: () => this._models.panel.poll(),
      frequency: { interval: REVIEW_INTERVAL, backoff: true },
      standby: () => (this.isVisible ? 'when-hidden' : true)
    });
  }

  override dispose(): void {
    if (this.isDisposed) {
      return;
    }
    super.dispose();
    this._poll.dispose();
    const { panel, catalog, review } = this._models;
    [panel, catalog, review].forEach(model => model.dispose());
  }

  /** Turn to a section. */
  turnTo(section: Section): void {
    this._models.panel.show(section);
  }

  setPageSize(size: number): void {
    this._models.catalog.pageSize = size;
  }

  protected override onAfterAttach(message: Message): void {
    super.onAfterAttach(message);
    this._refresh();
  }

  protected override onAfterShow(message: Message): void {
    super.onAfterShow(message);
    this._refresh();
  }

  protected override render(): JSX.Element {
    const { api, trans } = this._catalog;
    return <Panel models={this._models} actions={this._actions()} api={api} trans={trans} />;
  }

  private _refresh(): void {
    if (this.isVisible) {
      void this._models.panel.refresh();
    }
  }

  private _actions(): IPanelActions {
    const { mine, review } = this._models;
    return {
      openCopy: this._openCopy,
      withdraw: contribution => this._decide(mine, contribution, 'withdraw'),
      publish: contribution => this._decide(review, contribution, 'publish'),
      decline: contribution => this._decide(review, contribution, 'decline')
    };
  }

  private async _decide(
    list: ContributionsModel,
    contribution: IContribution,
    decision: Decision
  ): Promise<void> {
    const { trans } = this._catalog;
    const decide = (text: string): Promise<unknown> =>
      list.decide(contribution.cid, decision, text);
    if (await askToDecide(contribution, decision, decide, trans)) {
      const title = contribution.title || contribution.filename;
      const done: Record<Decision, string> = {
        publish: trans.__('“%1” is in the catalogue now.', title),
        decline: trans.__('“%1” is declined; its author can read why.', title),
        withdraw: trans.__('“%1” is withdrawn.', title)
      };
      tellSuccess(done[decision]);
    }
  }

  private readonly _models: IPanelModels;
  private readonly _poll: Poll;
}

function modelsOf({ api, session, mine, trans }: ICatalog, pageSize: number): IPanelModels {
  const catalog = new CatalogModel(api, pageSize);
  const review = contributionsToReview(api, () => session.curated);
  const lists = { catalog, mine, review };
  const panel = new PanelModel(session, lists, trans.__('Notebook Catalog'));
  return { panel, catalog, mine, review };
}
