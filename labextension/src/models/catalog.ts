/** The catalogue as one member sees it: what is asked for, what was found, what is looked at. */
import { Debouncer } from '@lumino/polling';
import type { ICatalogApi } from '../api';
import type { ICount, INotebook, INotebookQuery } from '../types';
import { AskingModel, LOADING, type Progress } from './state';

export interface ICatalogState {
  query: INotebookQuery;
  progress: Progress;
  notebooks: INotebook[];
  total: number;
  tags: ICount[];
  teams: ICount[];
  selected: INotebook | null;
}

const EVERYTHING: INotebookQuery = { text: '', tags: [], team: null };

const UNASKED: ICatalogState = {
  query: EVERYTHING,
  progress: LOADING,
  notebooks: [],
  total: 0,
  tags: [],
  teams: [],
  selected: null
};

/** Long enough that a word is not searched letter by letter, short enough to feel at once. */
const TYPING_PAUSE = 200;

export class CatalogModel extends AskingModel<ICatalogState> {
  constructor(
    private readonly _api: ICatalogApi,
    public pageSize = 50
  ) {
    super(UNASKED);
    this._typing = new Debouncer(() => this.refresh(), TYPING_PAUSE);
  }

  override dispose(): void {
    this._typing.dispose();
    super.dispose();
  }

  search(text: string): void {
    this.patch({ query: { ...this.state.query, text } });
    void this._typing.invoke();
  }

  toggleTag(tag: string): Promise<void> {
    const { tags } = this.state.query;
    const others = tags.filter(other => other !== tag);
    return this._ask({ tags: others.length < tags.length ? others : [...tags, tag] });
  }

  chooseTeam(team: string | null): Promise<void> {
    return this._ask({ team });
  }

  clear(): Promise<void> {
    return this._ask(EVERYTHING);
  }

  select(selected: INotebook | null): void {
    this.patch({ selected });
  }

  /** Ask again from the first page; what is on the screen stays until the answer is there. */
  refresh(): Promise<void> {
    return this._load(0);
  }

  /** Append the next page. */
  more(): Promise<void> {
    return this._load(this.state.notebooks.length);
  }

  private _ask(part: Partial<INotebookQuery>): Promise<void> {
    this.patch({ query: { ...this.state.query, ...part } });
    return this.refresh();
  }

  private async _load(offset: number): Promise<void> {
    this.patch({ progress: LOADING });
    await this.latest(
      () => this._api.notebooks(this.state.query, this.pageSize, offset),
      ({ notebooks, total, tags, teams }) => {
        const before = this.state.notebooks.slice(0, offset);
        return { notebooks: [...before, ...notebooks], total, tags, teams };
      }
    );
  }

  private readonly _typing: Debouncer<void>;
}

/** Whether anything narrows the list down. */
export function isNarrowed(query: INotebookQuery): boolean {
  return query.text.trim() !== '' || query.tags.length > 0 || query.team !== null;
}
