/** Whether whoever uses this JupyterLab is still let in: asked of the hub while somebody looks. */
import { PageConfig, URLExt } from '@jupyterlab/coreutils';
import type { IDisposable } from '@lumino/disposable';
import { Poll } from '@lumino/polling';
import { type ISignal, Signal } from '@lumino/signaling';

/** What the hub says of them. */
export interface IStanding {
  admitted: boolean;
  code: string | null;
  message: string | null;
  /** When the server ends, as an ISO date; null while it does not. */
  server_ends: string | null;
}

const USUAL = 5_000;
const LONGEST = 160_000;
const PATIENCE = 10_000;
const SIGNED_OUT: IStanding = {
  admitted: false,
  code: 'signed-out',
  message: null,
  server_ends: null
};

/** Where to ask; null without a hub, and where servers have domains of their own. */
export function standingUrl(): string | null {
  const prefix = PageConfig.getOption('hubPrefix');
  return prefix && !PageConfig.getOption('hubHost')
    ? URLExt.join(prefix, 'api/fairihub/standing')
    : null;
}

/** Asks every few seconds while the window is seen and in use, ever more seldom while that fails. */
export class StandingWatch implements IDisposable {
  constructor(private readonly _url: string) {
    this._poll = new Poll<IStanding>({
      auto: false,
      name: '@fairihub/lab:standing',
      factory: () => this._ask(),
      // Each wait is drawn from up to four times the last one: about twice as long each time.
      frequency: { interval: USUAL, backoff: 4, max: LONGEST },
      standby: () => !inUse()
    });
    this._poll.ticked.connect((_, { phase, payload }) => {
      if (phase === 'resolved') {
        this._told.emit(payload as IStanding);
      }
    });
  }

  /** Emitted with each answer. */
  get told(): ISignal<this, IStanding> {
    return this._told;
  }

  get isDisposed(): boolean {
    return this._poll.isDisposed;
  }

  start(): void {
    window.addEventListener('focus', this._again);
    void this._poll.start();
  }

  dispose(): void {
    window.removeEventListener('focus', this._again);
    this._poll.dispose();
    Signal.clearData(this);
  }

  private async _ask(): Promise<IStanding> {
    const answer = await fetch(this._url, {
      cache: 'no-store',
      credentials: 'same-origin',
      signal: AbortSignal.timeout(PATIENCE)
    });
    if (answer.status === 401 && this._known) {
      return SIGNED_OUT;
    }
    if (!answer.ok) {
      // Also where no session of the hub was ever in this browser, as with a token in the address.
      throw new Error(`The hub answered ${answer.status}.`);
    }
    this._known = true;
    return (await answer.json()) as IStanding;
  }

  private readonly _again = (): void => void this._poll.refresh();
  private readonly _poll: Poll<IStanding>;
  private readonly _told = new Signal<this, IStanding>(this);
  private _known = false;
}

function inUse(): boolean {
  return document.visibilityState === 'visible' && document.hasFocus();
}
