/** Who is asking, on which server: asked once at start, and again when a panel is shown. */
import type { ICatalogApi } from '../api';
import type { IMe, IServerSettings } from '../types';
import { StateModel } from './state';

export interface ISessionState {
  settings: IServerSettings | null;
  me: IMe | null;
}

export class Session extends StateModel<ISessionState> {
  constructor(private readonly _api: ICatalogApi) {
    super({ settings: null, me: null });
  }

  /** The catalogue's name, or `fallback` while the server has not said it. */
  name(fallback: string): string {
    return this.state.settings?.catalog_name || fallback;
  }

  /** Whether there are others to share with. */
  get hub(): boolean {
    return this.state.settings?.hub ?? false;
  }

  /** The teams whose contributions this member decides. */
  get curated(): string[] {
    return (this.state.me?.teams ?? []).filter(team => team.curator).map(team => team.name);
  }

  async loadSettings(): Promise<IServerSettings> {
    const settings = await this._api.settings();
    this.patch({ settings });
    return settings;
  }

  async loadMe(): Promise<IMe> {
    const me = await this._api.me();
    this.patch({ me });
    return me;
  }
}
