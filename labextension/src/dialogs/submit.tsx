/** A dialog that stays open until what it asked for is done, and says what went wrong. */
import { Dialog, ReactWidget } from '@jupyterlab/apputils';
import * as React from 'react';
import { messageOf, StateModel } from '../models/state';
import { useModel } from '../components/useModel';

/** What a person has filled in so far, and how the last attempt went. */
export interface IDraftState<T> {
  value: T;
  busy: boolean;
  error: string;
}

export class Draft<T> extends StateModel<IDraftState<T>> {
  constructor(value: T) {
    super({ value, busy: false, error: '' });
  }

  /** Change some of the fields; the complaint about the old ones goes. */
  set(part: Partial<T>): void {
    this.patch({ value: { ...this.state.value, ...part }, error: '' });
  }

  /** Hand the value over; answers whether that went well. */
  async submit(send: (value: T) => Promise<void>): Promise<boolean> {
    if (this.state.busy) {
      return false;
    }
    this.patch({ busy: true, error: '' });
    try {
      await send(this.state.value);
      return true;
    } catch (error) {
      this.patch({ error: messageOf(error) });
      return false;
    } finally {
      this.patch({ busy: false });
    }
  }
}

export interface ISubmitOptions<T> {
  title: string;
  draft: Draft<T>;
  /** The fields, drawn from the draft. */
  form: (draft: Draft<T>, value: T) => JSX.Element;
  buttons: Dialog.IButton[];
  /** Does it; what it throws is shown in the dialog, which then stays. */
  send: (value: T) => Promise<void>;
}

/** Show the dialog; the pressed button when it is closed. */
export async function submitDialog<T>(options: ISubmitOptions<T>): Promise<Dialog.IButton> {
  const dialog = new SubmitDialog(options);
  const result = await dialog.launch();
  options.draft.dispose();
  return result.button;
}

class SubmitDialog<T> extends Dialog<unknown> {
  constructor(private readonly _submit: ISubmitOptions<T>) {
    const { title, buttons } = _submit;
    const body = ReactWidget.create(<Body {..._submit} />);
    super({ title, buttons, body, focusNodeSelector: 'input, textarea' });
    this.addClass('fh-Dialog');
  }

  /** A button that accepts sends first, and closes the dialog only if that went well. */
  override resolve(index?: number): void {
    const buttons = this._submit.buttons;
    const button = buttons[index ?? buttons.length - 1];
    const form = this.node.querySelector('form');
    if (!button.accept) {
      super.resolve(index);
    } else if (form?.checkValidity()) {
      void this._send(index);
    } else {
      form?.reportValidity();
    }
  }

  private async _send(index?: number): Promise<void> {
    if (await this._submit.draft.submit(this._submit.send)) {
      super.resolve(index);
    }
  }
}

function Body<T>({ draft, form }: ISubmitOptions<T>): JSX.Element {
  const { value, busy, error } = useModel(draft);
  return (
    <form className="fh-Form" aria-busy={busy} onSubmit={event => event.preventDefault()}>
      <fieldset disabled={busy}>{form(draft, value)}</fieldset>
      {error && (
        <p className="fh-Form-error" role="alert">
          {error}
        </p>
      )}
    </form>
  );
}
