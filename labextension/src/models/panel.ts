/** Which section of the panel is shown, which there are, and what each needs to be fresh. */
import type { CatalogModel } from './catalog';
import type { ContributionsModel } from './contributions';
import type { Session } from './session';
import { StateModel } from './state';

export type Section = 'catalog' | 'mine' | 'review';

export interface IPanelState {
  section: Section;
  sections: Section[];
  name: string;
}

export class PanelModel extends StateModel<IPanelState> {
  constructor(
    private readonly _session: Session,
    private readonly _lists: Record<Section, CatalogModel | ContributionsModel>,
    private readonly _fallbackName: string
  ) {
    super({ section: 'catalog', sections: sectionsOf(_session), name: _fallbackName });
    _session.changed.connect(this._follow);
    this._follow();
  }

  override dispose(): void {
    this._session.changed.disconnect(this._follow);
    super.dispose();
  }

  /** Show a section, freshly asked for. */
  show(section: Section): void {
    this.patch({ section });
    void this._lists[section].refresh();
  }

  /** Ask again for who is asking, for what is shown and for what waits. */
  async refresh(): Promise<void> {
    const shown = this.state.section;
    const list = this._lists[shown].refresh();
    // Without an answer the panel stands on what it knew; the list itself says what is wrong.
    await this._session.loadMe().catch(() => undefined);
    await list;
    await this.poll();
  }

  /** Ask only for what waits for this curator. */
  async poll(): Promise<void> {
    if (this._session.curated.length > 0) {
      await this._lists.review.refresh();
    }
  }

  private readonly _follow = (): void => {
    const sections = sectionsOf(this._session);
    const { section } = this.state;
    this.patch({
      sections,
      name: this._session.name(this._fallbackName),
      section: sections.includes(section) ? section : 'catalog'
    });
  };
}

function sectionsOf(session: Session): Section[] {
  if (!session.hub) {
    return ['catalog'];
  }
  return session.curated.length > 0 ? ['catalog', 'mine', 'review'] : ['catalog', 'mine'];
}
