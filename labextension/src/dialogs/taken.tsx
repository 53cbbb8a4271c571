/** Asked when a copy's name is taken: another name, the file that is there, or neither. */
import { Dialog } from '@jupyterlab/apputils';
import type { TranslationBundle } from '@jupyterlab/translation';
import * as React from 'react';
import { Field } from './fields';
import { Draft, submitDialog } from './submit';

export interface ITaken {
  /** The name that is taken. */
  path: string;
  suggestion: string;
}

export type TakenAnswer = 'copied' | 'open-mine' | 'cancelled';

/** Ask until `copyTo` has worked with the name given, or the person chose otherwise. */
export async function askOtherName(
  taken: ITaken,
  copyTo: (path: string) => Promise<void>,
  trans: TranslationBundle
): Promise<TakenAnswer> {
  const mine = Dialog.cancelButton({
    label: trans.__('Open the one I have'),
    actions: ['open-mine']
  });
  const copy = Dialog.okButton({ label: trans.__('Make the copy') });
  const pressed = await submitDialog({
    title: trans.__('You already have “%1”', taken.path),
    draft: new Draft({ path: taken.suggestion }),
    form: (draft, { path }) => (
      <Field
        label={trans.__('Name of the copy')}
        note={trans.__('The file you have stays as it is.')}
      >
        <input
          className="fh-Input"
          value={path}
          required
          maxLength={1024}
          pattern=".*\.ipynb"
          title={trans.__('A name that ends in .ipynb')}
          onChange={event => draft.set({ path: event.target.value })}
        />
      </Field>
    ),
    buttons: [Dialog.cancelButton({ label: trans.__('Cancel') }), mine, copy],
    send: ({ path }) => copyTo(path.trim())
  });
  if (pressed.accept) {
    return 'copied';
  }
  return pressed.actions.includes('open-mine') ? 'open-mine' : 'cancelled';
}
