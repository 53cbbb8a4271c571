/** A model is one immutable state and a signal; components read the one and follow the other. */
import type { IDisposable } from '@lumino/disposable';
import { type ISignal, Signal } from '@lumino/signaling';
import { ApiError } from '../api';

/** How far a request has come. `offline` is an error that time may heal. */
export type Progress =
  | { kind: 'loading' }
  | { kind: 'ready' }
  | { kind: 'failed'; message: string }
  | { kind: 'offline' };

export const LOADING: Progress = { kind: 'loading' };
export const READY: Progress = { kind: 'ready' };

export function failed(error: unknown): Progress {
  if (error instanceof ApiError && error.offline) {
    return { kind: 'offline' };
  }
  return { kind: 'failed', message: messageOf(error) };
}

export function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}

/** What a component needs of a model. */
export interface IStateModel<S> {
  readonly state: S;
  readonly changed: ISignal<unknown, void>;
}

export abstract class StateModel<S> implements IStateModel<S>, IDisposable {
  constructor(private _state: S) {}

  get state(): S {
    return this._state;
  }

  get changed(): ISignal<this, void> {
    return this._changed;
  }

  get isDisposed(): boolean {
    return this._isDisposed;
  }

  dispose(): void {
    this._isDisposed = true;
    Signal.clearData(this);
  }

  /** Replace parts of the state and tell everyone, unless nobody is left to tell. */
  protected patch(part: Partial<S>): void {
    if (this._isDisposed) {
      return;
    }
    this._state = { ...this._state, ...part };
    this._changed.emit();
  }

  private _changed = new Signal<this, void>(this);
  private _isDisposed = false;
}

/** A model whose state is asked for, again and again. */
export abstract class AskingModel<S extends { progress: Progress }> extends StateModel<S> {
  /** Ask, and keep what `take` makes of the answer, unless another question came after this. */
  protected async latest<T>(ask: () => Promise<T>, take: (answer: T) => Partial<S>): Promise<void> {
    const question = ++this._question;
    let outcome: Partial<S>;
    try {
      outcome = { ...take(await ask()), progress: READY };
    } catch (error) {
      outcome = { progress: failed(error) } as Partial<S>;
    }
    if (question === this._question) {
      this.patch(outcome);
    }
  }

  private _question = 0;
}
