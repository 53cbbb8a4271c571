/** The whole panel: its tabs, and the section that is chosen. */
import type { TranslationBundle } from '@jupyterlab/translation';
import * as React from 'react';
import type { ICatalogApi } from '../api';
import type { CatalogModel } from '../models/catalog';
import type { ContributionsModel } from '../models/contributions';
import type { PanelModel, Section } from '../models/panel';
import type { IContribution } from '../types';
import { CatalogView } from './CatalogView';
import { MineView } from './MineView';
import { type IReviewActions, ReviewView } from './ReviewView';
import { type ITab, Tabs } from './Tabs';
import { useModel } from './useModel';

export interface IPanelActions extends IReviewActions {
  openCopy: (id: string) => Promise<void>;
  withdraw: (contribution: IContribution) => Promise<void>;
}

export interface IPanelModels {
  panel: PanelModel;
  catalog: CatalogModel;
  mine: ContributionsModel;
  review: ContributionsModel;
}

export interface IPanelProps {
  models: IPanelModels;
  actions: IPanelActions;
  api: ICatalogApi;
  trans: TranslationBundle;
}

export function Panel(props: IPanelProps): JSX.Element {
  const { models, trans } = props;
  const { section, sections, name } = useModel(models.panel);
  const waiting = useModel(models.review).contributions.length;
  const labels: Record<Section, ITab<Section>> = {
    catalog: { id: 'catalog', label: trans.__('Catalog') },
    mine: { id: 'mine', label: trans.__('My contributions') },
    review: { id: 'review', label: trans.__('Review'), count: waiting }
  };
  return (
    <div className="fh-Panel-room">
      {sections.length > 1 && (
        <Tabs
          label={name}
          tabs={sections.map(id => labels[id])}
          current={section}
          onChange={id => models.panel.show(id)}
        />
      )}
      <div
        className="fh-Panel-section"
        id="fh-tabpanel"
        role={sections.length > 1 ? 'tabpanel' : undefined}
        aria-labelledby={sections.length > 1 ? `fh-tab-${section}` : undefined}
      >
        <SectionView {...props} section={section} />
      </div>
    </div>
  );
}

function SectionView(props: IPanelProps & { section: Section }): JSX.Element {
  const { section, models, actions, api, trans } = props;
  switch (section) {
    case 'catalog':
      return (
        <CatalogView
          model={models.catalog}
          openCopy={actions.openCopy}
          fetchPreview={id => api.notebookPreview(id)}
          trans={trans}
        />
      );
    case 'mine':
      return (
        <MineView
          model={models.mine}
          withdraw={actions.withdraw}
          openPublished={actions.openCopy}
          trans={trans}
        />
      );
    case 'review':
      return (
        <ReviewView
          model={models.review}
          actions={actions}
          fetchPreview={cid => api.contributionPreview(cid)}
          trans={trans}
        />
      );
  }
}
