/** The one place that speaks HTTP with the server: typed requests, readable errors. */
import { URLExt } from '@jupyterlab/coreutils';
import { ServerConnection } from '@jupyterlab/services';
import type {
  IContribution,
  ICopy,
  IMe,
  INotebook,
  INotebookPage,
  INotebookQuery,
  IServerSettings,
  IShareRequest
} from './types';

/** The verbs a curator or an author has over a contribution. */
export type Decision = 'publish' | 'decline' | 'withdraw';

export interface ICatalogApi {
  settings(): Promise<IServerSettings>;
  me(): Promise<IMe>;
  notebooks(query: INotebookQuery, limit: number, offset: number): Promise<INotebookPage>;
  notebook(id: string): Promise<INotebook>;
  notebookPreview(id: string): Promise<string>;
  copy(id: string, path: string | null): Promise<ICopy>;
  share(request: IShareRequest): Promise<IContribution>;
  mine(): Promise<IContribution[]>;
  contributionsOf(team: string): Promise<IContribution[]>;
  contributionPreview(cid: string): Promise<string>;
  decide(cid: string, decision: Decision, text: string): Promise<IContribution>;
}

/** A refusal or a failure, in words that a person may read. */
export class ApiError extends Error {
  constructor(
    message: string,
    readonly code: string,
    readonly status: number,
    readonly body: Readonly<Record<string, unknown>> = {}
  ) {
    super(message);
  }

  /** Whether nothing answered at all. */
  get offline(): boolean {
    return this.code === OFFLINE;
  }
}

const OFFLINE = 'offline';

/** The catalogue as the user's own server passes it on, under `fairihub/`. */
export class CatalogApi implements ICatalogApi {
  constructor(private readonly _server: ServerConnection.ISettings) {}

  settings(): Promise<IServerSettings> {
    return this._get<IServerSettings>('settings');
  }

  me(): Promise<IMe> {
    return this._get<IMe>('api/me');
  }

  notebooks(query: INotebookQuery, limit: number, offset: number): Promise<INotebookPage> {
    return this._get<INotebookPage>(`api/notebooks?${searchParams(query, limit, offset)}`);
  }

  notebook(id: string): Promise<INotebook> {
    return this._get<INotebook>(`api/notebooks/${encodeURIComponent(id)}`);
  }

  notebookPreview(id: string): Promise<string> {
    return this._text(`api/notebooks/${encodeURIComponent(id)}/preview`);
  }

  copy(id: string, path: string | null): Promise<ICopy> {
    return this._post<ICopy>('copy', { id, path });
  }

  share(request: IShareRequest): Promise<IContribution> {
    return this._post<IContribution>('share', request);
  }

  mine(): Promise<IContribution[]> {
    return this._contributions('mine=1');
  }

  contributionsOf(team: string): Promise<IContribution[]> {
    return this._contributions(`team=${encodeURIComponent(team)}`);
  }

  contributionPreview(cid: string): Promise<string> {
    return this._text(`api/contributions/${encodeURIComponent(cid)}/preview`);
  }

  decide(cid: string, decision: Decision, text: string): Promise<IContribution> {
    const path = `api/contributions/${encodeURIComponent(cid)}/${decision}`;
    return this._post<IContribution>(path, DECISION_BODY[decision](text));
  }

  private async _contributions(query: string): Promise<IContribution[]> {
    const answer = await this._get<{ contributions: IContribution[] }>(
      `api/contributions?${query}`
    );
    return answer.contributions;
  }

  private async _get<T>(path: string): Promise<T> {
    return (await (await this._request(path)).json()) as T;
  }

  private async _text(path: string): Promise<string> {
    return (await this._request(path)).text();
  }

  private async _post<T>(path: string, body: object): Promise<T> {
    const init = { method: 'POST', body: JSON.stringify(body) };
    return (await (await this._request(path, init)).json()) as T;
  }

  /** The answer, if it is a good one; else an `ApiError`. */
  private async _request(path: string, init: RequestInit = {}): Promise<Response> {
    const url = URLExt.join(this._server.baseUrl, 'fairihub', path);
    let response: Response;
    try {
      response = await ServerConnection.makeRequest(url, init, this._server);
    } catch (error) {
      throw new ApiError(String(error), OFFLINE, 0);
    }
    if (!response.ok) {
      throw await errorOf(response);
    }
    return response;
  }
}

/** What a decision says, in the field that it is said in. */
const DECISION_BODY: Record<Decision, (text: string) => object> = {
  publish: note => ({ note }),
  decline: reason => ({ reason }),
  withdraw: () => ({})
};

function searchParams(query: INotebookQuery, limit: number, offset: number): string {
  const params = new URLSearchParams({ limit: String(limit), offset: String(offset) });
  if (query.text.trim()) {
    params.set('q', query.text.trim());
  }
  if (query.team) {
    params.set('team', query.team);
  }
  query.tags.forEach(tag => params.append('tag', tag));
  return params.toString();
}

/** The server's own words where it has some, else the status line. */
async function errorOf(response: Response): Promise<ApiError> {
  const fallback = `${response.status} ${response.statusText}`.trim();
  try {
    const body = (await response.json()) as Record<string, unknown>;
    const message = typeof body.message === 'string' && body.message ? body.message : fallback;
    const code = typeof body.code === 'string' ? body.code : String(response.status);
    return new ApiError(message, code, response.status, body);
  } catch {
    return new ApiError(fallback, String(response.status), response.status);
  }
}
